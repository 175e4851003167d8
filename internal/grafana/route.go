package grafana

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/database"
)

// Caller is the sender of a request.
type Caller struct {
	// ID and UID identify the user or service account permanently; stars and preferences are stored by UID.
	ID  int64
	UID string
	// Login, Name and Email are shown as author; Login is stored with versions and annotations.
	Login, Name, Email string
	Role               Role
}

// Handler handles one route. If it returns an *Error, that is the response; any other error is a 500.
type Handler func(w http.ResponseWriter, r *http.Request, c Caller) error

// Route is one URL of the API.
type Route struct {
	// Pattern is a pattern of http.ServeMux.
	Pattern string
	// Needs is the permission that the caller must have.
	Needs  Permission
	Handle Handler
}

// On returns the route of a pattern.
func On(pattern string, needs Permission, handle Handler) Route { return Route{pattern, needs, handle} }

// API serves routes, and responds with 404 in Grafana's format to all other requests.
type API struct {
	Routes []Route
	// Caller returns the sender of a request; false results in a 401. It must be safe for concurrent use.
	Caller func(*http.Request) (Caller, bool)
	// Ready reports whether routes other than the public ones can be served; nil means always.
	Ready func() bool
	// Logger logs failures that the caller did not cause.
	Logger *slog.Logger
}

// Handler returns a handler of the routes.
func (a API) Handler() http.Handler {
	mux := http.NewServeMux()
	public := map[string]bool{"": false}
	for _, route := range a.Routes {
		mux.Handle(route.Pattern, a.guarded(route))
		public[route.Pattern] = route.Needs == Public
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		switch {
		case a.Ready != nil && !public[pattern] && !a.Ready():
			w.Header().Set("Retry-After", "1")
			a.Answer(w, r, errStarting)
		case HasDotSegment(r.URL.Path):
			a.Answer(w, r, Fail(http.StatusBadRequest, "The path contains a .. or . segment"))
		case pattern == "": // unknown, or known only with another method
			a.guarded(Route{Handle: notFound}).ServeHTTP(w, r)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

func (a API) guarded(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route.Needs == Public {
			a.Answer(w, r, route.Handle(w, r, Caller{}))
			return
		}
		c, ok := a.Caller(r)
		switch {
		case !ok:
			a.Answer(w, r, errNoCaller)
		case !c.Role.Includes(route.Needs.Role()):
			a.Answer(w, r, Denied(route.Needs))
		default:
			a.Answer(w, r, route.Handle(w, r, c))
		}
	})
}

// Answer writes the response for the error that a handler returned.
func (a API) Answer(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	var known *Error
	if !errors.As(err, &known) {
		if r.Context().Err() != nil {
			return // the client has disconnected
		}
		a.Logger.Error("Request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		known = Fail(http.StatusInternalServerError, "%v", err)
		if database.NoRoom(err) {
			known = Fail(http.StatusInsufficientStorage, "The change could not be stored, because the disk is full; free some space and retry: %v", err)
		}
	}
	_ = Reply(w, known.Code, known.body)
}

// HasDotSegment reports path traversal, including encoded dots.
func HasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == ".." || segment == "." {
			return true
		}
	}
	return strings.Contains(path, `\`)
}

// Refuse responds with 404 and a reason, for features of Grafana that are not supported here.
func Refuse(reason string) Handler {
	return func(http.ResponseWriter, *http.Request, Caller) error { return Fail(http.StatusNotFound, "%s", reason) }
}

func notFound(http.ResponseWriter, *http.Request, Caller) error { return ErrNotFound }
