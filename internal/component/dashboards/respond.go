package dashboards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// maxBody bounds every JSON body, in bytes.
const maxBody = 10 << 20

// apiError is an answer in Grafana's error shape.
type apiError struct {
	code int
	body map[string]any
}

func (e *apiError) Error() string { return fmt.Sprint(e.body["message"]) }

func fail(code int, format string, args ...any) *apiError {
	return &apiError{code: code, body: map[string]any{"message": fmt.Sprintf(format, args...)}}
}

// with adds a field to the answer.
func (e *apiError) with(key string, value any) *apiError {
	e.body[key] = value
	return e
}

var (
	errNotFound   = fail(http.StatusNotFound, "Not found")
	errNoCaller   = fail(http.StatusUnauthorized, "Unauthorized")
	errTooLarge   = fail(http.StatusRequestEntityTooLarge, "The request is larger than %d MiB, which is the limit", maxBody>>20)
	errNoDash     = fail(http.StatusNotFound, "Dashboard not found").with("status", "not-found")
	errNoFolder   = fail(http.StatusNotFound, "folder not found").with("status", "not-found")
	errNoSource   = fail(http.StatusNotFound, "Data source not found")
	errNoStarting = fail(http.StatusServiceUnavailable, "Dashboards are being read; try again in a moment")
)

// denied is Grafana's answer to a caller whose role does not include permission.
func denied(permission string) *apiError {
	return fail(http.StatusForbidden, "You'll need additional permissions to perform this action. Permissions needed: %s", permission).
		with("accessErrorId", "ACE"+newUID()[1:]).with("title", "Access denied")
}

// reply writes v as JSON. Text keeps its <, > and &: the answer's type and nosniff keep it from being a page.
func reply(w http.ResponseWriter, code int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	replyRaw(w, code, buf.Bytes())
	return nil
}

func replyRaw(w http.ResponseWriter, code int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

func message(w http.ResponseWriter, format string, args ...any) error {
	return reply(w, http.StatusOK, map[string]any{"message": fmt.Sprintf(format, args...)})
}

// readBody returns the request's body, at most maxBody of it.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, fail(http.StatusBadRequest, "bad request data: %v", err)
	}
	return body, nil
}

// readJSON fills v from the request's body.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return fail(http.StatusBadRequest, "bad request data: %v", err)
	}
	return nil
}

// pathInt returns a path value that must be a number.
func pathInt(r *http.Request, name string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil {
		return 0, fail(http.StatusBadRequest, "%s is invalid", name)
	}
	return n, nil
}

// queryInt returns a query parameter that must be a number when it is there.
func queryInt(r *http.Request, name string, otherwise int64) (int64, error) {
	raw := r.URL.Query().Get(name)
	if raw == "" {
		return otherwise, nil
	}
	return parseID(name, raw)
}

func parseID(name, raw string) (int64, error) {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return 0, fail(http.StatusBadRequest, "%s: a number is needed, not %q", name, raw)
	}
	return n, nil
}
