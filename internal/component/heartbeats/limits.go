package heartbeats

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// pingRate and pingBurst limit the pings of one token: a run reports its start and its end, and some lines in between.
	pingRate, pingBurst = rate.Limit(1), 30
	// guessRate and guessBurst limit the unknown tokens of one network.
	guessRate, guessBurst = rate.Limit(1.0 / 6), 20
	// maxGuessers is how many networks are counted. If there are more, those that were counted first are forgotten.
	maxGuessers = 10_000
	// maxKnown is how many networks a heartbeat is known to report from.
	maxKnown = 8
)

// limits are those of requests without credentials. They are forgotten at a restart.
type limits struct {
	now func() time.Time

	mtx    sync.Mutex
	tokens map[string]*rate.Limiter // by heartbeat
	known  map[string][]string      // networks by heartbeat
	// guesses and older count unknown tokens by network; older becomes smaller guesses when those are full.
	guesses, older map[string]*rate.Limiter
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, tokens: map[string]*rate.Limiter{}, known: map[string][]string{}, guesses: map[string]*rate.Limiter{}}
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
	return take(limiter, l.now())
}

func take(limiter *rate.Limiter, now time.Time) time.Duration {
	reservation := limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
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

// guesses returns how long a network has to wait before the next token is looked up, because it sent too many unknown ones. Who
// guesses must not learn that a token is right, so this also holds for right ones, except for a heartbeat that has reported from
// there before: nobody else behind the same address can silence it.
func (l *limits) guess(h *Heartbeat, network string) (wait time.Duration) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if h != nil && slices.Contains(l.known[h.Name], network) {
		return 0
	}
	now := l.now()
	limiter := l.guesser(network, h == nil)
	switch {
	case limiter == nil:
		return 0
	case h == nil:
		return take(limiter, now)
	}
	if missing := 1 - limiter.TokensAt(now); missing > 0 {
		return time.Duration(missing / float64(guessRate) * float64(time.Second))
	}
	return 0
}

// guesser returns the limiter of a network; nil if it has not sent unknown tokens, unless it is to be created.
func (l *limits) guesser(network string, create bool) *rate.Limiter {
	limiter := l.guesses[network]
	if limiter == nil {
		limiter = l.older[network]
	}
	if limiter == nil && !create {
		return nil
	}
	if limiter == nil {
		limiter = rate.NewLimiter(guessRate, guessBurst)
	}
	if l.guesses[network] == nil {
		if len(l.guesses) >= maxGuessers/2 {
			l.older, l.guesses = l.guesses, map[string]*rate.Limiter{}
		}
		l.guesses[network] = limiter
	}
	return limiter
}
