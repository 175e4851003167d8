package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultStopTimeout is how long a component may take to stop before the group continues without it.
const DefaultStopTimeout = 8 * time.Second

const (
	// minRetry and maxRetry limit the delay before a kept component is restarted.
	minRetry = time.Second
	maxRetry = time.Minute
	// patience is how long a component waits for another one that it needs before it starts without it.
	patience = 10 * time.Second
)

// Phase is the phase of a component's life cycle.
type Phase string

// The phases, in the order in which a component passes through them.
const (
	Waiting  Phase = "waiting"
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Down     Phase = "down" // failed, and waiting for a restart
	Stopping Phase = "stopping"
	Stopped  Phase = "stopped"
	Failed   Phase = "failed" // failed permanently
)

// State is the state of one component, for a status page.
type State struct {
	Name  string    `json:"name"`
	Phase Phase     `json:"phase"`
	Since time.Time `json:"since"`
	// Error is why the component failed last. It is empty if the component never failed, and once it is ready again.
	Error string `json:"error,omitempty"`
	// Retry is when a component that is down will be restarted.
	Retry time.Time `json:"retry,omitzero"`
}

// Group runs components. Each starts after those that it needs have been ready or failed, and they stop in the reverse of the
// order in which they were added. The zero value is not usable; see NewGroup.
type Group struct {
	logger      *slog.Logger
	stopTimeout time.Duration
	members     []*member
}

type member struct {
	name      string
	component Component
	needs     []*member
	kept      bool
	logger    *slog.Logger
	retry     chan struct{}

	started bool
	cancel  context.CancelFunc
	settled chan struct{} // closed when the component is ready, or has failed, for the first time
	done    chan struct{}
	err     error // valid once done is closed

	mtx   sync.Mutex
	state State
}

// NewGroup returns an empty group. stopTimeout limits how long each component may take to stop; 0 means DefaultStopTimeout.
func NewGroup(logger *slog.Logger, stopTimeout time.Duration) *Group {
	if stopTimeout == 0 {
		stopTimeout = DefaultStopTimeout
	}
	return &Group{logger: logger, stopTimeout: stopTimeout}
}

// Add appends an essential component: if it fails, all components stop. It starts when everything that was added before is ready.
// Add must not be called after Run.
func (g *Group) Add(name string, c Component) {
	m := g.add(name, c)
	m.needs = g.members[:len(g.members)-1]
}

// Keep appends a component that is not essential to the others. If it fails, it is restarted at growing intervals until it works
// or the group stops, so its Run must support repeated calls. It starts when the components that it needs, by name, are ready,
// have failed, or take too long. Names that the group does not have are ignored.
func (g *Group) Keep(name string, c Component, needs ...string) {
	m := g.add(name, c)
	m.kept = true
	for _, other := range g.members {
		for _, need := range needs {
			if other.name == need {
				m.needs = append(m.needs, other)
			}
		}
	}
}

func (g *Group) add(name string, c Component) *member {
	m := &member{
		name: name, component: c, logger: g.logger,
		retry:   make(chan struct{}, 1),
		settled: make(chan struct{}),
		done:    make(chan struct{}),
		state:   State{Name: name, Phase: Waiting, Since: time.Now()},
	}
	g.members = append(g.members, m)
	return m
}

// States returns the states of all components, in the order in which they were added.
func (g *Group) States() []State {
	states := make([]State, 0, len(g.members))
	for _, m := range g.members {
		states = append(states, m.snapshot())
	}
	return states
}

// State returns the state of one component; false if the group does not have it.
func (g *Group) State(name string) (State, bool) {
	for _, m := range g.members {
		if m.name == name {
			return m.snapshot(), true
		}
	}
	return State{}, false
}

// Settled returns a channel that is closed when the component is ready, or has failed, for the first time; nil if the group does
// not have it.
func (g *Group) Settled(name string) <-chan struct{} {
	for _, m := range g.members {
		if m.name == name {
			return m.settled
		}
	}
	return nil
}

// Retry immediately restarts every component that is down, because the reason may have been fixed.
func (g *Group) Retry() {
	for _, m := range g.members {
		select {
		case m.retry <- struct{}{}:
		default:
		}
	}
}

