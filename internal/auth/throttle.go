package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// freeTries failures may come at once; then each further try has to wait, twice as long each time.
	freeTries = 5
	firstWait = 30 * time.Second
	maxWait   = 15 * time.Minute
	// forgetAfter is how long failures count, from the last one or from the end of its wait.
	forgetAfter = 5 * time.Minute
	// knownFor is how long an address stays known to be a user's own.
	knownFor   = 30 * 24 * time.Hour
	maxEntries = 10_000
)

// throttle slows those who guess passwords: by the login that they try, and by the address that they come from. It
// knows nothing of sessions and tokens, which so are never slowed.
type throttle struct {
	now func() time.Time

	mtx     sync.Mutex
	entries map[string]*tries
	// own has the pairs of login and address that were right lately: what strangers do to a login does not
	// keep its user out.
	own map[string]time.Time
}

type tries struct {
	failures, pending int
	last, until       time.Time
}

func newThrottle() *throttle {
	return &throttle{now: time.Now, entries: map[string]*tries{}, own: map[string]time.Time{}}
}

// attempt is a try that was allowed; its end has to be told.
type attempt struct {
	t    *throttle
	pair string
	keys []string
}

// begin allows a try, or says how long to wait. A try that runs counts as failed until it ends: else many at
// once would all be allowed.
func (t *throttle) begin(login, address string) (*attempt, time.Duration) {
	login, address = strings.ToLower(truncate(login, 200)), network(address)
	a := &attempt{t: t, pair: login + "\x00" + address, keys: []string{"address " + address}}
	t.mtx.Lock()
	defer t.mtx.Unlock()
	now := t.now()
	if until, ok := t.own[a.pair]; !ok || now.After(until) {
		a.keys = append(a.keys, "login "+login)
	}
	var wait time.Duration
	for _, key := range a.keys {
		if e, ok := t.entries[key]; ok {
			wait = max(wait, e.wait(now))
		}
	}
	if wait > 0 {
		return nil, wait
	}
	for _, key := range a.keys {
		t.entry(key).pending++
	}
	return a, 0
}

// wait returns how long nobody may try.
func (e *tries) wait(now time.Time) time.Duration {
	if e.forgotten(now) {
		return 0
	}
	if now.Before(e.until) {
		return e.until.Sub(now)
	}
	if e.failures+e.pending >= freeTries && e.pending > 0 {
		return time.Second // the others first
	}
	return 0
}

// forgotten resets failures that are long ago.
func (e *tries) forgotten(now time.Time) bool {
	since := e.last
	if e.until.After(since) {
		since = e.until
	}
	if e.pending > 0 || now.Sub(since) < forgetAfter {
		return false
	}
	e.failures = 0
	return true
}

func (t *throttle) entry(key string) *tries {
	e, ok := t.entries[key]
	if !ok {
		t.makeRoom()
		e = &tries{}
		t.entries[key] = e
	}
	return e
}

// makeRoom bounds the memory that strangers can fill: when nothing has expired, any entry goes.
func (t *throttle) makeRoom() {
	if len(t.entries) < maxEntries {
		return
	}
	t.drop()
	for key, e := range t.entries {
		if len(t.entries) < maxEntries {
			return
		}
		if e.pending == 0 {
			delete(t.entries, key)
		}
	}
}

func (t *throttle) drop() {
	now := t.now()
	for key, e := range t.entries {
		if e.forgotten(now) {
			delete(t.entries, key)
		}
	}
	for pair, until := range t.own {
		if now.After(until) || len(t.own) > maxEntries {
			delete(t.own, pair)
		}
	}
}

func (t *throttle) sweep() {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	t.drop()
}

// failed counts the try.
func (a *attempt) failed() {
	a.t.mtx.Lock()
	defer a.t.mtx.Unlock()
	now := a.t.now()
	for _, key := range a.keys {
		e := a.t.entry(key)
		e.pending = max(e.pending-1, 0)
		e.failures++
		e.last = now
		if over := e.failures - freeTries; over >= 0 {
			e.until = now.Add(min(firstWait<<min(over, 10), maxWait))
		}
	}
}

// passed does not count the try. The login's failures are forgotten; the address's are not, or somebody with a
// password of his own could guess another's for ever.
func (a *attempt) passed() {
	a.t.mtx.Lock()
	defer a.t.mtx.Unlock()
	for _, key := range a.keys {
		e := a.t.entry(key)
		e.pending = max(e.pending-1, 0)
		if strings.HasPrefix(key, "login ") {
			e.failures, e.until = 0, time.Time{}
		}
	}
	a.t.own[a.pair] = a.t.now().Add(knownFor)
}

// dropped is for a try that came to no end.
func (a *attempt) dropped() {
	a.t.mtx.Lock()
	defer a.t.mtx.Unlock()
	for _, key := range a.keys {
		e := a.t.entry(key)
		e.pending = max(e.pending-1, 0)
	}
}

// network returns an IPv4 address as it is and of an IPv6 address the network, of which one customer has all addresses.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.Prefix(64)
	return prefix.String()
}
