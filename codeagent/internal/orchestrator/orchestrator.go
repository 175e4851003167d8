// Package orchestrator accepts jobs from the gateway and runs each of them through the adapter and llm-patch. A job is stored on
// disk before it is accepted; after a restart, unfinished jobs run again.
package orchestrator

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/queue"
	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

// Config configures the orchestrator.
type Config struct {
	Address    string
	Adapter    string // URL
	LLMPatch   string // URL
	Dir        string // folder of the queue
	Workers    int
	MaxEntries int
	Keep       int           // finished jobs whose state is kept
	StepTime   time.Duration // time limit of one step
}

// LoadConfig reads the environment.
func LoadConfig(e *serve.Env) Config {
	return Config{
		Address: e.Text("ADDRESS", ":7071"), Adapter: e.URL("ADAPTER_URL", "http://agent-adapter:7072"),
		LLMPatch: e.URL("LLM_PATCH_URL", "http://agent-llm-patch:7073"), Dir: e.Text("QUEUE_DIR", "./data/orchestrator"),
		Workers: e.Number("WORKERS", 8), MaxEntries: e.Number("QUEUE_MAX_ENTRIES", 10_000),
		Keep: e.Number("KEEP_JOBS", 10_000), StepTime: e.Duration("STEP_TIMEOUT", 2*time.Minute),
	}
}

// The states of a job.
const (
	queued  = "queued"
	runs    = "running"
	done    = "done"
	skipped = "skipped" // no action for this event
	failed  = "failed"

	finished = "finished" // before a restart, result unknown
)

// state is what the API returns about a job.
type state struct {
	ID        string     `json:"id"`
	EventType string     `json:"event_type"`
	State     string     `json:"state"`
	Step      string     `json:"step,omitempty"`
	Error     string     `json:"error,omitempty"`
	Accepted  time.Time  `json:"accepted"`
	Finished  *time.Time `json:"finished,omitempty"`
}

// Orchestrator is the service.
type Orchestrator struct {
	base   *serve.Base
	config Config
	queue  *queue.Queue

	mu       sync.Mutex
	jobs     map[queue.Key]*state
	finished []queue.Key // oldest first

	adapter, llm *http.Client
	jobTime      serve.HistogramVec
	stepTime     serve.HistogramVec
}

// New opens the queue.
func New(base *serve.Base, c Config) (*Orchestrator, error) {
	q, err := queue.Open(queue.Options{Dir: c.Dir, MaxEntries: c.MaxEntries, Logger: base.Logger})
	if err != nil {
		return nil, err
	}
	seconds := []float64{0.1, 0.5, 1, 2, 5, 10, 30, 60, 120}
	o := &Orchestrator{
		base: base, config: c, queue: q, jobs: make(map[queue.Key]*state),
		adapter: base.Client("adapter", c.StepTime), llm: base.Client("llm_patch", c.StepTime),
		jobTime:  serve.Histogram(base, "orchestrator_job_duration_seconds", "Duration of jobs from their first step", seconds, "result"),
		stepTime: serve.Histogram(base, "orchestrator_step_duration_seconds", "Duration of the steps of jobs", seconds, "step", "result"),
	}
	base.Metrics.GaugeFunc("orchestrator_queue_depth", "Jobs that wait or run", func() float64 { n, _, _ := q.Stats(); return float64(n) })
	base.Metrics.GaugeFunc("orchestrator_queue_oldest_age_seconds", "Age of the oldest job that waits or runs, 0 without one", func() float64 {
		if _, _, oldest := q.Stats(); !oldest.IsZero() {
			return time.Since(oldest).Seconds()
		}
		return 0
	})
	return o, nil
}

// Run serves until ctx ends.
func (o *Orchestrator) Run(ctx context.Context, ready func(net.Addr)) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs", o.take)
	mux.HandleFunc("GET /jobs/{id}", o.tell)
	works := make([]func(context.Context) error, o.config.Workers)
	for i := range works {
		works[i] = o.work
	}
	return errors.Join(o.base.Run(ctx, o.config.Address, mux, ready, works...), o.queue.Close())
}

// job is the body of POST /jobs.
type job struct {
	ID    string          `json:"id"`
	Event json.RawMessage `json:"event"`
}

// take responds with 202 to a new job and with 200 to a known one.
func (o *Orchestrator) take(w http.ResponseWriter, r *http.Request) {
	var j job
	if status, err := serve.ReadJSON(w, r, 8<<20, &j); err != nil {
		serve.Refuse(w, status, err.Error())
		return
	}
	key, err := parseKey(j.ID)
	if err != nil {
		serve.Refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	e, err := parseEvent(j.Event)
	if err != nil {
		serve.Refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	switch err := o.queue.Put(r.Context(), key, j.Event); {
	case err == nil:
		o.set(key, func(s *state) { s.EventType = e.EventType }) // a worker may have started it
		serve.Answer(w, http.StatusAccepted, o.get(key))
	case errors.Is(err, queue.ErrDuplicate):
		serve.Answer(w, http.StatusOK, o.get(key))
	default:
		w.Header().Set("Retry-After", "1")
		serve.Refuse(w, http.StatusServiceUnavailable, err.Error())
	}
}

func (o *Orchestrator) tell(w http.ResponseWriter, r *http.Request) {
	key, err := parseKey(r.PathValue("id"))
	if err != nil {
		serve.Refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s := o.get(key)
	if s == nil {
		serve.Refuse(w, http.StatusNotFound, "no such job")
		return
	}
	serve.Answer(w, http.StatusOK, s)
}

func parseKey(id string) (key queue.Key, err error) {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != len(key) {
		return key, fmt.Errorf("id %.40q: want %d hexadecimal digits", id, 2*len(key))
	}
	return queue.Key(b), nil
}

func (o *Orchestrator) set(key queue.Key, change func(*state)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.jobs[key]
	if s == nil {
		s = &state{ID: key.String(), State: queued, Accepted: time.Now()}
		o.jobs[key] = s
	}
	change(s)
}

// get returns a copy, nil if there is no such job. Little is known about jobs from before a restart.
func (o *Orchestrator) get(key queue.Key) *state {
	accepted, waits := o.queue.Seen(key)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch s := o.jobs[key]; {
	case s != nil:
		c := *s
		return &c
	case waits:
		return &state{ID: key.String(), State: queued}
	case accepted:
		return &state{ID: key.String(), State: finished}
	}
	return nil
}

// finish records the result and removes the oldest finished jobs beyond the limit.
func (o *Orchestrator) finish(key queue.Key, result string, err error) {
	o.set(key, func(s *state) {
		now := time.Now()
		s.State, s.Finished, s.Step = result, &now, ""
		if err != nil {
			s.Error = err.Error()
		}
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = append(o.finished, key)
	for len(o.finished) > o.config.Keep {
		delete(o.jobs, o.finished[0])
		o.finished = o.finished[1:]
	}
}

// Close closes an orchestrator that is not running.
func (o *Orchestrator) Close() error { return o.queue.Close() }