// Run starts all components, calls settled when each of them has been ready or failed once, and stops them all when ctx is
// canceled or an essential one returns. It returns nil only if it was asked to stop and everything stopped in time; otherwise the
// joined errors, each with the name of its component.
func (g *Group) Run(ctx context.Context, settled func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var starting sync.WaitGroup
	for _, m := range g.members {
		starting.Go(func() {
			if !m.await(ctx) {
				return
			}
			m.started = true
			// It outlives ctx, because components are canceled one by one, in reverse order.
			m.start(context.WithoutCancel(ctx), cancel)
			select {
			case <-m.settled:
			case <-ctx.Done():
			}
		})
	}
	starting.Wait()
	if ctx.Err() == nil {
		settled()
	}
	<-ctx.Done()
	return g.stop()
}

// await returns when all components that m needs are settled, or take too long. It returns false if ctx has ended.
func (m *member) await(ctx context.Context) bool {
	for _, other := range m.needs {
		var late <-chan time.Time
		if m.kept {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-other.settled:
		case <-late:
			m.logger.Warn("Starting a part although one it needs is not ready yet", "part", m.name, "needs", other.name)
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

func (g *Group) stop() error {
	var errs []error
	for i := len(g.members) - 1; i >= 0; i-- {
		m := g.members[i]
		if !m.started {
			continue
		}
		if err := m.stop(g.stopTimeout); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
			continue
		}
		g.logger.Debug("Part stopped", "part", m.name)
	}
	return errors.Join(errs...)
}

// start runs the component in its own goroutine. It calls ended when the component has ended permanently.
func (m *member) start(parent context.Context, ended func()) {
	ctx, cancel := context.WithCancel(parent)
	m.cancel = cancel
	settle := sync.OnceFunc(func() { close(m.settled) })
	go func() {
		defer ended()
		defer close(m.done)
		if m.kept {
			m.keep(ctx, settle)
			return
		}
		if _, m.err = m.once(ctx, settle); m.err != nil {
			m.enter(State{Phase: Failed, Error: m.err.Error()})
			return
		}
		m.enter(State{Phase: Stopped})
	}()
}

// keep runs the component repeatedly until ctx ends. The error that it returns when it is stopped becomes the group's error.
func (m *member) keep(ctx context.Context, settle func()) {
	for delay := minRetry; ; delay = min(2*delay, maxRetry) {
		begun := time.Now()
		ready, err := m.once(ctx, settle)
		if ctx.Err() != nil {
			if ready {
				m.err = err
			} else if err != nil { // the interruption was requested
				m.logger.Debug("Part stopped before it was ready", "part", m.name, "err", err)
			}
			m.enter(State{Phase: Stopped})
			return
		}
		if time.Since(begun) > maxRetry { // it worked for a while
			delay = minRetry
		}
		m.logger.Error("Part is down and will be restarted; the other parts keep running", "part", m.name, "retry_in", delay, "err", err)
		m.enter(State{Phase: Down, Error: err.Error(), Retry: time.Now().Add(delay)})
		settle()
		if !m.pause(ctx, delay) {
			m.enter(State{Phase: Stopped})
			return
		}
	}
}

// pause waits until the component is to be restarted; it returns false if ctx ends first.
func (m *member) pause(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-m.retry:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// once runs the component until it returns or panics. ready reports whether it was ready.
func (m *member) once(ctx context.Context, settle func()) (ready bool, err error) {
	select { // this start satisfies a pending retry
	case <-m.retry:
	default:
	}
	m.enter(State{Phase: Starting, Error: m.snapshot().Error})
	defer func() {
		if p := recover(); p != nil {
			m.logger.Error("Part panicked", "part", m.name, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var is atomic.Bool
	err = m.component.Run(ctx, sync.OnceFunc(func() {
		is.Store(true)
		if before := m.snapshot(); before.Error != "" {
			m.logger.Info("Part is up again", "part", m.name)
		}
		m.enter(State{Phase: Ready})
		settle()
	}))
	if err == nil && ctx.Err() == nil {
		err = errors.New("stopped unexpectedly")
	}
	return is.Load(), err
}

func (m *member) stop(timeout time.Duration) error {
	select {
	case <-m.done:
		return m.err
	default:
	}
	was := m.snapshot().Phase
	m.enter(State{Phase: Stopping})
	m.cancel()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-m.done:
		return m.err
	case <-timer.C:
	}
	if was != Ready { // it has no work to complete
		m.logger.Warn("Stopped waiting for a part that was still starting", "part", m.name, "waited", timeout)
		return nil
	}
	return fmt.Errorf("did not stop within %s", timeout)
}

func (m *member) enter(s State) {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	if m.state.Phase == Failed {
		return
	}
	s.Name, s.Since = m.name, time.Now()
	m.state = s
}

func (m *member) snapshot() State {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	return m.state
}
