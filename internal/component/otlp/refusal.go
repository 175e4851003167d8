package otlp

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Refusals translates text responses from other handlers into what OTLP clients understand: the handlers that require
// credentials, that bound bodies, and that respond to unknown paths. It must wrap them, and leaves responses to all
// other requests unchanged.
func Refusals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		media := mediaOf(r)
		byGRPC := isGRPC(r)
		if !byGRPC && !slices.ContainsFunc(Signals, func(s Signal) bool { return r.URL.Path == s.Path() }) {
			next.ServeHTTP(w, r)
			return
		}
		t := &translator{ResponseWriter: w, grpc: byGRPC}
		next.ServeHTTP(t, r)
		if t.code != 0 {
			t.end(media)
		}
	})
}

func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// translator holds back a text response until it is complete.
type translator struct {
	http.ResponseWriter
	grpc    bool
	started bool
	code    int // of a response that is held back
	text    []byte
}

var _ http.Flusher = (*translator)(nil)

// Unwrap is for http.ResponseController.
func (t *translator) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (t *translator) WriteHeader(code int) {
	if code >= 100 && code < 200 || t.started {
		t.ResponseWriter.WriteHeader(code)
		return
	}
	t.started = true
	form, _, _ := strings.Cut(t.Header().Get("Content-Type"), ";")
	if t.grpc && !strings.HasPrefix(form, "application/grpc") || !t.grpc && code >= 300 && form != protobuf && form != jsonType {
		t.code = code
		return
	}
	t.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (t *translator) Write(p []byte) (int, error) {
	if !t.started {
		t.WriteHeader(http.StatusOK)
	}
	if t.code == 0 {
		return t.ResponseWriter.Write(p)
	}
	t.text = append(t.text, p[:min(len(p), maxText-len(t.text))]...)
	return len(p), nil
}

// Flush implements http.Flusher.
func (t *translator) Flush() {
	if !t.started {
		t.WriteHeader(http.StatusOK)
	}
	if t.code == 0 {
		_ = http.NewResponseController(t.ResponseWriter).Flush() // a writer without Flush has nothing to flush
	}
}

// end sends the response that was held back.
func (t *translator) end(media string) {
	h := t.Header()
	a := answer{code: t.code, text: textOf(t.text), retryAfter: h.Get("Retry-After")}
	if !t.grpc && t.code == http.StatusBadRequest && media != protobuf && media != jsonType {
		a = unknownType(media) // the guard in front has misread its type
	}
	if !t.grpc {
		a.write(t.ResponseWriter, media)
		return
	}
	s := a.status()
	h.Del("Content-Length")
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(int(s.Code())))
	h.Set("Grpc-Message", strings.ReplaceAll(url.QueryEscape(s.Message()), "+", "%20"))
	t.ResponseWriter.WriteHeader(http.StatusOK)
}
