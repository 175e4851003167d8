package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// MaxBody is the maximum size of a JSON body, in bytes.
const MaxBody = 10 << 20

// Error is a response in Grafana's error format.
type Error struct {
	Code int
	body map[string]any
}

func (e *Error) Error() string { return fmt.Sprint(e.body["message"]) }

// Fail returns an error response with a message.
func Fail(code int, format string, args ...any) *Error {
	return &Error{Code: code, body: map[string]any{"message": fmt.Sprintf(format, args...)}}
}

// With adds a field to the response.
func (e *Error) With(key string, value any) *Error {
	e.body[key] = value
	return e
}

// MarshalJSON returns the body of the response.
func (e *Error) MarshalJSON() ([]byte, error) { return json.Marshal(e.body) }

// ErrNotFound is the response for something that does not exist.
var ErrNotFound = Fail(http.StatusNotFound, "Not found")

var (
	errNoCaller = Fail(http.StatusUnauthorized, "Unauthorized").With("statusCode", http.StatusUnauthorized).With("messageId", "auth.unauthorized")
	errTooLarge = Fail(http.StatusRequestEntityTooLarge, "The request exceeds the limit of %d MiB", MaxBody>>20)
	errStarting = Fail(http.StatusServiceUnavailable, "Dashboards are being loaded; retry in a moment")
)

// Denied is Grafana's response to a caller whose role does not include permission.
func Denied(permission Permission) *Error {
	return Fail(http.StatusForbidden, "You'll need additional permissions to perform this action. Permissions needed: %s", permission).
		With("accessErrorId", "ACE"+NewUID()[1:]).With("title", "Access denied")
}

// Reply writes v as JSON. It does not escape <, > and &: the content type and nosniff prevent browsers from rendering the
// response as a page.
func Reply(w http.ResponseWriter, code int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write response: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(code)
	_, _ = w.Write(buf.Bytes())
	return nil
}

// BeginLines responds with 200 and lines of JSON, which the caller then writes.
func BeginLines(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson; charset=UTF-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy that buffers lines would delay fast ones until the slow ones
	w.WriteHeader(http.StatusOK)
}

// OK responds with 200 and v.
func OK(w http.ResponseWriter, v any) error { return Reply(w, http.StatusOK, v) }

// Message responds with 200 and a text.
func Message(w http.ResponseWriter, format string, args ...any) error {
	return OK(w, map[string]any{"message": fmt.Sprintf(format, args...)})
}

// ReadBody returns the request's body, up to MaxBody bytes.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, Fail(http.StatusBadRequest, "bad request data: %v", err)
	}
	return body, nil
}

// ReadJSON decodes the request's body into v.
func ReadJSON(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := ReadBody(w, r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return Fail(http.StatusBadRequest, "bad request data: %v", err)
	}
	return nil
}

// PathInt returns a path value that must be a number.
func PathInt(r *http.Request, name string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil {
		return 0, Fail(http.StatusBadRequest, "%s is invalid", name)
	}
	return n, nil
}

// QueryInt returns a query parameter that must be a number if it is present.
func QueryInt(r *http.Request, name string, otherwise int64) (int64, error) {
	raw := r.URL.Query().Get(name)
	if raw == "" {
		return otherwise, nil
	}
	return ParseID(name, raw)
}

// ParseID parses a number in a request; name is used in the error.
func ParseID(name, raw string) (int64, error) {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return 0, Fail(http.StatusBadRequest, "%s: must be a number, not %q", name, raw)
	}
	return n, nil
}

// Stamped formats times as Grafana's API does.
func Stamped(t time.Time) string { return t.UTC().Format(time.RFC3339) }
