// Package demo gives the code agent something to do without Azure DevOps and a language model: stand-ins for both, which only
// imitate the format of their APIs, and webhooks with a daily rhythm, errors and slow periods.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

// Config configures the stand-ins.
type Config struct {
	Address  string
	Gateway  string // destination of the webhooks
	Username string
	Password string
	Rate     float64       // webhooks per second on average
	Day      time.Duration // length of a day in the rhythm
}

// LoadConfig reads the environment.
func LoadConfig(e *serve.Env) Config {
	return Config{
		Address: e.Text("ADDRESS", ":7070"), Gateway: e.URL("GATEWAY_URL", "http://agent-gateway:3001"),
		Username: e.Text("ADO_USERNAME", "ado"), Password: e.Text("ADO_PASSWORD", ""),
		Rate: e.Float("DEMO_RATE", 2), Day: e.Duration("DEMO_DAY", 10*time.Minute),
	}
}

// StandIns simulates the external services.
type StandIns struct {
	base   *serve.Base
	config Config
	client *http.Client
	slow   atomic.Int64 // end of the slow period, milliseconds since 1970
	broken atomic.Int64
}

// New returns stand-ins.
func New(base *serve.Base, c Config) *StandIns {
	return &StandIns{base: base, config: c, client: base.Client("gateway", 30*time.Second)}
}

// Run serves until ctx ends.
func (s *StandIns) Run(ctx context.Context, ready func(net.Addr)) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /azure-devops-stand-in/{project}/_apis/git/repositories/{repository}/pullRequests/{id}", s.pullRequest)
	mux.HandleFunc("POST /azure-devops-stand-in/{project}/_apis/git/repositories/{repository}/pullRequests/{id}/threads", s.thread)
	mux.HandleFunc("GET /azure-devops-stand-in/{project}/_apis/git/repositories/{repository}/items", s.item)
	mux.HandleFunc("GET /azure-devops-stand-in/{project}/_apis/wit/workitems/{id}", s.workItem)
	mux.HandleFunc("POST /model-stand-in/v1/chat/completions", s.complete)
	mux.HandleFunc("POST /slow-spell", s.spell(&s.slow, "Slow spell begins"))
	mux.HandleFunc("POST /failure", s.spell(&s.broken, "Failure begins"))
	return s.base.Run(ctx, s.config.Address, mux, ready, s.load)
}

// spell starts a slow or failing period: ?for=2m, one minute by default; 0s ends it.
func (s *StandIns) spell(until *atomic.Int64, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := time.Minute
		if text := r.URL.Query().Get("for"); text != "" {
			var err error
			if d, err = time.ParseDuration(text); err != nil || d < 0 {
				serve.Refuse(w, http.StatusBadRequest, "for: want a time like 2m")
				return
			}
		}
		until.Store(time.Now().Add(d).UnixMilli())
		s.base.Logger.WarnContext(r.Context(), message, "for", d.String())
		serve.Answer(w, http.StatusOK, map[string]string{"for": d.String()})
	}
}

func during(until *atomic.Int64) bool { return time.Now().UnixMilli() < until.Load() }

// think waits for about the given time, and much longer in a slow period.
func (s *StandIns) think(ctx context.Context, usual time.Duration) {
	d := time.Duration(float64(usual) * (0.5 + rand.ExpFloat64()/2))
	if during(&s.slow) {
		d = d*10 + 2*time.Second
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (s *StandIns) pullRequest(w http.ResponseWriter, r *http.Request) {
	s.think(r.Context(), 20*time.Millisecond)
	if rand.N(50) == 0 { // Azure DevOps does this to clients that send many requests
		w.Header().Set("Retry-After", "0.5")
		serve.Refuse(w, http.StatusTooManyRequests, "stand-in: too many requests")
		return
	}
	id, _ := strconv.Atoi(r.PathValue("id"))
	serve.Answer(w, http.StatusOK, map[string]any{
		"pullRequestId": id, "title": "Greet politely", "description": "Say good day instead of hello.",
		"sourceRefName": "refs/heads/greeting", "status": "active",
	})
}

func (s *StandIns) thread(w http.ResponseWriter, r *http.Request) {
	s.think(r.Context(), 30*time.Millisecond)
	serve.Answer(w, http.StatusOK, map[string]any{"id": rand.N(1 << 30), "status": "active"})
}

const program = "package main\n\nfunc main() {\n\tprintln(\"hello\")\n}\n"

func (s *StandIns) item(w http.ResponseWriter, r *http.Request) {
	s.think(r.Context(), 20*time.Millisecond)
	serve.Answer(w, http.StatusOK, map[string]any{"path": r.URL.Query().Get("path"), "content": program})
}

func (s *StandIns) workItem(w http.ResponseWriter, r *http.Request) {
	s.think(r.Context(), 20*time.Millisecond)
	serve.Answer(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "fields": map[string]string{"System.Title": "Greet politely"}})
}

const patch = "--- a/main.go\n+++ b/main.go\n@@ -3,3 +3,3 @@\n func main() {\n-\tprintln(\"hello\")\n+\tprintln(\"good day\")\n }\n"

// complete streams a patch word by word. One response in twenty is unusable.
func (s *StandIns) complete(w http.ResponseWriter, r *http.Request) {
	s.think(r.Context(), 150*time.Millisecond)
	if during(&s.broken) {
		serve.Refuse(w, http.StatusInternalServerError, "stand-in: the model is broken")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(delta map[string]string, finish string) error {
		choice := map[string]any{"index": 0, "delta": delta}
		if finish != "" {
			choice["finish_reason"] = finish
		}
		data, err := json.Marshal(map[string]any{"choices": []any{choice}})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "data: %s\n\n", data)
		return errors.Join(err, control.Flush())
	}
	words := strings.SplitAfter(patch, " ")
	switch rand.N(40) {
	case 0:
		words = nil
		_ = send(map[string]string{"refusal": "stand-in: I would rather not."}, "") // the next write returns the error too
	case 1:
		words = []string{"I would change the greeting."}
	}
	for _, word := range words {
		if send(map[string]string{"content": word}, "") != nil {
			return
		}
		s.think(r.Context(), 15*time.Millisecond)
	}
	_ = send(map[string]string{}, "stop")
	fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", 180+rand.N(40), 3*len(words))
}
