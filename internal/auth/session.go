package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
)

// CookieName is the cookie that holds the secret of a session.
const CookieName = "ausguck_session"

// seenInterval is the precision of the time of the last use; otherwise every use would be a write.
const seenInterval = time.Minute

// keyOf returns what is stored of a secret, so that the content of the database cannot be used to log in. The secrets have 256
// random bits: a slow hash would not protect them better.
func keyOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// startSession creates a session and returns its secret. The session stores the origin that vouched for the user.
func (s *Service) startSession(ctx context.Context, id Identity, remote, agent string) (string, error) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	secret := base64.RawURLEncoding.EncodeToString(random[:])
	now := time.Now().UnixMilli()
	_, err := s.store.db.ExecContext(ctx, "INSERT INTO auth_sessions (key, user_id, created, seen, remote, agent, origin, proof, hint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		keyOf(secret), id.UserID, now, now, remote, truncate(agent, 200), id.vouched.origin, append([]byte{}, id.vouched.proof...), id.idToken)
	if err != nil {
		return "", err
	}
	return secret, s.store.sawUser(ctx, id.UserID)
}

// sessionIdentity returns the user of the session in the request's cookie, or errNotFound if there is none.
func (s *Service) sessionIdentity(r *http.Request) (Identity, error) {
	// A browser may send cookies with the same name for several paths; which of them is ours only becomes clear here.
	for _, c := range r.CookiesNamed(CookieName) {
		id, err := s.sessionOf(r.Context(), keyOf(c.Value))
		if !errors.Is(err, errNotFound) {
			return id, err
		}
	}
	return Identity{}, errNotFound
}

func (s *Service) sessionOf(ctx context.Context, key []byte) (Identity, error) {
	var seen int64
	var v vouched
	var name string
	u, err := scanUser(s.store.db.QueryRowContext(ctx, "SELECT "+userColumns+`, s.seen, s.origin, s.proof,
		coalesce((SELECT min(i.subject) FROM auth_identities i WHERE i.user_id = u.id AND i.origin = s.origin), '') FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
		WHERE s.key = ? AND s.seen >= ? AND s.created >= ? AND NOT u.disabled`, key, millis(s.oldestUse()), millis(s.oldestLogin())), &seen, &v.origin, &v.proof, &name)
	if err != nil {
		return Identity{}, err
	}
	if !s.stillVouched(u, v, name) {
		return Identity{}, errNotFound
	}
	if time.Since(fromMillis(seen)) > min(seenInterval, s.opts.SessionIdle/4) {
		if _, err := s.store.db.ExecContext(ctx, "UPDATE auth_sessions SET seen = ? WHERE key = ?", time.Now().UnixMilli(), key); err != nil {
			return Identity{}, err
		}
	}
	s.saw(ctx, u)
	id := identityOf(u, BySession)
	id.session, id.vouched = key, v
	return id, nil
}

// stillVouched reports whether the origin that vouched for the session's user would do so again. A user from web.yml has the role
// of its row, Admin, only in a session that began with the hash that the file still has for exactly this name.
func (s *Service) stillVouched(u User, v vouched, name string) bool {
	switch v.origin {
	case originLocal:
		return u.origin == originLocal && u.hash != ""
	case originWeb:
		hash, known := s.opts.UserHash(name)
		return u.origin == originWeb && known && bytes.Equal(v.proof, proofOf(name, hash))
	case originOIDC:
		// The identity must still belong to the user, and to the configured provider.
		return s.opts.SignIn != nil && strings.HasPrefix(name, s.opts.SignIn.Provider.Issuer()+" ")
	}
	return false
}

// endSessions ends the sessions of the request's cookies.
func (s *Service) endSessions(r *http.Request) error {
	var errs []error
	for _, c := range r.CookiesNamed(CookieName) {
		_, err := s.store.db.ExecContext(r.Context(), "DELETE FROM auth_sessions WHERE key = ?", keyOf(c.Value))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// endSessionsOf ends all sessions of a user.
func (s *Service) endSessionsOf(ctx context.Context, userID int64) error {
	_, err := s.store.db.ExecContext(ctx, "DELETE FROM auth_sessions WHERE user_id = ?", userID)
	return err
}

// setCookie sets the secret as a cookie in the browser; an empty one removes the cookie.
func (s *Service) setCookie(w http.ResponseWriter, r *http.Request, secret string) {
	maxAge := int(s.opts.SessionLifetime.Seconds())
	if secret == "" {
		maxAge = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: CookieName, Value: secret, Path: s.opts.Prefix + "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.secure(r),
	})
}

// secure reports whether the browser uses TLS. Headers of untrusted proxies have been removed already.
func (s *Service) secure(r *http.Request) bool {
	return s.opts.Secure || r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// saw stores when a user was last active, with the precision of seenInterval.
func (s *Service) saw(ctx context.Context, u User) {
	if time.Since(u.Seen) < seenInterval {
		return
	}
	if err := s.store.sawUser(ctx, u.ID); err != nil && ctx.Err() == nil {
		s.log.Warn("Cannot save the time of a user's last request", "login", u.Login, "err", err)
	}
}

func identityOf(u User, by Means) Identity {
	return Identity{UserID: u.ID, UID: u.UID, Login: u.Login, Name: u.Name, Email: u.Email, Role: u.Role, ServiceUser: u.Service, By: by}
}

func truncate(text string, n int) string {
	if len(text) > n {
		return text[:n]
	}
	return text
}
