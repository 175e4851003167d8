package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"
)

// DeviceCookieName is the cookie that a browser keeps after a login, even after the logout. It does not grant access: a client
// that presents it with the matching login is not throttled because of other clients' attempts.
const DeviceCookieName = "ausguck_device"

const (
	deviceFor = 365 * 24 * time.Hour
	// maxDevices is how many devices are stored per user, the most recently used ones.
	maxDevices = 20
)

// knownOf identifies what shows that a user has previously logged in with the right password: the session of the request, or the
// device. It returns "" if there is neither.
func (s *Service) knownOf(r *http.Request, userIDs ...int64) (string, error) {
	id, err := s.sessionIdentity(r)
	if err != nil && !errors.Is(err, errNotFound) {
		return "", err
	}
	for _, userID := range userIDs {
		if userID == 0 {
			continue
		}
		if err == nil && id.UserID == userID {
			return "session " + string(id.session), nil
		}
		for _, c := range r.CookiesNamed(DeviceCookieName) {
			key := keyOf(c.Value)
			var n int
			if err := s.store.db.QueryRowContext(r.Context(), "SELECT count(*) FROM auth_devices WHERE key = ? AND user_id = ? AND seen >= ?",
				key, userID, millis(time.Now().Add(-deviceFor))).Scan(&n); err != nil {
				return "", err
			}
			if n > 0 {
				return "device " + string(key), nil
			}
		}
	}
	return "", nil
}

// knowDevice sets a cookie in the browser of a user who has just logged in, unless it has one.
func (s *Service) knowDevice(w http.ResponseWriter, r *http.Request, userID int64) error {
	now := time.Now().UnixMilli()
	for _, c := range r.CookiesNamed(DeviceCookieName) {
		err := one(s.store.db.ExecContext(r.Context(), "UPDATE auth_devices SET seen = ? WHERE key = ? AND user_id = ?", now, keyOf(c.Value), userID))
		if !errors.Is(err, errNotFound) {
			return err
		}
	}
	secret := rand.Text() + rand.Text()
	if err := s.store.addDevice(r.Context(), keyOf(secret), userID, now); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: DeviceCookieName, Value: secret, Path: s.opts.Prefix + "/login", MaxAge: int(deviceFor.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(r),
	})
	return nil
}

func (s store) addDevice(ctx context.Context, key []byte, userID, now int64) error {
	if _, err := s.db.ExecContext(ctx, "INSERT INTO auth_devices (key, user_id, seen) VALUES (?, ?, ?)", key, userID, now); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, `DELETE FROM auth_devices WHERE user_id = ?1 AND key NOT IN
		(SELECT key FROM auth_devices WHERE user_id = ?1 ORDER BY seen DESC LIMIT ?2)`, userID, maxDevices)
	return err
}
