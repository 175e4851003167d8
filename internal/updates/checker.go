package updates

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// firstAfter is the delay of the first check, to which up to firstSpread is added: a program that restarts all the time does
	// not ask, and hosts that start together do not ask together.
	firstAfter  = 5 * time.Second
	firstSpread = 10 * time.Second
	every       = 24 * time.Hour
	// firstRetry is the delay after a check that failed. It doubles with each further one, up to every.
	firstRetry = 15 * time.Minute
)

// State is the result of the checks so far.
type State struct {
	// Newest is what the last successful check returned; nil before it.
	Newest *Release `json:"newest,omitempty"`
	// Newer is set if Newest is newer than this program.
	Newer bool `json:"newer"`
	// Checked is when the last successful check was; zero before it.
	Checked time.Time `json:"checked,omitzero"`
	// Error is why the last check failed; empty if it did not.
	Error string `json:"error,omitempty"`
}

// Checker asks a Source once a day.
type Checker struct {
	source *Source
	logger *slog.Logger

	mtx   sync.Mutex
	state State
}

// NewChecker returns a Checker that does nothing until Run.
func NewChecker(source *Source, logger *slog.Logger, reg prometheus.Registerer) *Checker {
	c := &Checker{source: source, logger: logger}
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ausguck_updates_available",
		Help: "Whether the last check found a newer version of Ausguck.",
	}, func() float64 {
		if c.State().Newer {
			return 1
		}
		return 0
	}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ausguck_updates_last_check_timestamp_seconds",
		Help: "When the newest version was last known, in seconds since 1970; 0 if it never was.",
	}, func() float64 {
		if at := c.State().Checked; !at.IsZero() {
			return float64(at.Unix())
		}
		return 0
	}))
	return c
}

// State returns the result of the checks so far.
func (c *Checker) State() State {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	return c.state
}

// Run checks until ctx ends: seconds after the start, then once a day, and more often after a failure.
func (c *Checker) Run(ctx context.Context, ready func()) error {
	ready()
	wait, failures := firstAfter+rand.N(firstSpread), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if err := c.check(ctx); err == nil {
			wait, failures = every, 0
		} else if ctx.Err() == nil {
			wait = min(firstRetry<<min(failures, 10), every)
			failures++
			c.logger.Warn("Check for a newer version failed", "retry_in", wait, "err", err)
		}
		wait += rand.N(wait / 5) // at most a fifth more
	}
}

// check asks once and keeps the result.
func (c *Checker) check(ctx context.Context) error {
	newest, newer, err := c.source.Newest(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if err != nil {
		c.state.Error = err.Error()
		return err
	}
	if newer && (c.state.Newest == nil || c.state.Newest.Version != newest.Version) {
		c.logger.Info("A newer version of Ausguck is available", "version", newest.Version, "url", newest.URL)
	}
	c.state = State{Newest: &newest, Newer: newer, Checked: time.Now()}
	return nil
}
