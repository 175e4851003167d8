package heartbeats

import (
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ausguck/ausguck/internal/bounds"
)

const (
	// pingRate and pingBurst limit the pings of one token: a run reports its start and its end, and some lines in between.
	pingRate, pingBurst = rate.Limit(1), 30
	// guessRate and guessBurst limit the unknown tokens of one network.
	guessRate, guessBurst = rate.Limit(1.0 / 6), 20
	// maxKnown is how many networks a heartbeat is known to report from.
	maxKnown = 8
)

// limits are those of requests without credentials. They are forgotten at a restart.
type limits struct {
	now func() time.Time
	// guesses are unknown tokens by network.
	guesses *bounds.Rates

	mtx    sync.Mutex
	tokens map[string]*rate.Limiter // by heartbeat
	known  map[string][]string      // networks by heartbeat
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, guesses: bounds.NewRates(guessRate, guessBurst), tokens: map[string]*rate.Limiter{}, known: map[string][]string{}}
}

// ping allows a ping of a heartbeat, or returns how long to wait.
func (l *limits) ping(name string) (wait time.Duration) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	limiter := l.tokens[name]
	if limiter == nil {
		limiter = rate.NewLimiter(pingRate, pingBurst)
		l.tokens[name] = limiter
	}
	return bounds.Take(limiter, l.now())
}

// remember notes that a heartbeat has reported from a network.
func (l *limits) remember(name, network string) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	networks := l.known[name]
	if slices.Contains(networks, network) {
		return
	}
	l.known[name] = append(networks[max(0, len(networks)-maxKnown+1):], network)
}

// keep forgets what is known of other heartbeats than those of a configuration.
func (l *limits) keep(c *Config) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	maps.DeleteFunc(l.tokens, func(name string, _ *rate.Limiter) bool { return c.byName[name] == nil })
	maps.DeleteFunc(l.known, func(name string, _ []string) bool { return c.byName[name] == nil })
}

// guess returns how long a network has to wait before the next token is looked up, because it sent too many unknown ones. Who
// guesses must not learn that a token is right, so this also holds for right ones, except for a heartbeat that has reported from
// there before: nobody else behind the same address can silence it.
func (l *limits) guess(h *Heartbeat, network string) (wait time.Duration) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if h != nil && slices.Contains(l.known[h.Name], network) {
		return 0
	}
	if h == nil {
		return l.guesses.Take(network, l.now())
	}
	return l.guesses.Wait(network, l.now())
}
