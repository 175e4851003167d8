package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// freeTries failures of a login from an address may come at once; then each further try has to wait, twice as long
	// each time. Where others have failed as often as manyTries lately, with the login or from the address, one is free.
	freeTries = 5
	manyTries = 30
	firstWait = 30 * time.Second
	maxWait   = 15 * time.Minute
	// forgetAfter is how long failures count, from the last one or from the end of its wait.
	forgetAfter = 15 * time.Minute
	maxEntries  = 10_000
	// maxRecalls is how many passwords are compared, while a login has to wait, with what was right a moment ago.
	maxRecalls = 100
)

// throttle slows those who guess passwords. What waits is a login from an address, and never a login or an address as
// such: nobody can keep somebody out who is elsewhere, or somebody else who is at the same address. Who shows that he
// was here before, by a session or the cookie of a device (see deviceOf), is counted for himself: even somebody at the
// same address cannot keep him out.
type throttle struct {
	now func() time.Time

	mtx     sync.Mutex
	entries map[string]*tries
}

type tries struct {
	failures, pending, recalls int
	last, until                time.Time
}

func newThrottle() *throttle { return &throttle{now: time.Now, entries: map[string]*tries{}} }

// guest is who tries a password.
type guest struct {
	login, address string
	// known names the session or device that has shown the right password before, empty for none.
	known string
}

// attempt is a try that was allowed; its end has to be told.
type attempt struct {
	t *throttle
	// own is what waits; others are what makes strangers wait sooner.
	own    string
	others []string
}

func (g guest) keys() (own string, others []string) {
	if g.known != "" {
		return "known " + g.known, nil
	}
	login, address := fold(truncate(g.login, maxLogin)), network(g.address)
	return "pair " + login + "\x00" + address, []string{"login " + login, "address " + address}
}

// begin allows a try, or says how long to wait. A try that runs counts as failed until it ends: else many at
// once would all be allowed.
func (t *throttle) begin(g guest) (*attempt, time.Duration) {
	a := &attempt{t: t}
	a.own, a.others = g.keys()
	t.mtx.Lock()
	defer t.mtx.Unlock()
	now := t.now()
	free := freeTries
	for _, key := range a.others {
		if e, ok := t.entries[key]; ok && !e.forgotten(now) && e.failures+e.pending >= manyTries {
			free = 1
		}
	}
	if e, ok := t.entries[a.own]; ok {
		if wait := e.wait(now, free); wait > 0 {
			e.recalls++
			return nil, wait
		}
	}
	for _, key := range a.all() {
		t.entry(key).pending++
	}
	return a, 0
}

// mayRecall reports whether the guest's password may be compared with those that were right a moment ago, which costs
// nothing and so has to be bounded while the guest waits.
func (t *throttle) mayRecall(g guest) bool {
	own, _ := g.keys()
	t.mtx.Lock()
	defer t.mtx.Unlock()
	e, ok := t.entries[own]
	return !ok || e.recalls < maxRecalls || !t.now().Before(e.until)
}

func (a *attempt) all() []string { return append([]string{a.own}, a.others...) }

// wait returns how long nobody may try.
func (e *tries) wait(now time.Time, free int) time.Duration {
	if e.forgotten(now) {
		return 0
	}
	if until := e.last.Add(firstWait); e.failures >= free && e.failures < freeTries && now.Before(until) {
		return until.Sub(now)
	}
	if now.Before(e.until) {
		return e.until.Sub(now)
	}
	if e.failures+e.pending >= free && e.pending > 0 {
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
	e.failures, e.recalls = 0, 0
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

// makeRoom bounds the memory that strangers can fill. When nothing has expired, what matters least goes first: else
// who has to wait could try many names and be forgotten.
func (t *throttle) makeRoom() {
	if len(t.entries) < maxEntries {
		return
	}
	t.drop()
	const enough = maxEntries * 9 / 10 // else each that comes would look through all
	for least := 1; len(t.entries) > enough && least < 1<<20; least *= 2 {
		for key, e := range t.entries {
			if e.pending == 0 && e.failures <= least && len(t.entries) > enough {
				delete(t.entries, key)
			}
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
	for _, key := range a.all() {
		e := a.t.entry(key)
		e.pending = max(e.pending-1, 0)
		e.failures++
		e.last = now
		if over := e.failures - freeTries; over >= 0 && key == a.own {
			e.until, e.recalls = now.Add(min(firstWait<<min(over, 10), maxWait)), 0
		}
	}
}

// passed does not count the try. The failures of this login from here are forgotten; the address's are not, or
// somebody with a password of his own could guess others' for ever, nor are those of strangers with the login.
func (a *attempt) passed() {
	a.dropped()
	a.t.mtx.Lock()
	defer a.t.mtx.Unlock()
	if e := a.t.entries[a.own]; e != nil && e.pending == 0 {
		delete(a.t.entries, a.own)
	}
}

// dropped is for a try that came to no end.
func (a *attempt) dropped() {
	a.t.mtx.Lock()
	defer a.t.mtx.Unlock()
	for _, key := range a.all() {
		e := a.t.entry(key)
		e.pending = max(e.pending-1, 0)
	}
}

// network returns an IPv4 address as it is and of an IPv6 address the network, of which one customer has all addresses.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return strings.ToLower(address)
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.Prefix(64)
	return prefix.String()
}
