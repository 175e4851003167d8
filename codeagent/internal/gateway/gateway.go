// Package gateway receives the service hooks of Azure DevOps, stores them on disk and delivers each to the orchestrator.
//
// Azure DevOps only repeats a notification after 408, 502, 503 and 504; other errors put the subscription on probation and 410
// ends it, without telling anyone. So errors of the caller get a 4xx, and our own failures are always a 503.
package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/queue"
	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

// Config configures the gateway.
type Config struct {
	Address      string
	Orchestrator string // URL of the orchestrator
	Dir          string // folder of the queue

	Username, Password string // basic auth
	Header, Secret     string // a custom header

	MaxBody     int64
	BodyTime    time.Duration // time limit for a body to arrive
	MaxEntries  int
	MaxBytes    int64
	Workers     int // concurrent deliveries
	CallTime    time.Duration
	MaxInFlight int // requests whose bodies are read at once; further ones get a 503
}

// LoadConfig reads the environment.
func LoadConfig(e *serve.Env) Config {
	c := Config{
		Address: e.Text("ADDRESS", ":3001"), Orchestrator: e.URL("ORCHESTRATOR_URL", "http://agent-orchestrator:7071"),
		Dir:      e.Text("QUEUE_DIR", "./data/gateway"),
		Username: e.Text("ADO_USERNAME", "ado"), Password: e.Text("ADO_PASSWORD", ""),
		Header: e.Text("ADO_HEADER", "X-Webhook-Secret"), Secret: e.Text("ADO_SECRET", ""),
		MaxBody: int64(e.Number("MAX_BODY_BYTES", 4<<20)), BodyTime: e.Duration("BODY_TIMEOUT", 10*time.Second),
		MaxEntries: e.Number("QUEUE_MAX_ENTRIES", 10_000), MaxBytes: int64(e.Number("QUEUE_MAX_BYTES", 64<<20)),
		Workers: e.Number("WORKERS", 8), CallTime: e.Duration("ORCHESTRATOR_TIMEOUT", 30*time.Second),
		MaxInFlight: e.Number("MAX_IN_FLIGHT", 256),
	}
	return c
}

// Gateway is the service.
type Gateway struct {
	base     *serve.Base
	config   Config
	queue    *queue.Queue
	webhooks serve.CounterVec
	last     atomic.Int64 // time of the last webhook, milliseconds since 1970
	reading  chan struct{}
	client   *http.Client
	results  serve.CounterVec
}

// New opens the queue. Call Close if Run is not called.
func New(base *serve.Base, c Config) (*Gateway, error) {
	if c.Password == "" && c.Secret == "" {
		return nil, errors.New("set ADO_PASSWORD or ADO_SECRET: anybody could send webhooks otherwise")
	}
	q, err := queue.Open(queue.Options{Dir: c.Dir, MaxEntries: c.MaxEntries, MaxBytes: c.MaxBytes, Logger: base.Logger})
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		base: base, config: c, queue: q, reading: make(chan struct{}, c.MaxInFlight),
		client:   base.Client("orchestrator", c.CallTime),
		webhooks: serve.Counter(base, "ado_webhooks_total", "Total ADO webhooks received", "event_type", "status"),
		results:  serve.Counter(base, "gateway_deliveries_total", "Attempts to hand a job to the orchestrator", "result"),
	}
	m := base.Metrics
	m.GaugeFunc("ado_last_webhook_timestamp_seconds", "When the last webhook with good credentials came, 0 before the first",
		func() float64 { return float64(g.last.Load()) / 1000 })
	m.GaugeFunc("gateway_queue_depth", "Webhooks that are accepted and not yet with the orchestrator",
		func() float64 { n, _, _ := q.Stats(); return float64(n) })
	m.GaugeFunc("gateway_queue_bytes", "Payloads of the queue",
		func() float64 { _, n, _ := q.Stats(); return float64(n) })
	m.GaugeFunc("gateway_queue_capacity", "Webhooks that the queue takes", func() float64 { return float64(c.MaxEntries) })
	m.GaugeFunc("gateway_queue_oldest_age_seconds", "Age of the oldest webhook in the queue, 0 when it is empty",
		func() float64 {
			if _, _, oldest := q.Stats(); !oldest.IsZero() {
				return time.Since(oldest).Seconds()
			}
			return 0
		})
	return g, nil
}

