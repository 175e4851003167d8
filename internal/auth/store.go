package auth

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// migrations are the history of the schema. Times are milliseconds since 1970, 0 for never. Service accounts are users, as in
// Grafana, and share their ids.
var migrations = []string{
	`CREATE TABLE auth_users (
		id       INTEGER PRIMARY KEY AUTOINCREMENT,
		uid      TEXT NOT NULL UNIQUE,
		login    TEXT NOT NULL COLLATE NOCASE UNIQUE,
		email    TEXT NOT NULL COLLATE NOCASE,
		name     TEXT NOT NULL,
		role     TEXT NOT NULL,
		hash     TEXT NOT NULL,
		service  INTEGER NOT NULL,
		disabled INTEGER NOT NULL,
		created  INTEGER NOT NULL,
		updated  INTEGER NOT NULL,
		seen     INTEGER NOT NULL
	) STRICT;
	CREATE UNIQUE INDEX auth_users_email ON auth_users (email) WHERE email <> '';
	CREATE TABLE auth_sessions (
		key     BLOB PRIMARY KEY,
		user_id INTEGER NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
		created INTEGER NOT NULL,
		seen    INTEGER NOT NULL,
		remote  TEXT NOT NULL,
		agent   TEXT NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX auth_sessions_user ON auth_sessions (user_id);
	CREATE TABLE auth_tokens (
		id      INTEGER PRIMARY KEY AUTOINCREMENT,
		user_id INTEGER NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
		name    TEXT NOT NULL,
		key     BLOB NOT NULL UNIQUE,
		created INTEGER NOT NULL,
		expires INTEGER NOT NULL,
		used    INTEGER NOT NULL,
		UNIQUE (user_id, name)
	) STRICT;`,

	// Origins of users: before this, a user without a password could only be from web.yml.
	`ALTER TABLE auth_users ADD COLUMN origin TEXT NOT NULL DEFAULT '';
	CREATE TABLE auth_identities (
		origin  TEXT NOT NULL,
		subject TEXT NOT NULL,
		user_id INTEGER NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
		PRIMARY KEY (origin, subject)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX auth_identities_user ON auth_identities (user_id);
	UPDATE auth_users SET origin = 'web.yml' WHERE hash = '' AND NOT service;
	INSERT INTO auth_identities (origin, subject, user_id) SELECT 'web.yml', login, id FROM auth_users WHERE origin = 'web.yml';
	ALTER TABLE auth_sessions ADD COLUMN origin TEXT NOT NULL DEFAULT '';
	ALTER TABLE auth_sessions ADD COLUMN proof BLOB NOT NULL DEFAULT x'';`,

	// Whether the password is the generated one of the first admin.
	`ALTER TABLE auth_users ADD COLUMN initial INTEGER NOT NULL DEFAULT 0;`,

	`CREATE TABLE auth_devices (
		key     BLOB PRIMARY KEY,
		user_id INTEGER NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
		seen    INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX auth_devices_user ON auth_devices (user_id);`,

	// The hint for the sign-in provider at logout.
	`ALTER TABLE auth_sessions ADD COLUMN hint TEXT NOT NULL DEFAULT '';`,
}

var (
	errNotFound  = errors.New("not found")
	errTaken     = errors.New("already taken")
	errLastAdmin = errors.New("the last admin cannot be removed")
)

// User is a person, or a service account.
type User struct {
	ID                     int64
	UID                    string
	Login, Email, Name     string
	Role                   Role
	Service, Disabled      bool
	Created, Updated, Seen time.Time

	origin string // one of the origins
	hash   string // empty if password login is not possible
}

// store executes the SQL statements. Every method is one transaction.
type store struct {
	db *sql.DB
	// names checks which names are reserved.
	names names
}

const userColumns = "u.id, u.uid, u.login, u.email, u.name, u.role, u.hash, u.origin, u.service, u.disabled, u.created, u.updated, u.seen"

type scanner interface{ Scan(dest ...any) error }

func scanUser(row scanner, more ...any) (User, error) {
	var u User
	var created, updated, seen int64
	dest := append([]any{&u.ID, &u.UID, &u.Login, &u.Email, &u.Name, &u.Role, &u.hash, &u.origin, &u.Service, &u.Disabled, &created, &updated, &seen}, more...)
	err := row.Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return u, errNotFound
	}
	u.Created, u.Updated, u.Seen = fromMillis(created), fromMillis(updated), fromMillis(seen)
	return u, err
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// newUID returns a short identifier that needs no escaping.
func newUID() string { return strings.ToLower(rand.Text()[:14]) }

// userByLogin also finds a person by email address, as Grafana's login does.
func (s store) userByLogin(ctx context.Context, login string) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+` FROM auth_users u
		WHERE u.login = ?1 OR (u.email = ?1 AND u.email <> '') ORDER BY u.login = ?1 DESC LIMIT 1`, login))
}

// localByLogin only finds people whose password is stored here.
func (s store) localByLogin(ctx context.Context, login string) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+` FROM auth_users u
		WHERE u.origin = '' AND NOT u.service AND (u.login = ?1 OR (u.email = ?1 AND u.email <> '')) ORDER BY u.login = ?1 DESC LIMIT 1`, login))
}

// adminByLogin finds the user that becomes an Admin at every start: only by login, which nobody else can take.
func (s store) adminByLogin(ctx context.Context, login string) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+" FROM auth_users u WHERE u.origin = '' AND NOT u.service AND u.login = ?", login))
}

func (s store) userByID(ctx context.Context, id int64) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+" FROM auth_users u WHERE u.id = ?", id))
}

