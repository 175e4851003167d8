package loki

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/user"
	"github.com/grafana/loki/v3/pkg/loghttp/push"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/grafana/loki/v3/pkg/logql"
	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/grafana/loki/v3/pkg/querier/plan"
	lokiruntime "github.com/grafana/loki/v3/pkg/runtime"
	"github.com/prometheus/prometheus/model/labels"
)

// defaultTenant is the tenant of everyone while auth_enabled is false, and of requests inside the process without a
// tenant.
const defaultTenant = "fake"

// tenant returns the tenant of a caller inside the process.
func (e *engine) tenant(ctx context.Context) string {
	if id, err := user.ExtractOrgID(ctx); err == nil && e.cfg.AuthEnabled {
		return id
	}
	return defaultTenant
}

// PushError is the response of a store that did not accept everything.
type PushError struct {
	// Code is the HTTP status that a client would have received.
	Code int
	Text string
}

// Error returns Loki's message.
func (e *PushError) Error() string { return fmt.Sprintf("Loki answered %d: %s", e.Code, e.Text) }

// Rejected reports whether the same lines would be rejected again, so that retrying is useless.
func (e *PushError) Rejected() bool {
	return e.Code/100 == 4 && e.Code != http.StatusTooManyRequests && e.Code != http.StatusRequestTimeout
}

// Crowded reports whether the limit of streams is reached, so that lines of new ones have to wait while those of the
// others are stored.
func (e *PushError) Crowded() bool {
	return e.Code == http.StatusTooManyRequests && strings.Contains(e.Text, "active stream limit")
}

var errNotRunning = &PushError{Code: http.StatusServiceUnavailable, Text: "Loki is not running yet"}

type requestKey struct{}

// Push stores lines of the tenant named in ctx. It blocks while Loki is working; the request must not be reused. An
// error of type *PushError tells what to do: if the lines are rejected, some of them may have been stored, as with
// HTTP.
func (s *Server) Push(ctx context.Context, req *logproto.PushRequest) error {
	e := s.engine.Load()
	if e == nil {
		return errNotRunning
	}
	if err := s.room(); err != nil {
		return &PushError{Code: http.StatusInsufficientStorage, Text: err.Error()}
	}
	r, err := http.NewRequestWithContext(context.WithValue(ctx, requestKey{}, req), http.MethodPost, "http://loki/loki/api/v1/push", http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set(user.OrgIDHeaderName, e.tenant(ctx))
	a := &answer{header: http.Header{}}
	e.handler.ServeHTTP(a, r)
	switch {
	case ctx.Err() != nil && a.code/100 != 2:
		return ctx.Err()
	case a.code/100 == 2:
		if err := s.room(); err != nil { // see servePush
			return &PushError{Code: http.StatusInsufficientStorage, Text: err.Error()}
		}
		return nil
	}
	return &PushError{Code: a.code, Text: strings.TrimSpace(a.body.String())}
}

// parseInProcess passes on typed requests of Push, with the labels and statistics that Loki's own parser provides; all
// others are parsed by inner.
func parseInProcess(inner push.RequestParser) push.RequestParser {
	return func(userID string, r *http.Request, limits push.Limits, configs *lokiruntime.TenantConfigs, maxSize int, maxDecompressed int64, tracker push.UsageTracker, resolver push.StreamResolver, logger log.Logger) (*logproto.PushRequest, *push.Stats, error) {
		req, ok := r.Context().Value(requestKey{}).(*logproto.PushRequest)
		if !ok {
			return inner(userID, r, limits, configs, maxSize, maxDecompressed, tracker, resolver, logger)
		}
		from := limits.DiscoverServiceName(userID)
		for i := range req.Streams {
			if err := nameService(&req.Streams[i], from); err != nil {
				return nil, nil, err
			}
		}
		stats := push.NewPushStats()
		if err := push.CalculateStreamsStats(r.Context(), userID, req, resolver, configs, stats); err != nil {
			return nil, nil, err
		}
		return req, stats, nil
	}
}

// nameService adds the label service_name, by which Grafana's log pages group, from the first label in from that is
// set.
func nameService(stream *logproto.Stream, from []string) error {
	set, err := syntax.ParseLabels(stream.Labels)
	if err != nil {
		return fmt.Errorf("labels %s: %w", stream.Labels, err)
	}
	if len(from) > 0 && !set.Has(push.LabelServiceName) {
		name := push.ServiceUnknown
		for _, label := range from {
			if v := set.Get(label); v != "" {
				name = v
				break
			}
		}
		b := labels.NewBuilder(set)
		set = b.Set(push.LabelServiceName, name).Labels()
	}
	stream.Labels = set.String()
	return nil
}

// Lines calls found for each stored line of the streams with these labels between two times, both included. It is used
// if it is unknown whether lines were stored before a crash.
func (s *Server) Lines(ctx context.Context, stream string, from, to time.Time, found func(at time.Time, line string)) error {
	e := s.engine.Load()
	if e == nil || e.loki.Querier == nil {
		return errNotRunning
	}
	expr, err := syntax.ParseLogSelector(stream, true)
	if err != nil {
		return fmt.Errorf("selector %s: %w", stream, err)
	}
	it, err := e.loki.Querier.SelectLogs(user.InjectOrgID(ctx, e.tenant(ctx)), logql.SelectLogParams{QueryRequest: &logproto.QueryRequest{
		Selector:  stream,
		Limit:     1 << 30,
		Start:     from,
		End:       to.Add(time.Nanosecond),
		Direction: logproto.FORWARD,
		Plan:      &plan.QueryPlan{AST: expr},
	}})
	if err != nil {
		return fmt.Errorf("look for %s: %w", stream, err)
	}
	for it.Next() {
		entry := it.At()
		found(entry.Timestamp, entry.Line)
	}
	return errors.Join(it.Err(), it.Close())
}

// answer records a handler's response for a caller inside the process.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) String() string {
	return fmt.Sprintf("%d %s", a.code, strings.TrimSpace(a.body.String()))
}
