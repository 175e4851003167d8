// Package adapter provides the REST API of Azure DevOps to the other services: pull requests, work items, files and comments. It
// respects the rate limits of Azure DevOps and retries what is safe to retry.
package adapter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

const (
	apiVersion = "7.1"
	maxAnswer  = 16 << 20 // response of Azure DevOps
)

// Config configures the adapter.
type Config struct {
	Address  string
	BaseURL  string // with the organization: https://dev.azure.com/name
	Token    string // personal access token
	CallTime time.Duration
	Attempts int           // per operation
	Pause    time.Duration // delay before the second attempt; it doubles
	Rate     float64       // calls per second, 0 for no limit
}

// LoadConfig reads the environment.
func LoadConfig(e *serve.Env) Config {
	return Config{
		Address: e.Text("ADDRESS", ":7072"), BaseURL: e.URL("ADO_URL", "https://dev.azure.com"), Token: e.Text("ADO_TOKEN", ""),
		CallTime: e.Duration("ADO_TIMEOUT", 20*time.Second), Attempts: e.Number("ADO_ATTEMPTS", 4),
		Pause: e.Duration("ADO_PAUSE", 500*time.Millisecond), Rate: e.Float("ADO_RATE", 20),
	}
}

// Adapter is the service.
type Adapter struct {
	base       *serve.Base
	config     Config
	client     *http.Client
	pace       *pace
	operations serve.CounterVec
	durations  serve.HistogramVec
	retries    serve.CounterVec
}

// New returns an adapter.
func New(base *serve.Base, c Config) *Adapter {
	return &Adapter{
		base: base, config: c, client: base.Client("azure_devops", c.CallTime), pace: newPace(c.Rate),
		operations: serve.Counter(base, "adapter_operations_total", "Operations on Azure DevOps", "operation", "result"),
		durations: serve.Histogram(base, "adapter_operation_duration_seconds", "Duration of operations with all attempts",
			[]float64{0.05, 0.1, 0.3, 1, 3, 10, 30}, "operation"),
		retries: serve.Counter(base, "adapter_retries_total", "Attempts after the first", "operation", "reason"),
	}
}

// Run serves until ctx ends.
func (a *Adapter) Run(ctx context.Context, ready func(net.Addr)) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pull-requests/{project}/{repository}/{id}", a.pullRequest)
	mux.HandleFunc("POST /pull-requests/{project}/{repository}/{id}/comments", a.comment)
	mux.HandleFunc("GET /work-items/{project}/{id}", a.workItem)
	mux.HandleFunc("GET /files/{project}/{repository}", a.file)
	return a.base.Run(ctx, a.config.Address, mux, ready)
}

func (a *Adapter) pullRequest(w http.ResponseWriter, r *http.Request) {
	a.pass(w, r, operation{name: "get_pull_request", method: http.MethodGet, path: a.path(r, "git", "repositories", r.PathValue("repository"), "pullRequests", r.PathValue("id"))})
}

func (a *Adapter) workItem(w http.ResponseWriter, r *http.Request) {
	a.pass(w, r, operation{name: "get_work_item", method: http.MethodGet, path: a.path(r, "wit", "workitems", r.PathValue("id"))})
}

func (a *Adapter) file(w http.ResponseWriter, r *http.Request) {
	query := url.Values{"path": {r.URL.Query().Get("path")}, "includeContent": {"true"}, "$format": {"json"}}
	if version := r.URL.Query().Get("version"); version != "" {
		query.Set("versionDescriptor.version", version)
		query.Set("versionDescriptor.versionType", "branch")
	}
	if query.Get("path") == "" {
		serve.Refuse(w, http.StatusBadRequest, "path is missing")
		return
	}
	a.pass(w, r, operation{name: "get_file", method: http.MethodGet, path: a.path(r, "git", "repositories", r.PathValue("repository"), "items"), query: query})
}

