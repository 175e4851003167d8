package dashboards

import (
	"errors"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/database"
)

// handler answers one route. An *apiError that it returns is the answer; any other error is a 500.
type handler func(w http.ResponseWriter, r *http.Request, c Caller) error

// route is one line of the API.
type route struct {
	pattern    string
	role       Role
	permission string // named when the role is missing
	handle     handler
}

// Roles returns the role that each route asks for by its pattern, empty for none.
func (s *Server) Roles() map[string]Role {
	roles := map[string]Role{}
	for _, rt := range s.routes() {
		roles[rt.pattern] = rt.role
	}
	return roles
}

// newHandler returns the handler of all routes.
func (s *Server) newHandler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.Handle(rt.pattern, s.guarded(rt))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/health" && !s.serving.Load() {
			w.Header().Set("Retry-After", "1")
			s.answer(w, r, errNoStarting)
			return
		}
		if hasDotSegment(r.URL.Path) {
			s.answer(w, r, fail(http.StatusBadRequest, "The path holds a .. or . segment"))
			return
		}
		if _, pattern := mux.Handler(r); pattern == "" { // unknown, or known with another method
			if _, ok := s.o.Caller(r); !ok {
				s.answer(w, r, errNoCaller)
				return
			}
			s.answer(w, r, errNotFound)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) guarded(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rt.role == "" {
			s.answer(w, r, rt.handle(w, r, Caller{}))
			return
		}
		c, ok := s.o.Caller(r)
		switch {
		case !ok:
			s.answer(w, r, errNoCaller)
		case !c.Role.Includes(rt.role):
			s.answer(w, r, denied(rt.permission))
		default:
			s.answer(w, r, rt.handle(w, r, c))
		}
	})
}

// answer writes what a handler returned.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	var known *apiError
	if !errors.As(err, &known) {
		if r.Context().Err() != nil {
			return // the client has gone
		}
		s.log.Error("Request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		known = fail(http.StatusInternalServerError, "%v", err)
		if database.NoRoom(err) {
			known = fail(http.StatusInsufficientStorage, "The change could not be stored, because the disk is full; free some room and try again: %v", err)
		}
	}
	_ = reply(w, known.code, known.body)
}

// hasDotSegment reports path traversal, also when its dots came encoded.
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == ".." || segment == "." {
			return true
		}
	}
	return strings.Contains(path, `\`)
}

// refuse answers 404 with a reason, for what Grafana has and this does not.
func refuse(reason string) handler {
	return func(http.ResponseWriter, *http.Request, Caller) error { return fail(http.StatusNotFound, "%s", reason) }
}