func (s store) userByUID(ctx context.Context, uid string) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+" FROM auth_users u WHERE u.uid = ?", uid))
}

// UserCounts has the numbers of people who can log in.
type UserCounts struct {
	All    int
	ByRole map[Role]int
	// Active is the number of those seen in the last 30 days.
	Active int
}

// Count counts the users, without service accounts.
func (s *Service) Count(ctx context.Context) (UserCounts, error) {
	n := UserCounts{ByRole: map[Role]int{}}
	rows, err := s.store.db.QueryContext(ctx, "SELECT role, count(*), sum(seen >= ?) FROM auth_users WHERE NOT service AND NOT disabled GROUP BY role",
		millis(time.Now().AddDate(0, 0, -30)))
	if err != nil {
		return n, fmt.Errorf("count users: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var role Role
		var all, active int
		if err := rows.Scan(&role, &all, &active); err != nil {
			return n, fmt.Errorf("count users: %w", err)
		}
		n.All, n.ByRole[role], n.Active = n.All+all, all, n.Active+active
	}
	return n, rows.Err()
}

// query selects users.
type query struct {
	text          string // in login, name or email
	service       bool
	limit, offset int
}

// users returns one page of users and their total number, each with its number of tokens.
func (s store) users(ctx context.Context, q query) (users []listedUser, total int, err error) {
	const where = ` FROM auth_users u WHERE u.service = ?1 AND (?2 = '' OR instr(lower(u.login || char(0) || u.name || char(0) || u.email), lower(?2)) > 0)`
	if err := s.db.QueryRowContext(ctx, "SELECT count(*)"+where, q.service, q.text).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := s.db.QueryContext(ctx, "SELECT "+userColumns+", (SELECT count(*) FROM auth_tokens t WHERE t.user_id = u.id)"+where+
		" ORDER BY u.login LIMIT ?3 OFFSET ?4", q.service, q.text, q.limit, q.offset)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	users = []listedUser{}
	for rows.Next() {
		var l listedUser
		if l.User, err = scanUser(rows, &l.tokens); err != nil {
			return nil, 0, err
		}
		users = append(users, l)
	}
	return users, total, rows.Err()
}

type listedUser struct {
	User
	tokens int
}

// createUser fills in the identifiers of the new user. subjects identify the user at its origin.
func (s store) createUser(ctx context.Context, u User, subjects ...identity) (User, error) {
	u.UID, u.Created, u.Updated = newUID(), time.Now().UTC(), time.Now().UTC()
	err := s.change(ctx, func(tx *sql.Tx) error {
		if err := s.names.claim(ctx, tx, u); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO auth_users (uid, login, email, name, role, hash, origin, service, disabled, created, updated, seen)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
			u.UID, u.Login, u.Email, u.Name, u.Role, u.hash, u.origin, u.Service, u.Disabled, millis(u.Created), millis(u.Updated))
		if err != nil {
			return err
		}
		if u.ID, err = res.LastInsertId(); err != nil {
			return err
		}
		for _, i := range subjects {
			if err := i.give(ctx, tx, u.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return u, err
}

// updateUser writes everything except the password. Disabling a user ends the user's sessions.
func (s store) updateUser(ctx context.Context, u User) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		if err := s.names.claim(ctx, tx, u); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, "UPDATE auth_users SET login = ?, email = ?, name = ?, role = ?, disabled = ?, updated = ? WHERE id = ?",
			u.Login, u.Email, u.Name, u.Role, u.Disabled, time.Now().UnixMilli(), u.ID)
		if err := one(res, err); err != nil || !u.Disabled {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM auth_sessions WHERE user_id = ?", u.ID)
		return err
	})
}

// deleteUser also deletes the sessions and tokens.
func (s store) deleteUser(ctx context.Context, id int64) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, "DELETE FROM auth_users WHERE id = ?", id))
	})
}

// setHash sets the password hash and ends all sessions of the user except keep. initial is set for the generated password of the
// first admin.
func (s store) setHash(ctx context.Context, id int64, hash string, initial bool, keep []byte) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, "UPDATE auth_users SET hash = ?, initial = ?, updated = ? WHERE id = ?", hash, initial, time.Now().UnixMilli(), id)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM auth_sessions WHERE user_id = ? AND key IS NOT ?", id, keep)
		return err
	})
}

// change runs f in a transaction, which it rolls back if no administrator would be left.
func (s store) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	before, err := countAdmins(ctx, tx)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return unique(err)
	}
	after, err := countAdmins(ctx, tx)
	if err != nil {
		return err
	}
	if before > 0 && after == 0 {
		return errLastAdmin
	}
	return tx.Commit()
}

func (s store) admins(ctx context.Context) (int, error) { return countAdmins(ctx, s.db) }

func countAdmins(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (n int, err error) {
	err = q.QueryRowContext(ctx, "SELECT count(*) FROM auth_users WHERE role = ? AND NOT disabled AND NOT service AND hash <> ''", Admin).Scan(&n)
	return n, err
}

// sawUser stores the time when a user was last active.
func (s store) sawUser(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, "UPDATE auth_users SET seen = ? WHERE id = ?", time.Now().UnixMilli(), id)
	return err
}

// sweep removes expired data.
func (s store) sweep(ctx context.Context, oldestUse, oldestLogin time.Time) error {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM auth_sessions WHERE seen < ? OR created < ?", millis(oldestUse), millis(oldestLogin)); err != nil {
		return fmt.Errorf("remove expired sessions: %w", err)
	}
	return nil
}

// one converts a statement that affected no row into errNotFound.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return errNotFound
	}
	return err
}

// unique converts the violation of a unique constraint into errTaken.
func unique(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		return errTaken
	}
	return err
}
