package otlp

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Refusals makes of what others answer in its place, which is text, what clients of OTLP read: who asks for credentials,
// who bounds bodies, and who knows no such path. It belongs around them, and leaves answers to all other requests alone.
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

// translator keeps an answer that is text until it is whole.
type translator struct {
	http.ResponseWriter
	grpc    bool
	started bool
	code    int // of an answer that is kept
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
		_ = http.NewResponseController(t.ResponseWriter).Flush() // one that cannot has nothing to flush
	}
}

// end sends the answer that was kept.
func (t *translator) end(media string) {
	h := t.Header()
	a := answer{code: t.code, text: textOf(t.text), retryAfter: h.Get("Retry-After")}
	if !t.grpc && t.code == http.StatusBadRequest && media != protobuf && media != jsonType {
		a = unknownType(media) // the guard in front has read it as something that it is not
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
