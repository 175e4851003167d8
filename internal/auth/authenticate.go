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

// vouched is who has found a password to be right, or a session to have begun with a right one.
type vouched struct {
	origin string
	// proof is of web.yml's hash that matched: a session ends when the file has another.
	proof []byte
}

// proofOf names an entry of web.yml as it is now.
func proofOf(name, hash string) []byte { return keyOf(name + "\x00" + hash) }

// passwordIdentity returns who has these credentials: errWrong, a throttledError or errBusy for nobody.
func (s *Service) passwordIdentity(r *http.Request, login, password string) (Identity, error) {
	ctx := r.Context()
	login = strings.TrimSpace(login)
	if len(login) > maxLogin || len(password) > maxPassword {
		login, password = truncate(login, maxLogin), "" // never right, yet counted
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

// question is whether a password is right, and whose.
type question struct {
	guest
	password string
	user     User // whose login it is here, if anybody's
	webHash  string
	webKnown bool
}

// known names what shows that the guest has been here before. Who has no cookies is asked nothing.
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

// key has everything that the answer depends on: web.yml tells names apart by their case, and for a name that it does
// not know webHash is another's. What was right for one guest is no answer for another: who may not try could else
// learn it here.
func (q question) key(p *passwords) [sha256.Size]byte {
	return p.key(network(q.address), q.known, q.login, q.password, strconv.FormatInt(q.user.ID, 10), q.user.hash, q.webHash, strconv.FormatBool(q.webKnown), strconv.FormatBool(q.user.Disabled))
}

// tryPassword compares, unless too many tries were wrong, and tells metrics and log how it went. It returns whose
// hash has matched.
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
	// Each kind of hash is computed whether or not the user is of that kind: the time tells nothing.
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

// webIdentity is an Admin whose password is in web.yml, with whose hash there it has just been compared; the row is
// there for preferences, stars and sessions, and is never that of a user of another kind.
func (s *Service) webIdentity(ctx context.Context, name, hash string) (Identity, error) {
	me := identity{originWeb, name}
	u, err := s.store.userByIdentity(ctx, me)
	for _, login := range []string{name, name + webSuffix} {
		if !errors.Is(err, errNotFound) {
			break
		}
		_, err = s.store.createUser(ctx, User{Login: login, Role: Admin, origin: originWeb}, me)
		if err == nil || errors.Is(err, errTaken) { // the login, or the whole row by a request beside this one
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

// remoteOf returns the address that a person comes from, which httpserver has found out.
func remoteOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
