package instrument

import (
	"context"
	"net/http"
)

// SetRoute sets the route of the request that w responds to; empty means that none matched. It is for routers that do not set
// [http.Request.Pattern], and for handlers behind something that copies the request. The last call counts. It reports whether w
// belongs to a measured request, which it finds through Unwrap, like [http.ResponseController].
//
// A route must be a pattern of the service ("/users/{id}"), never a path sent by the client.
//
// With gin, whose context has its writer in a field:
//
//	router.Use(func(c *gin.Context) { instrument.SetRoute(c.Writer, c.FullPath()) })
func SetRoute(w http.ResponseWriter, route string) bool {
	for w != nil {
		switch v := w.(type) {
		case interface{ core() *recorder }:
			rec := v.core()
			rec.route, rec.routed = route, true
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return false
		}
	}
	return false
}

// Chi returns a middleware that takes the route from chi, which knows it once the request has been served:
//
//	router.Use(instrument.Chi(chi.RouteContext))
//	http.ListenAndServe(address, service.Handler(router))
func Chi[C interface {
	comparable
	RoutePattern() string
}](routeContext func(context.Context) C) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { // also if next panics
				var none C
				if c := routeContext(r.Context()); c != none {
					SetRoute(w, c.RoutePattern())
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// Gorilla returns a middleware that takes the route from gorilla/mux:
//
//	router.Use(instrument.Gorilla(mux.CurrentRoute))
//	http.ListenAndServe(address, service.Handler(router))
func Gorilla[R interface {
	comparable
	GetPathTemplate() (string, error)
}](currentRoute func(*http.Request) R) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var none R
			if route := currentRoute(r); route != none {
				if template, err := route.GetPathTemplate(); err == nil {
					SetRoute(w, template)
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Echo is a middleware for echo that takes the route from it. All types are inferred:
//
//	e.Use(instrument.Echo)
//	http.ListenAndServe(address, service.Handler(e))
func Echo[H ~func(C) error, C interface {
	Path() string
	Response() W
}, W http.ResponseWriter](next H) H {
	return func(c C) error {
		SetRoute(c.Response(), c.Path())
		return next(c)
	}
}
