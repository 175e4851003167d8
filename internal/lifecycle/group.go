package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// DefaultStopTimeout is how long a component may take to stop before the group goes on without it.
const DefaultStopTimeout = 8 * time.Second

// Phase is where a component stands in its life.
type Phase string

// The phases, in the order in which a component passes through them.
const (
	Waiting  Phase = "waiting"
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Stopping Phase = "stopping"
	Stopped  Phase = "stopped"
	Failed   Phase = "failed"
)

// State is what a status page shows of one component.
type State struct {
	Name  string    `json:"name"`
	Phase Phase     `json:"phase"`
	Since time.Time `json:"since"`
	// Error is why the component failed, empty otherwise.
	Error string `json:"error,omitempty"`
}

// Group runs components: it starts them in the order added, each waiting for the one before to be
// ready, and stops them in reverse. The zero value is not usable; see NewGroup.
type Group struct {
	logger      *slog.Logger
	stopTimeout time.Duration
	members     []*member
}

type member struct {
	name      string
	component Component
	cancel    context.CancelFunc
	ready     chan struct{}
	done      chan struct{}
	err       error // valid once done is closed

	mtx   sync.Mutex
	state State
}

// NewGroup returns an empty group. stopTimeout bounds the stop of each component; 0 means DefaultStopTimeout.
func NewGroup(logger *slog.Logger, stopTimeout time.Duration) *Group {
	if stopTimeout == 0 {
		stopTimeout = DefaultStopTimeout
	}
	return &Group{logger: logger, stopTimeout: stopTimeout}
}

// Add appends a component. It must not be called once Run was.
func (g *Group) Add(name string, c Component) {
	g.members = append(g.members, &member{
		name:      name,
		component: c,
		ready:     make(chan struct{}),
		done:      make(chan struct{}),
		state:     State{Name: name, Phase: Waiting, Since: time.Now()},
	})
}

// States returns the state of every component in the order of their start.
func (g *Group) States() []State {
	states := make([]State, 0, len(g.members))
	for _, m := range g.members {
		states = append(states, m.snapshot())
	}
	return states
}

// Run starts all components, calls ready when the last one is, and stops them all when ctx is
// cancelled or one of them returns. It returns nil only when it was asked to stop and everything
// stopped in time; else the joined errors, each with the name of its component.
func (g *Group) Run(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	started := 0
	for _, m := range g.members {
		if ctx.Err() != nil {
			break
		}
		// The components outlive ctx: they are cancelled one by one, in reverse.
		m.start(context.WithoutCancel(ctx), cancel)
		started++
		select {
		case <-m.ready:
		case <-m.done:
		case <-ctx.Done():
		}
	}
	if ctx.Err() == nil {
		ready()
	}
	<-ctx.Done()
	return g.stop(started)
}

func (g *Group) stop(started int) error {
	var errs []error
	for i := started - 1; i >= 0; i-- {
		m := g.members[i]
		if err := m.stop(g.stopTimeout); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
			continue
		}
		g.logger.Debug("Part stopped", "part", m.name)
	}
	return errors.Join(errs...)
}

// start runs the component in a goroutine of its own. ended is called when it returns, whatever the reason.
func (m *member) start(parent context.Context, ended func()) {
	ctx, cancel := context.WithCancel(parent)
	m.cancel = cancel
	m.set(Starting, nil)
	go func() {
		defer ended()
		defer close(m.done)
		m.err = m.component.Run(ctx, sync.OnceFunc(func() {
			m.set(Ready, nil)
			close(m.ready)
		}))
		if m.err == nil && ctx.Err() == nil {
			m.err = errors.New("stopped without being asked to")
		}
		if m.err != nil {
			m.set(Failed, m.err)
			return
		}
		m.set(Stopped, nil)
	}()
}

func (m *member) stop(timeout time.Duration) error {
	select {
	case <-m.done:
		return m.err
	default:
	}
	m.set(Stopping, nil)
	m.cancel()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-m.done:
		return m.err
	case <-timer.C:
		return fmt.Errorf("did not stop within %s", timeout)
	}
}

func (m *member) set(p Phase, err error) {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	if m.state.Phase == Failed {
		return
	}
	m.state.Phase, m.state.Since = p, time.Now()
	if err != nil {
		m.state.Error = err.Error()
	}
}

func (m *member) snapshot() State {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	return m.state
}