// Run serves until ctx ends.
func (g *Gateway) Run(ctx context.Context, ready func(net.Addr)) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", g.receive)
	mux.HandleFunc("POST /webhooks/ado", g.receive)
	works := make([]func(context.Context) error, g.config.Workers)
	for i := range works {
		works[i] = g.deliver
	}
	return errors.Join(g.base.Run(ctx, g.config.Address, mux, ready, works...), g.queue.Close())
}

// Close closes a gateway that is not running.
func (g *Gateway) Close() error { return g.queue.Close() }

func (g *Gateway) receive(w http.ResponseWriter, r *http.Request) {
	refuse := func(label string, status int, reason string) {
		result := "rejected"
		if status >= 500 {
			result = "error"
		}
		g.webhooks.Inc(label, result)
		g.base.Logger.WarnContext(r.Context(), "Refusing webhook", "status", status, "event_type", label, "reason", reason, "remote", r.RemoteAddr)
		serve.Refuse(w, status, reason)
	}
	if !g.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="gateway", charset="UTF-8"`)
		refuse("unknown", http.StatusUnauthorized, "credentials are missing or wrong")
		return
	}
	g.last.Store(time.Now().UnixMilli())
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse("unknown", http.StatusUnsupportedMediaType, "want content of type application/json")
		return
	}
	select {
	case g.reading <- struct{}{}:
		defer func() { <-g.reading }()
	default:
		w.Header().Set("Retry-After", "5")
		refuse("unknown", http.StatusServiceUnavailable, "too many requests at once")
		return
	}
	body, status, err := g.read(w, r)
	if err != nil {
		refuse("unknown", status, err.Error())
		return
	}
	e, err := parse(body)
	if err != nil {
		refuse("unknown", http.StatusBadRequest, err.Error())
		return
	}
	status, result := g.accept(r.Context(), e, body)
	if status >= 500 {
		w.Header().Set("Retry-After", "5")
		refuse(e.label(), status, result)
		return
	}
	g.webhooks.Inc(e.label(), result)
	serve.Answer(w, status, map[string]string{"status": result, "job": e.key(body).String()})
}

// accept decides what to do with an event. The result is a label below 500, and a reason from there on.
func (g *Gateway) accept(ctx context.Context, e event, body []byte) (status int, result string) {
	switch {
	case e.sample():
		return http.StatusOK, "test"
	case e.label() == otherEvent: // an error would put the subscription at risk
		g.base.Logger.WarnContext(ctx, "Ignoring event of unknown type", "event_type", e.EventType)
		return http.StatusOK, "ignored"
	}
	err := g.queue.Put(ctx, e.key(body), body)
	switch {
	case err == nil:
		return http.StatusAccepted, "accepted"
	case errors.Is(err, queue.ErrDuplicate):
		return http.StatusOK, "duplicate"
	default:
		return http.StatusServiceUnavailable, err.Error()
	}
}

// read returns the body, or the status of the rejection.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request) (body []byte, status int, err error) {
	if r.ContentLength > g.config.MaxBody {
		w.Header().Set("Connection", "close") // the rest is not read
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("body is larger than %d bytes", g.config.MaxBody)
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(g.config.BodyTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, http.StatusServiceUnavailable, err
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, g.config.MaxBody))
	large := (*http.MaxBytesError)(nil)
	switch {
	case err == nil:
		_ = control.SetReadDeadline(time.Time{}) // the next request on this connection has its own deadline
		return body, 0, nil
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, http.StatusRequestTimeout, fmt.Errorf("body did not arrive within %s", g.config.BodyTime)
	default:
		w.Header().Set("Connection", "close")
		return nil, http.StatusBadRequest, fmt.Errorf("read body: %w", err)
	}
}

// allowed compares all credentials, in constant time.
func (g *Gateway) allowed(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	basic := same(user, g.config.Username) & same(password, g.config.Password) & given(g.config.Password)
	header := same(r.Header.Get(g.config.Header), g.config.Secret) & given(g.config.Secret)
	return basic|header == 1
}

// same compares hashes, because the comparison itself reveals different lengths.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

func given(secret string) int {
	if strings.TrimSpace(secret) == "" {
		return 0
	}
	return 1
}
