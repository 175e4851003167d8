package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// freeTries is how many failures of a login from an address are free; after that, each attempt has to wait, twice as long
	// each time. If others have recently failed manyTries times with the login or from the address, only one failure is free.
	freeTries = 5
	manyTries = 30
	firstWait = 30 * time.Second
	maxWait   = 15 * time.Minute
	// forgetAfter is how long failures count, from the last one or from the end of its wait.
	forgetAfter = 15 * time.Minute
	maxEntries  = 10_000
	// maxRecalls is how many passwords are compared with the cache of correct ones while a login has to wait.
	maxRecalls = 100
)

// throttle slows down password guessing. It delays a login from an address, never a login or an address as such: nobody can lock
// out users at other addresses, or other users at the same address. Clients that have logged in before, as shown by a session or
// a device cookie (see knownOf), are counted individually: not even others at the same address can lock them out.
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

// guest is a client that tries a password.
type guest struct {
	login, address string
	// known identifies the session or device that has presented the right password before, empty if there is none.
	known string
}

// attempt is an allowed attempt; the caller must report its result.
type attempt struct {
	t *throttle
	// own is the key that is delayed; others are the keys that make unknown clients wait sooner.
	own    string
	others []string
}

func (g guest) keys() (own string, others []string) {
	if g.known != "" {
		return "known " + g.known, nil
	}
	login, address := fold(truncate(g.login, maxLogin)), Network(g.address)
	return "pair " + login + "\x00" + address, []string{"login " + login, "address " + address}
}

// begin allows an attempt, or returns how long to wait. A pending attempt counts as failed until it ends; otherwise any number of
// concurrent ones would be allowed.
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

// mayRecall reports whether the guest's password may be compared with the cache of correct ones. This costs nothing, so it must
// be limited while the guest waits.
func (t *throttle) mayRecall(g guest) bool {
	own, _ := g.keys()
	t.mtx.Lock()
	defer t.mtx.Unlock()
	e, ok := t.entries[own]
	return !ok || e.recalls < maxRecalls || !t.now().Before(e.until)
}

func (a *attempt) all() []string { return append([]string{a.own}, a.others...) }

// wait returns how long the next attempt has to wait.
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
		return time.Second // pending attempts first
	}
	return 0
}

// forgotten resets expired failures.
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

// makeRoom limits the memory that unauthenticated clients can use. If nothing has expired, it removes the least important entries
// first; otherwise a throttled client could get its own entry removed by trying many names.
func (t *throttle) makeRoom() {
	if len(t.entries) < maxEntries {
		return
	}
	t.drop()
	const enough = maxEntries * 9 / 10 // otherwise every new entry would search all of them
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

// failed counts the attempt.
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

// passed does not count the attempt. It clears the failures of this login from this address, but not those of the address,
// because otherwise anyone with a password could guess others' passwords forever, nor those of unknown clients with the login.
func (a *attempt) passed() {
	a.dropped()
	a.t.mtx.Lock()
	defer a.t.mtx.Unlock()
	if e := a.t.entries[a.own]; e != nil && e.pending == 0 {
		delete(a.t.entries, a.own)
	}
}

// dropped ends an attempt that was not completed.
func (a *attempt) dropped() {
	a.t.mtx.Lock()
	defer a.t.mtx.Unlock()
	for _, key := range a.all() {
		e := a.t.entry(key)
		e.pending = max(e.pending-1, 0)
	}
}

// Network returns an IPv4 address unchanged, and the network of an IPv6 address, because one customer has all of its addresses.
func Network(address string) string {
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
