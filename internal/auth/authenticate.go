package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var errWrong = errors.New("invalid username or password")

// throttledError contains how long to wait before the next attempt.
type throttledError struct{ wait time.Duration }

func (e *throttledError) Error() string {
	return fmt.Sprintf("too many wrong passwords; try again in %s", humanDuration(e.wait))
}

// Round up to whole seconds or minutes; more precision is not useful.
func humanDuration(d time.Duration) string {
	if d <= 100*time.Second {
		return fmt.Sprintf("%d seconds", max(1, int((d+time.Second-1)/time.Second)))
	}
	return fmt.Sprintf("%d minutes", int((d+time.Minute-1)/time.Minute))
}

// vouched is the origin that confirmed a password, either now or when the session began.
type vouched struct {
	origin string
	// proof is derived from the matching hash in web.yml: a session ends when the hash in the file changes.
	proof []byte
}

// proofOf identifies the current entry of web.yml.
func proofOf(name, hash string) []byte { return keyOf(name + "\x00" + hash) }

// passwordIdentity returns the user with these credentials, or errWrong, a throttledError or errBusy if there is none.
func (s *Service) passwordIdentity(r *http.Request, login, password string) (Identity, error) {
	ctx := r.Context()
	login = strings.TrimSpace(login)
	if len(login) > maxLogin || len(password) > maxPassword {
		login, password = truncate(login, maxLogin), "" // never correct, but counted
	}
	u, err := s.store.localByLogin(ctx, login)
	if err != nil && !errors.Is(err, errNotFound) {
		return Identity{}, err
	}
	q := question{guest: guest{login: login, address: remoteOf(r)}, password: password, user: u}
	q.webHash, q.webKnown = s.opts.UserHash(login)
	if q.known, err = s.known(r, q); err != nil {
		return Identity{}, err
	}
	try := func() (string, error) { return s.tryPassword(ctx, q) }
	var origin string
	if key := q.key(s.passwords); s.throttle.mayRecall(q.guest) {
		origin, err = s.passwords.check(ctx, key, try)
	} else {
		origin, err = try()
	}
	if err != nil {
		return Identity{}, err
	}
	if origin == originWeb {
		return s.webIdentity(ctx, login, q.webHash)
	}
	if u.Disabled {
		return Identity{}, errWrong
	}
	s.saw(ctx, u)
	return identityOf(u, ByPassword), nil
}

// question asks whether a password is correct, and for which user.
type question struct {
	guest
	password string
	user     User // the user with this login, if there is one
	webHash  string
	webKnown bool
}

// known identifies what shows that the guest has been here before. Without cookies, it queries nothing.
func (s *Service) known(r *http.Request, q question) (string, error) {
	if r.Header.Get("Cookie") == "" {
		return "", nil
	}
	var web User
	if q.webKnown {
		var err error
		if web, err = s.store.userByIdentity(r.Context(), identity{originWeb, q.login}); err != nil && !errors.Is(err, errNotFound) {
			return "", err
		}
	}
	return s.knownOf(r, q.user.ID, web.ID)
}

// key covers everything that the answer depends on: names in web.yml are case-sensitive, and for unknown names webHash belongs to
// another user. An answer is not shared between guests; otherwise a throttled guest could learn the answer given to another one.
func (q question) key(p *passwords) [sha256.Size]byte {
	return p.key(Network(q.address), q.known, q.login, q.password, strconv.FormatInt(q.user.ID, 10), q.user.hash, q.webHash, strconv.FormatBool(q.webKnown), strconv.FormatBool(q.user.Disabled))
}

// tryPassword checks the password, unless too many attempts have failed, and records the result in metrics and log. It returns
// the origin of the matching hash.
func (s *Service) tryPassword(ctx context.Context, q question) (origin string, err error) {
	a, wait := s.throttle.begin(q.guest)
	if wait > 0 {
		s.metrics.logins.WithLabelValues(resultThrottled).Inc()
		return "", &throttledError{wait}
	}
	release, err := s.passwords.slot(ctx)
	if err != nil {
		a.dropped()
		return "", err
	}
	// Compute both kinds of hash, whatever kind the user is, so that the timing reveals nothing.
	web := q.webHash != "" && matches(q.webHash, q.password) && q.webKnown
	local := !web && matches(q.user.hash, q.password) && !q.user.Disabled
	release()
	if !web && !local {
		a.failed()
		s.metrics.logins.WithLabelValues(resultWrong).Inc()
		s.log.Warn("Login refused", "login", q.login, "remote", q.address, "known", q.user.ID != 0 || q.webKnown, "disabled", q.user.Disabled)
		return "", errWrong
	}
	a.passed()
	s.metrics.logins.WithLabelValues(resultOK).Inc()
	if web {
		return originWeb, nil
	}
	return originLocal, nil
}

// webIdentity returns an Admin whose password has just been compared with the hash in web.yml. The row in the database holds
// preferences, stars and sessions, and never belongs to a user of another kind.
func (s *Service) webIdentity(ctx context.Context, name, hash string) (Identity, error) {
	me := identity{originWeb, name}
	u, err := s.store.userByIdentity(ctx, me)
	for _, login := range []string{name, name + webSuffix} {
		if !errors.Is(err, errNotFound) {
			break
		}
		_, err = s.store.createUser(ctx, User{Login: login, Role: Admin, origin: originWeb}, me)
		if err == nil || errors.Is(err, errTaken) { // the login is taken, or a concurrent request created the row
			u, err = s.store.userByIdentity(ctx, me)
		}
	}
	if err != nil {
		return Identity{}, err
	}
	if u.Disabled {
		return Identity{}, errWrong
	}
	s.saw(ctx, u)
	id := identityOf(u, ByPassword)
	id.Role, id.vouched = Admin, vouched{originWeb, proofOf(name, hash)}
	return id, nil
}

// identify returns the sender of the request. Explicit credentials take precedence over a cookie.
func (s *Service) identify(r *http.Request) (Identity, error) {
	if token, ok := bearer(r); ok {
		id, err := s.tokenIdentity(r.Context(), token)
		if errors.Is(err, errNotFound) {
			return id, errToken
		}
		return id, err
	}
	if login, password, ok := r.BasicAuth(); ok {
		return s.passwordIdentity(r, login, password)
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

// remoteOf returns the client's address, which httpserver has determined.
func remoteOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
