package subscribers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/ausguck/ausguck/internal/database"
)

var migrations = []string{
	`CREATE TABLE statuspage_subscriber (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		page TEXT NOT NULL,
		address TEXT NOT NULL,
		since INTEGER NOT NULL, -- when it was confirmed, in seconds since 1970
		leave TEXT NOT NULL UNIQUE, -- the token in each mail that ends the subscription; it is good for nothing else
		UNIQUE (page, address)
	) STRICT;
	CREATE TABLE statuspage_confirmation ( -- an address that was entered
		token BLOB PRIMARY KEY, -- SHA-256 of the one in the mail
		page TEXT NOT NULL,
		address TEXT NOT NULL,
		made INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX statuspage_confirmation_address ON statuspage_confirmation (address);
	CREATE TABLE statuspage_notice (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		notice TEXT NOT NULL -- JSON
	) STRICT;
	CREATE TABLE statuspage_mail ( -- the queue
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		page TEXT NOT NULL,
		address TEXT, -- one that was entered
		token TEXT, -- the one in its mail, until that is sent
		subscriber INTEGER REFERENCES statuspage_subscriber ON DELETE CASCADE, -- who gets the notice
		notice INTEGER REFERENCES statuspage_notice,
		since INTEGER NOT NULL,
		due INTEGER NOT NULL,
		attempts INTEGER NOT NULL
	) STRICT;
	CREATE INDEX statuspage_mail_due ON statuspage_mail (page, due);
	CREATE INDEX statuspage_mail_subscriber ON statuspage_mail (subscriber);
	CREATE INDEX statuspage_mail_notice ON statuspage_mail (notice);`,
}

// Subscriber is a confirmed address.
type Subscriber struct {
	ID      int64     `json:"id"`
	Address string    `json:"address"`
	Since   time.Time `json:"since"`
}

// queued is a mail in the queue.
type queued struct {
	id       int64
	address  string
	token    string // to confirm, or to leave
	notice   *Notice
	noticeID sql.NullInt64
	since    time.Time
	attempts int
}

type store struct{ db *sql.DB }

func (s store) prepare(ctx context.Context) error {
	return database.Migrate(ctx, s.db, "statuspage_subscribers", migrations)
}

