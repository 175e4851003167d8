package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

var errWrong = errors.New("invalid username or password")

// throttledError says how long nobody may try.
type throttledError struct{ wait time.Duration }

func (e *throttledError) Error() string {
	return fmt.Sprintf("too many wrong passwords; try again in %s", humanDuration(e.wait))
}

// Ceil to whole seconds or minutes: nobody waits more exactly.
func humanDuration(d time.Duration) string {
	if d <= 100*time.Second {
		return fmt.Sprintf("%d seconds", max(1, int((d+time.Second-1)/time.Second)))
	}
	return fmt.Sprintf("%d minutes", int((d+time.Minute-1)/time.Minute))
}

// passwordIdentity returns who has these credentials: errWrong, a throttledError or errBusy for nobody.
func (s *Service) passwordIdentity(ctx context.Context, login, password, remote string) (Identity, error) {
	login = strings.TrimSpace(login)
	if len(login) > maxLogin || len(password) > maxPassword {
		login, password = truncate(login, maxLogin), "" // never right, yet counted
	}
	u, err := s.store.userByLogin(ctx, login)
	if err != nil && !errors.Is(err, errNotFound) {
		return Identity{}, err
	}
	webHash, webKnown := s.opts.UserHash(login)
	err = s.passwords.check(ctx, s.passwords.key(strings.ToLower(login), password, u.hash, webHash), func() error {
		return s.tryPassword(ctx, u, login, password, remote, webHash, webKnown)
	})
	if err != nil {
		return Identity{}, err
	}
	if webKnown {
		return s.webIdentity(ctx, u, login)
	}
	if u.Disabled {
		return Identity{}, errWrong
	}
	s.saw(ctx, u)
	return identityOf(u, ByPassword), nil
}

// tryPassword compares, unless too many tries were wrong, and tells metrics and log how it went.
func (s *Service) tryPassword(ctx context.Context, u User, login, password, remote, webHash string, webKnown bool) error {
	a, wait := s.throttle.begin(login, remote)
	if wait > 0 {
		s.metrics.logins.WithLabelValues(resultThrottled).Inc()
		return &throttledError{wait}
	}
	release, err := s.passwords.slot(ctx)
	if err != nil {
		a.dropped()
		return err
	}
	// Each kind of hash is computed whether or not the user is of that kind: the time tells nothing.
	web := webHash != "" && matches(webHash, password) && webKnown
	local := !web && matches(u.hash, password) && !u.Disabled && !u.Service
	release()
	if !web && !local {
		a.failed()
		s.metrics.logins.WithLabelValues(resultWrong).Inc()
		s.log.Warn("Login refused", "login", login, "remote", remote, "known", u.ID != 0 || webKnown, "disabled", u.Disabled)
		return errWrong
	}
	a.passed()
	s.metrics.logins.WithLabelValues(resultOK).Inc()
	return nil
}

// webIdentity is an Admin whose password is in web.yml; the row is there for preferences, stars and sessions.
func (s *Service) webIdentity(ctx context.Context, u User, login string) (Identity, error) {
	if u.ID == 0 {
		var err error
		u, err = s.store.createUser(ctx, User{Login: login, Role: Admin})
		if errors.Is(err, errTaken) { // by a request beside this one
			u, err = s.store.userByLogin(ctx, login)
		}
		if err != nil {
			return Identity{}, err
		}
	}
	if u.Disabled || u.Service {
		return Identity{}, errWrong
	}
	s.saw(ctx, u)
	id := identityOf(u, ByPassword)
	id.Role = Admin
	return id, nil
}

// identify returns who sends the request. Credentials that are sent decide, before a cookie.
func (s *Service) identify(r *http.Request) (Identity, error) {
	if token, ok := bearer(r); ok {
		id, err := s.tokenIdentity(r.Context(), token)
		if errors.Is(err, errNotFound) {
			return id, errToken
		}
		return id, err
	}
	if login, password, ok := r.BasicAuth(); ok {
		return s.passwordIdentity(r.Context(), login, password, remoteOf(r))
	}
	id, err := s.sessionIdentity(r)
	if errors.Is(err, errNotFound) {
		return id, errNobody
	}
	return id, err
}

var (
	errNobody = errors.New("no credentials")
	errToken  = errors.New("invalid API token")
)

// remoteOf returns the address that a person comes from. What a proxy says is believed when the proxy is on this
// machine or in a private network, and only the address that this proxy itself has seen.
func remoteOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil || !peer.Unmap().IsLoopback() && !peer.Unmap().IsPrivate() {
		return host
	}
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 {
		return host
	}
	last := forwarded[len(forwarded)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if ip, err := netip.ParseAddr(last); err == nil {
		return ip.String()
	}
	return host
}