// comment accepts {"text": …} and creates a thread from it.
func (a *Adapter) comment(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Text string `json:"text"`
	}
	if status, err := serve.ReadJSON(w, r, 1<<20, &c); err != nil {
		serve.Refuse(w, status, err.Error())
		return
	}
	if c.Text == "" {
		serve.Refuse(w, http.StatusBadRequest, "text is missing")
		return
	}
	body, err := json.Marshal(map[string]any{
		"comments": []any{map[string]any{"parentCommentId": 0, "content": c.Text, "commentType": "text"}}, "status": "active",
	})
	if err != nil {
		serve.Refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	a.pass(w, r, operation{
		name: "comment", method: http.MethodPost, body: body,
		path: a.path(r, "git", "repositories", r.PathValue("repository"), "pullRequests", r.PathValue("id"), "threads"),
	})
}

func (a *Adapter) path(r *http.Request, parts ...string) string {
	path := "/" + url.PathEscape(r.PathValue("project")) + "/_apis"
	for _, p := range parts {
		path += "/" + url.PathEscape(p)
	}
	return path
}

type operation struct {
	name, method, path string
	query              url.Values
	body               []byte
}

// pass forwards the response of Azure DevOps, or responds with 502 or 504 and the reason if there is none.
func (a *Adapter) pass(w http.ResponseWriter, r *http.Request, o operation) {
	start := time.Now()
	status, body, err := a.do(r.Context(), o)
	a.durations.Observe(time.Since(start).Seconds(), o.name)
	switch {
	case err == nil && status < 400:
		a.operations.Inc(o.name, "ok")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body) // fails only if the client has disconnected
		return
	case err == nil && status == http.StatusNotFound:
		a.operations.Inc(o.name, "not_found")
		serve.Refuse(w, http.StatusNotFound, "Azure DevOps does not know it")
		return
	case err == nil:
		err = fmt.Errorf("answer %d: %.200s", status, body)
	}
	if r.Context().Err() != nil {
		a.operations.Inc(o.name, "canceled")
		return
	}
	a.operations.Inc(o.name, "error")
	a.base.Logger.ErrorContext(r.Context(), "Azure DevOps did not do it", "operation", o.name, "err", err)
	answer := http.StatusBadGateway
	if errors.Is(err, context.DeadlineExceeded) {
		answer = http.StatusGatewayTimeout
	}
	serve.Refuse(w, answer, err.Error())
}

// do makes the attempts.
func (a *Adapter) do(ctx context.Context, o operation) (status int, body []byte, err error) {
	pause := a.config.Pause
	for attempt := 1; ; attempt++ {
		if err := a.pace.wait(ctx); err != nil {
			return 0, nil, err
		}
		var after time.Duration
		status, body, after, err = a.attempt(ctx, o)
		a.pace.hold(after) // for all operations, because Azure DevOps counts all of them
		reason := again(o, status, err)
		if reason == "" || attempt >= a.config.Attempts || ctx.Err() != nil {
			return status, body, err
		}
		a.retries.Inc(o.name, reason)
		select {
		case <-time.After(max(after, pause/2+rand.N(pause))):
		case <-ctx.Done():
			return 0, nil, ctx.Err()
		}
		pause *= 2
	}
}

// again returns the reason for another attempt, or "". An operation that may have been executed is not repeated: a comment is
// only retried if Azure DevOps reported that it did not accept the request.
func again(o operation, status int, err error) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "rate_limit"
	case status == http.StatusServiceUnavailable:
		return "unavailable"
	case o.method != http.MethodGet:
		return ""
	case err != nil:
		return "network"
	case status >= 500:
		return "server_error"
	}
	return ""
}

func (a *Adapter) attempt(ctx context.Context, o operation) (status int, body []byte, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.config.CallTime)
	defer cancel()
	query := url.Values{"api-version": {apiVersion}}
	for k, v := range o.query {
		query[k] = v
	}
	r, err := http.NewRequestWithContext(ctx, o.method, a.config.BaseURL+o.path+"?"+query.Encode(), bytes.NewReader(o.body))
	if err != nil {
		return 0, nil, 0, err
	}
	r.Header.Set("Accept", "application/json")
	if o.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.config.Token != "" {
		r.SetBasicAuth("", a.config.Token)
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return 0, nil, 0, err
	}
	defer answer.Body.Close()
	seconds, _ := strconv.ParseFloat(answer.Header.Get("Retry-After"), 64)
	after = time.Duration(min(max(seconds, 0), 60) * float64(time.Second))
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("answer is larger than %d bytes", maxAnswer)
	}
	return answer.StatusCode, body, after, err
}
