// Package otlp accepts what OpenTelemetry's SDKs send to one address, over HTTP and gRPC, and passes each signal to the
// part that stores it, in-process and through the handler that the part already has for it.
//
// It wraps grpc-go and the collector's pdata. Only internal/app imports it.
package otlp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ausguck/ausguck/internal/inproc"
)

// Signal is a kind of telemetry.
type Signal string

// The signals, and their paths below the address that is configured in an SDK.
const (
	Metrics Signal = "metrics"
	Logs    Signal = "logs"
	Traces  Signal = "traces"
)

// Signals lists all signals.
var Signals = []Signal{Metrics, Logs, Traces}

// Path is the HTTP path to which the signal is sent.
func (s Signal) Path() string { return "/v1/" + string(s) }

// Method is the gRPC method to which the signal is sent.
func (s Signal) Method() string { return "/" + s.service() + "/Export" }

func (s Signal) service() string {
	name := map[Signal]string{Metrics: "metrics.v1.MetricsService", Logs: "logs.v1.LogsService", Traces: "trace.v1.TraceService"}[s]
	return "opentelemetry.proto.collector." + name
}

// Formats of bodies by their Content-Type.
const (
	protobuf = "application/x-protobuf"
	jsonType = "application/json"
)

// Target is the handler of a part, and the path at which it serves the signal. It accepts both formats of a body,
// uncompressed.
type Target struct {
	Path    string
	Handler http.Handler
}

// Options configures a Receiver.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Metrics and Logs are the targets of these signals. Traces have none: they are not stored.
	Metrics, Logs Target
}

// Receiver serves exports of all signals.
type Receiver struct {
	targets  map[Signal]Target
	logger   *slog.Logger
	requests *prometheus.CounterVec
	rejected prometheus.Counter
	warn     sync.Once
	grpc     http.Handler
}

// New returns a Receiver.
func New(o Options) *Receiver {
	f := promauto.With(o.Registerer)
	r := &Receiver{
		targets: map[Signal]Target{Metrics: o.Metrics, Logs: o.Logs}, logger: o.Logger,
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_otlp_requests_total",
			Help: "OTLP requests, by signal, protocol and status code; gRPC codes are counted as the corresponding HTTP codes.",
		}, []string{"signal", "protocol", "code"}),
		rejected: f.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_otlp_spans_rejected_total",
			Help: "Spans received and rejected, because traces are not stored.",
		}),
	}
	r.grpc = r.newGRPC()
	return r
}

// HTTP serves exports of the signal over HTTP. Bodies arrive uncompressed, and within limits: see bounds.Guard.
func (r *Receiver) HTTP(s Signal) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		media := mediaOf(req)
		a := r.serveHTTP(s, media, req)
		r.requests.WithLabelValues(string(s), "http", strconv.Itoa(a.code)).Inc()
		if a.code == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		a.write(w, media)
	})
}

func (r *Receiver) serveHTTP(s Signal, media string, req *http.Request) answer {
	switch encoding := req.Header.Get("Content-Encoding"); {
	case req.Method != http.MethodPost:
		return refused(http.StatusMethodNotAllowed, "exports are sent by POST")
	case media != protobuf && media != jsonType:
		return unknownType(req.Header.Get("Content-Type"))
	case encoding != "": // the guard decompresses the encodings that it knows
		return refused(http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Encoding %q is not supported; use gzip, zstd or none", encoding))
	}
	return r.export(req.Context(), s, media, req.Header.Get(tenantHeader), req.Body, req.ContentLength)
}

func unknownType(media string) answer {
	return refused(http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type %q is not supported; use %s or %s", media, protobuf, jsonType))
}

// tenantHeader is the tenant to which the lines belong, if auth_enabled is set in loki.yml.
const tenantHeader = "X-Scope-OrgID"

// export passes a body to the part that stores the signal.
func (r *Receiver) export(ctx context.Context, s Signal, media, tenant string, body io.Reader, length int64) answer {
	if s == Traces {
		return r.rejectSpans(media, body)
	}
	target := r.targets[s]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://otlp"+target.Path, body)
	if err != nil {
		return refused(http.StatusInternalServerError, err.Error())
	}
	req.ContentLength = length
	req.Header.Set("Content-Type", media)
	if tenant != "" {
		req.Header.Set(tenantHeader, tenant)
	}
	res, err := inproc.Call(target.Handler, req)
	if err != nil {
		return refused(http.StatusServiceUnavailable, err.Error())
	}
	defer res.Body.Close()
	content, err := io.ReadAll(io.LimitReader(res.Body, maxText))
	switch {
	case err != nil:
		return refused(http.StatusServiceUnavailable, err.Error())
	case res.StatusCode/100 == 2:
		return answer{code: http.StatusOK}
	}
	a := refused(res.StatusCode, textOf(content))
	a.retryAfter = res.Header.Get("Retry-After")
	return a
}

// whyNoSpans is what senders of spans log.
const whyNoSpans = "Ausguck does not store traces; OTEL_TRACES_EXPORTER=none keeps an SDK from sending them"

// rejectSpans responds as the protocol specifies for data that is understood but not stored: the sender does not retry,
// and other signals are not affected.
func (r *Receiver) rejectSpans(media string, body io.Reader) answer {
	content, err := io.ReadAll(body)
	if err != nil {
		return refused(http.StatusBadRequest, "read the body: "+err.Error())
	}
	req := ptraceotlp.NewExportRequest()
	if media == jsonType {
		err = req.UnmarshalJSON(content)
	} else {
		err = req.UnmarshalProto(content)
	}
	if err != nil {
		return refused(http.StatusBadRequest, "decode spans: "+err.Error())
	}
	spans := req.Traces().SpanCount()
	if spans == 0 {
		return answer{code: http.StatusOK}
	}
	r.rejected.Add(float64(spans))
	r.warn.Do(func() {
		r.logger.Warn("Rejecting spans: traces are not stored. Senders are notified; ausguck_otlp_spans_rejected_total counts the spans", "spans", spans)
	})
	return answer{code: http.StatusOK, rejectedSpans: int64(spans)}
}

// mediaOf returns the media type of a request's body without its parameters.
func mediaOf(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return strings.ToLower(media)
}
