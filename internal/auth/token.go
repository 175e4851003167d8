package auth

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"time"
)

// Tokens have Grafana's format, glsa_SECRET_CHECKSUM, so that scanners for leaked secrets recognize them.
const (
	tokenPrefix = "glsa_"
	secretLen   = 32
	checksumLen = 8
)

// Token is an API token of a service account. The secret itself is not stored.
type Token struct {
	ID                     int64
	Name                   string
	Created, Expires, Used time.Time // zero for never
}

// TemporaryToken creates a token of the admin for a program that has access to the database but no password. forget removes it;
// otherwise it expires.
func (s *Service) TemporaryToken(ctx context.Context, name string, ttl time.Duration) (secret string, forget func(context.Context) error, err error) {
	u, err := s.store.userByLogin(ctx, s.opts.AdminLogin)
	if err != nil {
		return "", nil, fmt.Errorf("create a token for the user %q: %w", s.opts.AdminLogin, err)
	}
	id, secret, err := s.store.createToken(ctx, u.ID, name+" "+rand.Text(), ttl)
	if err != nil {
		return "", nil, fmt.Errorf("create a token for the user %q: %w", u.Login, err)
	}
	return secret, func(ctx context.Context) error { return s.store.deleteToken(ctx, u.ID, id) }, nil
}

func newToken() string {
	secret := (rand.Text() + rand.Text())[:secretLen]
	return tokenPrefix + secret + "_" + checksum(secret)
}

func checksum(secret string) string {
	sum := crc32.ChecksumIEEE([]byte("sa" + secret))
	return hex.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// wellFormed detects mistyped tokens and those of other programs without a database query.
func wellFormed(token string) bool {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok || len(rest) != secretLen+1+checksumLen || rest[secretLen] != '_' {
		return false
	}
	return rest[secretLen+1:] == checksum(rest[:secretLen])
}

// tokenIdentity returns the owner of the token, or errNotFound if the token is unknown or has expired, or its account is
// disabled.
func (s *Service) tokenIdentity(ctx context.Context, token string) (Identity, error) {
	if !wellFormed(token) {
		return Identity{}, errNotFound
	}
	var tokenID, used int64
	u, err := scanUser(s.store.db.QueryRowContext(ctx, "SELECT "+userColumns+`, t.id, t.used FROM auth_tokens t JOIN auth_users u ON u.id = t.user_id
		WHERE t.key = ? AND (t.expires = 0 OR t.expires > ?) AND NOT u.disabled`, keyOf(token), time.Now().UnixMilli()), &tokenID, &used)
	if err != nil {
		return Identity{}, err
	}
	if time.Since(fromMillis(used)) > seenInterval {
		if _, err := s.store.db.ExecContext(ctx, "UPDATE auth_tokens SET used = ? WHERE id = ?", time.Now().UnixMilli(), tokenID); err != nil {
			return Identity{}, err
		}
	}
	s.saw(ctx, u)
	return identityOf(u, ByToken), nil
}

// bearer returns the token of the request, which can also be the password of the user api_key, as in Grafana.
func bearer(r *http.Request) (string, bool) {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), true
	}
	if user, password, ok := r.BasicAuth(); ok && user == "api_key" {
		return password, true
	}
	return "", false
}

// createToken returns the secret, which cannot be retrieved again.
func (s store) createToken(ctx context.Context, userID int64, name string, ttl time.Duration) (id int64, secret string, err error) {
	secret = newToken()
	now := time.Now()
	var expires int64
	if ttl > 0 {
		expires = now.Add(ttl).UnixMilli()
	}
	res, err := s.db.ExecContext(ctx, "INSERT INTO auth_tokens (user_id, name, key, created, expires, used) VALUES (?, ?, ?, ?, ?, 0)",
		userID, name, keyOf(secret), now.UnixMilli(), expires)
	if err != nil {
		return 0, "", unique(err)
	}
	id, err = res.LastInsertId()
	return id, secret, err
}

func (s store) tokens(ctx context.Context, userID int64) ([]Token, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, name, created, expires, used FROM auth_tokens WHERE user_id = ? ORDER BY id", userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tokens := []Token{}
	for rows.Next() {
		var t Token
		var created, expires, used int64
		if err := rows.Scan(&t.ID, &t.Name, &created, &expires, &used); err != nil {
			return nil, err
		}
		t.Created, t.Expires, t.Used = fromMillis(created), fromMillis(expires), fromMillis(used)
		tokens = append(tokens, t)
	}
	return tokens, rows.Err()
}

func (s store) deleteToken(ctx context.Context, userID, id int64) error {
	var res sql.Result
	res, err := s.db.ExecContext(ctx, "DELETE FROM auth_tokens WHERE id = ? AND user_id = ?", id, userID)
	return one(res, err)
}
