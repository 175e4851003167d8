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

// Origins that vouch for users. The origin of a user never changes: taking a name does not turn a user into another kind.
const (
	originLocal = ""        // the password is in the database
	originWeb   = "web.yml" // name and password are in web.yml
	originOIDC  = "oidc"    // an OpenID Connect provider vouches for the user
)

// webSuffix is appended to the login of a user from web.yml whose name was already taken by another user.
const webSuffix = "@web.yml"

// identity is how an origin identifies a user: by the name in web.yml, or by issuer and subject.
type identity struct{ origin, subject string }

func (i identity) give(ctx context.Context, tx *sql.Tx, userID int64) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO auth_identities (origin, subject, user_id) VALUES (?, ?, ?)", i.origin, i.subject, userID)
	return err
}

func (s store) userByIdentity(ctx context.Context, i identity) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+` FROM auth_identities i JOIN auth_users u ON u.id = i.user_id
		WHERE i.origin = ? AND i.subject = ?`, i.origin, i.subject))
}

// reservedError contains who a name is reserved for.
type reservedError struct{ name, whose string }

func (e *reservedError) Error() string {
	return fmt.Sprintf("the name '%s' belongs to %s; choose another", e.name, e.whose)
}

var errNames = errors.New("web.yml cannot be read, so it is unknown which names are taken")

// names checks which names are reserved.
type names struct {
	// web returns the names in web.yml, nil for none.
	web func() ([]string, error)
	// admin is the login that becomes an Admin at every start.
	admin string
}

// claim checks that a login and an email address that are new for u are available, in the transaction that stores them. It is the
// only check: all names are written by createUser or updateUser.
func (n names) claim(ctx context.Context, tx *sql.Tx, u User) error {
	var before User
	if u.ID != 0 {
		var err error
		if before, err = scanUser(tx.QueryRowContext(ctx, "SELECT "+userColumns+" FROM auth_users u WHERE u.id = ?", u.ID)); err != nil {
			return err
		}
	}
	fresh := map[string]bool{} // names added by this change; a name that web.yml has defined since remains usable
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
		return nil // these are its own names
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
	// Otherwise the next start would make the user with this name an Admin.
	if key == fold(n.admin) && (u.Role != Admin || u.Service || u.origin != originLocal || key != fold(u.Login)) {
		return &reservedError{name, "the first admin"}
	}
	return nil
}

// fold maps names that people or programs may confuse to the same value: it removes surrounding spaces and ignores case and
// Unicode representation.
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
