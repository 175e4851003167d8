// Package llmpatch requests a change to a file from a language model with an OpenAI-compatible API, and checks that the resulting
// unified diff applies.
package llmpatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

// Config configures llm-patch.
type Config struct {
	Address   string
	BaseURL   string // with the version: https://api.openai.com/v1
	Key       string
	Model     string
	Time      time.Duration // time limit for a whole patch
	PriceIn   float64       // dollars per million tokens
	PriceOut  float64
	MaxAtOnce int
}

// LoadConfig reads the environment.
func LoadConfig(e *serve.Env) Config {
	return Config{
		Address: e.Text("ADDRESS", ":7073"), BaseURL: e.URL("LLM_URL", "https://api.openai.com/v1"), Key: e.Text("LLM_KEY", ""),
		Model: e.Text("LLM_MODEL", "gpt-4o-mini"), Time: e.Duration("LLM_TIMEOUT", 2*time.Minute),
		PriceIn: e.Float("LLM_PRICE_IN", 0.15), PriceOut: e.Float("LLM_PRICE_OUT", 0.60), MaxAtOnce: e.Number("LLM_MAX_AT_ONCE", 16),
	}
}

// Patcher is the service.
type Patcher struct {
	base      *serve.Base
	config    Config
	client    *http.Client
	places    chan struct{}
	durations serve.HistogramVec
	first     serve.HistogramVec
	tokens    serve.CounterVec
	cost      serve.CounterVec
	refusals  serve.CounterVec
	failures  serve.CounterVec
}

// New returns a patcher.
func New(base *serve.Base, c Config) *Patcher {
	seconds := []float64{0.1, 0.3, 1, 3, 10, 30, 60, 120}
	return &Patcher{
		base: base, config: c, client: base.Client("llm", c.Time), places: make(chan struct{}, c.MaxAtOnce),
		durations: serve.Histogram(base, "llm_request_duration_seconds", "Time to the end of the model's answer", seconds, "result"),
		first:     serve.Histogram(base, "llm_time_to_first_token_seconds", "Time to the beginning of the model's answer", seconds),
		tokens:    serve.Counter(base, "llm_tokens_total", "Tokens as the model counts them", "direction"),
		cost:      serve.Counter(base, "llm_cost_dollars_total", "What the tokens cost"),
		refusals:  serve.Counter(base, "llm_refusals_total", "Answers in which the model refuses"),
		failures:  serve.Counter(base, "llm_errors_total", "Patches that did not come about", "kind"),
	}
}

// Run serves until ctx ends.
func (p *Patcher) Run(ctx context.Context, ready func(net.Addr)) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /patch", p.patch)
	return p.base.Run(ctx, p.config.Address, mux, ready)
}

// request describes the requested patch.
type request struct {
	Instruction string `json:"instruction"`
	Path        string `json:"path"`
	Content     string `json:"content"`
}

// result is a patch that applies.
type result struct {
	Patch     string `json:"patch"`
	TokensIn  int    `json:"tokens_in"`
	TokensOut int    `json:"tokens_out"`
}

func (p *Patcher) patch(w http.ResponseWriter, r *http.Request) {
	var q request
	if status, err := serve.ReadJSON(w, r, 2<<20, &q); err != nil {
		serve.Refuse(w, status, err.Error())
		return
	}
	if q.Instruction == "" || q.Path == "" {
		serve.Refuse(w, http.StatusBadRequest, "instruction and path must be given")
		return
	}
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		w.Header().Set("Retry-After", "1")
		serve.Refuse(w, http.StatusServiceUnavailable, "too many patches at once")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), p.config.Time)
	defer cancel()
	out := &stream{w: w, on: strings.Contains(r.Header.Get("Accept"), "text/event-stream")}
	made, err := p.make(ctx, q, out.token)
	if err == nil {
		out.end(http.StatusOK, "result", made)
		return
	}
	f := failure{kind: "internal"}
	errors.As(err, &f)
	p.failures.Inc(f.kind)
	p.base.Logger.ErrorContext(r.Context(), "No patch", "kind", f.kind, "path", q.Path, "err", err)
	status := http.StatusBadGateway
	switch f.kind {
	case "refusal", "does_not_apply", "length":
		status = http.StatusUnprocessableEntity
	case "timeout":
		status = http.StatusGatewayTimeout
	case "rate_limit":
		status = http.StatusServiceUnavailable
	}
	out.end(status, "error", map[string]string{"error": err.Error(), "kind": f.kind})
}

// make requests a patch and checks it.
func (p *Patcher) make(ctx context.Context, q request, token func(string) error) (result, error) {
	start, begun := time.Now(), false
	answer, u, err := p.ask(ctx, q, func(text string) error {
		if !begun {
			begun = true
			p.first.Observe(time.Since(start).Seconds())
		}
		return token(text)
	})
	p.tokens.Add(float64(u.In), "in")
	p.tokens.Add(float64(u.Out), "out")
	p.cost.Add((float64(u.In)*p.config.PriceIn + float64(u.Out)*p.config.PriceOut) / 1e6)
	if err == nil {
		diff := fenced(answer)
		if _, wrong := apply(q.Content, diff); wrong != nil {
			err = failure{"does_not_apply", fmt.Errorf("model's diff: %w", wrong)}
		} else {
			p.durations.Observe(time.Since(start).Seconds(), "ok")
			return result{diff, u.In, u.Out}, nil
		}
	}
	p.durations.Observe(time.Since(start).Seconds(), "error")
	if f := (failure{}); errors.As(err, &f) && f.kind == "refusal" {
		p.refusals.Inc()
	}
	return result{}, err
}

// stream responds with server-sent events if the client requests them, otherwise with one JSON value.
type stream struct {
	w     http.ResponseWriter
	on    bool
	begun bool
}

func (s *stream) token(text string) error {
	if !s.on {
		return nil
	}
	return s.event("token", text)
}

func (s *stream) event(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.w.Header().Set("Cache-Control", "no-store")
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, data); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

func (s *stream) end(status int, name string, value any) {
	if s.begun {
		_ = s.event(name, value) // fails only if the client has disconnected
		return
	}
	serve.Answer(s.w, status, value)
}
