package bounds

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxRates is how many clients a Rates counts. If there are more, those that were counted first are forgotten.
const maxRates = 10_000

// Rates limits how often each of many clients may do something. It is for handlers that are open to everybody, so its memory is
// limited.
type Rates struct {
	limit rate.Limit
	burst int

	mtx sync.Mutex
	// older becomes newer when that is full.
	newer, older map[string]*rate.Limiter
}

// NewRates returns limits of burst actions, and limit per second after that.
func NewRates(limit rate.Limit, burst int) *Rates {
	return &Rates{limit: limit, burst: burst, newer: map[string]*rate.Limiter{}}
}

// Take allows an action of a client, or returns how long it has to wait.
func (r *Rates) Take(client string, now time.Time) (wait time.Duration) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	limiter := r.find(client)
	if limiter == nil {
		limiter = rate.NewLimiter(r.limit, r.burst)
		r.keep(client, limiter)
	}
	return Take(limiter, now)
}

// Wait returns how long a client has to wait for its next action.
func (r *Rates) Wait(client string, now time.Time) time.Duration {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	limiter := r.find(client)
	if limiter == nil {
		return 0
	}
	missing := 1 - limiter.TokensAt(now)
	return max(0, time.Duration(missing/float64(r.limit)*float64(time.Second)))
}

func (r *Rates) find(client string) *rate.Limiter {
	limiter := r.newer[client]
	if limiter == nil {
		if limiter = r.older[client]; limiter != nil {
			r.keep(client, limiter)
		}
	}
	return limiter
}

func (r *Rates) keep(client string, limiter *rate.Limiter) {
	if len(r.newer) >= maxRates/2 {
		r.older, r.newer = r.newer, map[string]*rate.Limiter{}
	}
	r.newer[client] = limiter
}

// Take takes one token of a limiter, or returns how long to wait for it.
func Take(limiter *rate.Limiter, now time.Time) time.Duration {
	reservation := limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}
