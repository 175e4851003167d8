package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Who vouches for a user. It never changes: nobody becomes another kind of user by taking a name.
const (
	originLocal = ""        // the password is in the database
	originWeb   = "web.yml" // name and password are in web.yml
	originOIDC  = "oidc"    // an OpenID Connect provider says so
)

// webSuffix ends the logins of users of web.yml whose own name was somebody else's first.
const webSuffix = "@web.yml"

// identity is how an origin names a user: the name in web.yml, or issuer and subject.
type identity struct{ origin, subject string }

func (i identity) give(ctx context.Context, tx *sql.Tx, userID int64) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO auth_identities (origin, subject, user_id) VALUES (?, ?, ?)", i.origin, i.subject, userID)
	return err
}

func (s store) userByIdentity(ctx context.Context, i identity) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+` FROM auth_identities i JOIN auth_users u ON u.id = i.user_id
		WHERE i.origin = ? AND i.subject = ?`, i.origin, i.subject))
}

// reservedError says whose name it is.
type reservedError struct{ name, whose string }

func (e *reservedError) Error() string {
	return fmt.Sprintf("the name '%s' belongs to %s; choose another", e.name, e.whose)
}

var errNames = errors.New("web.yml cannot be read, so it is unknown which names are taken")

// names says what a user may not be called.
type names struct {
	// web returns the names in web.yml, nil for none.
	web func() ([]string, error)
	// admin is the login that every start makes an Admin.
	admin string
}

// claim checks that a login and an email address that are new to u are free, in the transaction that takes them. It
// is the one place that does: every path to a name writes by createUser or updateUser.
func (n names) claim(ctx context.Context, tx *sql.Tx, u User) error {
	var before User
	if u.ID != 0 {
		var err error
		if before, err = scanUser(tx.QueryRowContext(ctx, "SELECT "+userColumns+" FROM auth_users u WHERE u.id = ?", u.ID)); err != nil {
			return err
		}
	}
	fresh := map[string]bool{} // names that this change takes; one that web.yml has taken since stays usable
	for _, name := range []string{u.Login, u.Email} {
		if key := fold(name); key != "" && key != fold(before.Login) && key != fold(before.Email) {
			if err := n.reserved(u, name); err != nil {
				return err
			}
			fresh[key] = true
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	rows, err := tx.QueryContext(ctx, "SELECT login, email FROM auth_users WHERE id <> ?", u.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var login, email string
		if err := rows.Scan(&login, &email); err != nil {
			return err
		}
		if fresh[fold(login)] || fresh[fold(email)] {
			return errTaken
		}
	}
	return rows.Err()
}

func (n names) reserved(u User, name string) error {
	if u.origin == originWeb {
		return nil // whose own names they are
	}
	taken, err := n.web()
	if err != nil {
		return fmt.Errorf("%w: %w", errNames, err)
	}
	key := fold(name)
	for _, t := range taken {
		if fold(t) == key {
			return &reservedError{name, "a user in web.yml"}
		}
	}
	if strings.HasSuffix(key, webSuffix) {
		return &reservedError{name, "the users in web.yml, which end so"}
	}
	// Else the next start would make an Admin of who has taken it.
	if key == fold(n.admin) && (u.Role != Admin || u.Service || u.origin != originLocal || key != fold(u.Login)) {
		return &reservedError{name, "the first admin"}
	}
	return nil
}

// fold returns what names have in common that people or programs take for the same: without spaces around them, in
// any case, in any form that Unicode has for a character.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		if 'A' <= least && least <= 'Z' {
			return least - 'A' + 'a'
		}
		return least
	}, norm.NFKC.String(strings.TrimSpace(name)))
}
