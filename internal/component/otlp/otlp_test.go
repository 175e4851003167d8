package otlp_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ausguck/ausguck/internal/component/otlp"
)

const (
	protobuf = "application/x-protobuf"
	jsonType = "application/json"
)

// part is a part that receives metrics: the requests it received, and its response.
type part struct {
	code   int
	header map[string]string
	text   string
	asked  *http.Request
	body   string
}

func (p *part) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.asked, p.body = r, string(body)
	for k, v := range p.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(p.code)
	_, _ = io.WriteString(w, p.text)
}

func receiver(p *part) *otlp.Receiver {
	return otlp.New(otlp.Options{
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Metrics: otlp.Target{Path: "/inner/v1/metrics", Handler: p},
	})
}

func post(h http.Handler, signal otlp.Signal, media, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, signal.Path(), strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	r.Header.Set("X-Scope-OrgID", "team")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandsOnAndAnswersInTheFormOfTheRequest(t *testing.T) {
	for media, want := range map[string]string{protobuf: "", jsonType: "{}", jsonType + "; charset=utf-8": "{}"} {
		p := &part{code: http.StatusNoContent}
		w := post(receiver(p).HTTP(otlp.Metrics), otlp.Metrics, media, "content")
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, want, w.Body.String())
		form, _, _ := strings.Cut(media, ";")
		require.Equal(t, form, w.Header().Get("Content-Type"))
		require.Equal(t, "/inner/v1/metrics", p.asked.URL.Path)
		require.Equal(t, "content", p.body)
		require.Equal(t, form, p.asked.Header.Get("Content-Type"))
		require.Equal(t, "team", p.asked.Header.Get("X-Scope-OrgID"))
	}
}

// lokiStatus is a rejection in the format in which Loki sends it.
func lokiStatus(t *testing.T, text string) string {
	t.Helper()
	content, err := proto.Marshal(status.New(0, text).Proto())
	require.NoError(t, err)
	return string(content)
}

func TestRefusalsSayWhyAndWhetherToTryAgain(t *testing.T) {
	for name, c := range map[string]struct {
		part    part
		code    int
		text    string
		tryIn   string
		details int // when to retry, for gRPC clients
	}{
		"final":             {part{code: 400, text: "out of order sample\n"}, 400, "out of order sample", "", 0},
		"Loki's form":       {part{code: 400, text: lokiStatus(t, "entry too far behind")}, 400, "entry too far behind", "", 0},
		"too much":          {part{code: 429, text: "rate limit"}, 429, "rate limit", "1", 1},
		"down":              {part{code: 503, text: "down", header: map[string]string{"Retry-After": "10"}}, 503, "down", "10", 1},
		"the disk is full":  {part{code: 507, text: "full"}, 503, "full", "1", 1},
		"not even a reason": {part{code: 500}, 500, "Internal Server Error", "", 0},
		"no text":           {part{code: 400, text: "\xff\xfe"}, 400, "�", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := post(receiver(&c.part).HTTP(otlp.Metrics), otlp.Metrics, protobuf, "")
			require.Equal(t, c.code, w.Code)
			require.Equal(t, protobuf, w.Header().Get("Content-Type"))
			require.Equal(t, c.tryIn, w.Header().Get("Retry-After"))
			s := status.New(0, "").Proto()
			require.NoError(t, proto.Unmarshal(w.Body.Bytes(), s))
			require.Equal(t, c.text, s.GetMessage())
			require.Len(t, s.GetDetails(), c.details)
			w = post(receiver(&c.part).HTTP(otlp.Metrics), otlp.Metrics, jsonType, "")
			require.Equal(t, jsonType, w.Header().Get("Content-Type"))
			require.Contains(t, w.Body.String(), c.text)
		})
	}
}

func TestWhatIsNoExportIsRefused(t *testing.T) {
	h := receiver(&part{code: 200}).HTTP(otlp.Metrics)
	require.Equal(t, http.StatusUnsupportedMediaType, post(h, otlp.Metrics, "text/plain", "").Code)
	require.Equal(t, http.StatusUnsupportedMediaType, post(h, otlp.Metrics, "", "").Code)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/metrics", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
	r := httptest.NewRequest(http.MethodPost, "/v1/metrics", strings.NewReader("x"))
	r.Header.Set("Content-Type", protobuf)
	r.Header.Set("Content-Encoding", "br")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusUnsupportedMediaType, w.Code)
}

func TestSpansAreRejectedAsPartialSuccess(t *testing.T) {
	h := receiver(&part{}).HTTP(otlp.Traces)
	traces := ptrace.NewTraces()
	spans := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 3 {
		spans.AppendEmpty().SetName("a")
	}
	content, err := ptraceotlp.NewExportRequestFromTraces(traces).MarshalProto()
	require.NoError(t, err)
	w := post(h, otlp.Traces, protobuf, string(content))
	require.Equal(t, http.StatusOK, w.Code)
	answer := ptraceotlp.NewExportResponse()
	require.NoError(t, answer.UnmarshalProto(w.Body.Bytes()))
	require.EqualValues(t, 3, answer.PartialSuccess().RejectedSpans())
	require.Contains(t, answer.PartialSuccess().ErrorMessage(), "does not store traces")

	w = post(h, otlp.Traces, jsonType, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}`)
	require.JSONEq(t, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"Ausguck does not store traces; OTEL_TRACES_EXPORTER=none keeps an SDK from sending them"}}`, w.Body.String())
	require.Equal(t, "{}", post(h, otlp.Traces, jsonType, `{}`).Body.String(), "nothing was rejected")
	require.Equal(t, http.StatusBadRequest, post(h, otlp.Traces, jsonType, `{`).Code)
	require.Equal(t, http.StatusBadRequest, post(h, otlp.Traces, protobuf, "rubbish").Code)
}

// Handlers in front of the receiver respond with text.
func TestRefusalsOfOthersAreTranslated(t *testing.T) {
	front := func(code int, text string) http.Handler {
		return otlp.Refusals(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "5")
			http.Error(w, text, code)
		}))
	}
	w := post(front(http.StatusUnauthorized, "Unauthorized"), otlp.Logs, jsonType, "{}")
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Equal(t, jsonType, w.Header().Get("Content-Type"))
	require.Contains(t, w.Body.String(), `"Unauthorized"`)
	w = post(front(http.StatusServiceUnavailable, "busy"), otlp.Logs, protobuf, "")
	require.Equal(t, "5", w.Header().Get("Retry-After"))
	require.Contains(t, w.Body.String(), "busy")
	w = post(front(http.StatusBadRequest, "groups"), otlp.Logs, "application/x-www-form-urlencoded", "{}")
	require.Equal(t, http.StatusUnsupportedMediaType, w.Code, "the guard has read it as protobuf")
	require.Contains(t, w.Body.String(), "is not supported; use application/x-protobuf or application/json")

	r := httptest.NewRequest(http.MethodPost, otlp.Logs.Method(), nil)
	r.ProtoMajor = 2
	r.Header.Set("Content-Type", "application/grpc+proto")
	w = httptest.NewRecorder()
	front(http.StatusUnauthorized, "naß & 100%\n").ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/grpc", w.Header().Get("Content-Type"))
	require.Equal(t, "16", w.Header().Get("Grpc-Status"))
	require.Equal(t, "na%C3%9F%20%26%20100%25", w.Header().Get("Grpc-Message"))
	require.Empty(t, w.Body.String())

	w = httptest.NewRecorder()
	front(http.StatusNotFound, "no such page").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/page", nil))
	require.Equal(t, "no such page\n", w.Body.String(), "nobody's export")
}