// inTx runs do in a transaction.
func (s store) inTx(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // without effect after a commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// hash returns what is stored of a token.
func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// request queues a request to confirm an address. It does the same work for every address.
func (s store) request(ctx context.Context, page, address string, now time.Time) (queued bool, err error) {
	result, err := s.db.ExecContext(ctx, `INSERT INTO statuspage_mail (page, address, since, due, attempts) SELECT ?1, ?2, ?3, ?3, 0
		WHERE (SELECT count(*) FROM statuspage_mail WHERE subscriber IS NULL) < ?4`, page, address, now.Unix(), maxUnconfirmed)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// begin returns the token for a request to confirm, which stays the same if the mail is sent again; empty if there must be no mail,
// because the address is known, was sent enough, or too many others have not been confirmed yet.
func (s store) begin(ctx context.Context, page string, m queued, now time.Time) (token, reason string, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		if m.token != "" { // it can be used for a day after the mail
			token = m.token
			_, err := tx.ExecContext(ctx, "UPDATE statuspage_confirmation SET made = ? WHERE token = ?", now.Unix(), hash(token))
			return err
		}
		var known, sent, open int
		err := tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM statuspage_subscriber WHERE page = ?1 AND address = ?2),
			(SELECT count(*) FROM statuspage_confirmation WHERE address = ?2 AND made > ?3), (SELECT count(*) FROM statuspage_confirmation)`,
			page, m.address, now.Add(-confirmWithin).Unix()).Scan(&known, &sent, &open)
		switch {
		case err != nil:
			return err
		case known > 0:
			reason = "known"
			return nil
		case sent >= maxRequests:
			reason = "the address was sent enough mails"
			return nil
		case open >= maxUnconfirmed:
			reason = "too many addresses have not been confirmed"
			return nil
		}
		token = rand.Text()
		if _, err := tx.ExecContext(ctx, "INSERT INTO statuspage_confirmation (token, page, address, made) VALUES (?, ?, ?, ?)", hash(token), page, m.address, now.Unix()); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE statuspage_mail SET token = ? WHERE id = ?", token, m.id)
		return err
	})
	return token, reason, err
}

// confirm makes the address of a token a subscriber; false if the token cannot be used.
func (s store) confirm(ctx context.Context, page, token string, now time.Time) (confirmed bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		var address string
		err := tx.QueryRowContext(ctx, "SELECT address FROM statuspage_confirmation WHERE token = ? AND page = ? AND made > ?",
			hash(token), page, now.Add(-confirmWithin).Unix()).Scan(&address)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		confirmed = true
		if _, err := tx.ExecContext(ctx, "DELETE FROM statuspage_confirmation WHERE page = ? AND address = ?", page, address); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO statuspage_subscriber (page, address, since, leave) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			page, address, now.Unix(), rand.Text())
		return err
	})
	return confirmed, err
}

// leave ends the subscription of a token, if there is one.
func (s store) leave(ctx context.Context, page, token string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM statuspage_subscriber WHERE page = ? AND leave = ?", page, token)
	return err
}

func (s store) remove(ctx context.Context, page string, id int64) (bool, error) {
	result, err := s.db.ExecContext(ctx, "DELETE FROM statuspage_subscriber WHERE page = ? AND id = ?", page, id)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func (s store) count(ctx context.Context, page string) (n int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM statuspage_subscriber WHERE page = ?", page).Scan(&n)
	return n, err
}

func (s store) subscribers(ctx context.Context, page string) (all []Subscriber, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, address, since FROM statuspage_subscriber WHERE page = ? ORDER BY id", page)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	all = []Subscriber{}
	for rows.Next() {
		var one Subscriber
		var since int64
		if err := rows.Scan(&one.ID, &one.Address, &since); err != nil {
			return nil, err
		}
		one.Since = time.Unix(since, 0).UTC()
		all = append(all, one)
	}
	return all, rows.Err()
}

func (s store) announce(ctx context.Context, tx *sql.Tx, page string, n Notice, now time.Time) error {
	var any bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM statuspage_subscriber WHERE page = ?)", page).Scan(&any); err != nil || !any {
		return err
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, "INSERT INTO statuspage_notice (notice) VALUES (?)", string(text))
	if err != nil {
		return err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO statuspage_mail (page, subscriber, notice, since, due, attempts) SELECT page, id, ?1, ?2, ?2, 0 FROM statuspage_subscriber WHERE page = ?3",
		id, now.Unix(), page)
	return err
}

// next returns the mail of a page that has been due for the longest time; nil if there is none.
func (s store) next(ctx context.Context, page string, now time.Time) (*queued, error) {
	var m queued
	var since int64
	var notice sql.NullString
	err := s.db.QueryRowContext(ctx, `SELECT m.id, coalesce(s.address, m.address), coalesce(s.leave, m.token, ''), m.notice, n.notice, m.since, m.attempts
		FROM statuspage_mail m LEFT JOIN statuspage_subscriber s ON s.id = m.subscriber LEFT JOIN statuspage_notice n ON n.id = m.notice
		WHERE m.page = ? AND m.due <= ? ORDER BY m.due, m.id LIMIT 1`, page, now.Unix()).
		Scan(&m.id, &m.address, &m.token, &m.noticeID, &notice, &since, &m.attempts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there is none, as documented
	}
	if err != nil {
		return nil, err
	}
	m.since = time.Unix(since, 0)
	if notice.Valid {
		m.notice = &Notice{}
		err = json.Unmarshal([]byte(notice.String), m.notice)
	}
	return &m, err
}

// done removes a mail from the queue, and its notice if that was the last one.
func (s store) done(ctx context.Context, m *queued) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM statuspage_mail WHERE id = ?", m.id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM statuspage_notice WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM statuspage_mail WHERE notice = ?1)", m.noticeID)
		return err
	})
}

func (s store) later(ctx context.Context, m *queued, due time.Time) error {
	_, err := s.db.ExecContext(ctx, "UPDATE statuspage_mail SET due = ?, attempts = attempts + 1 WHERE id = ?", due.Unix(), m.id)
	return err
}

// forget removes addresses that were not confirmed in time, mails that nothing sends any more, and notices without mails.
func (s store) forget(ctx context.Context, now time.Time) error {
	if _, err := s.db.ExecContext(ctx, "DELETE FROM statuspage_confirmation WHERE made <= ?", now.Add(-confirmWithin).Unix()); err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, "DELETE FROM statuspage_mail WHERE since <= ?", now.Add(-2*giveUpAfter).Unix()); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, "DELETE FROM statuspage_notice WHERE id NOT IN (SELECT notice FROM statuspage_mail WHERE notice IS NOT NULL)")
	return err
}
