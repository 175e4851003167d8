package httpserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// newHTTPServer returns the server of one listener. With a web.yml, the toolkit handles TLS and, if users are to be checked, the
// requests: users, headers and certificates are read again for each request or connection, as in every exporter.
func (s *Server) newHTTPServer(name string, addr net.Addr, h http.Handler, users bool) (*http.Server, error) {
	server := &http.Server{
		Handler:           h,
		ReadTimeout:       s.opts.ReadTimeout,
		ReadHeaderTimeout: min(readHeaderTimeout, s.opts.ReadTimeout),
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	if slices.Contains(s.opts.PlainHTTP2, name) {
		server.Protocols = &http.Protocols{}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetHTTP2(true)
		server.Protocols.SetUnencryptedHTTP2(true)
	}
	if file := s.opts.WebConfigFile; file != "" {
		if err := s.applyToolkit(server, addr, file); err != nil {
			return nil, fmt.Errorf("apply %s: %w", file, err)
		}
		guarded := server.Handler
		if !users {
			// The toolkit's handler would check its users, which cannot be disabled.
			var err error
			if guarded, err = s.asConfigured(h); err != nil {
				return nil, fmt.Errorf("apply %s: %w", file, err)
			}
		}
		server.Handler = healthFirst(h, guarded)
	}
	server.Handler = s.wrap(name, secure(server.Handler))
	return server, nil
}

// applyToolkit wraps the server's handler and sets its TLSConfig according to file.
//
// The toolkit does both inside web.Serve and exports no other way to do it, and nothing inside its wrapper can bypass its
// authentication. So web.Serve is called with a listener that fails immediately: this leaves the prepared server, and the health
// paths are then routed around it. The alternative, to reimplement the authentication, would drift from upstream.
func (s *Server) applyToolkit(server *http.Server, addr net.Addr, file string) error {
	logger := upstreamlog.New(s.logger, upstreamlog.Rules{Level: upstreamlog.WarnAndAbove}) // Serve logs each listener in one line
	err := web.Serve(unserved{addr}, server, &web.FlagConfig{WebConfigFile: &file}, logger)
	if !errors.Is(err, errUnserved) {
		return err
	}
	return nil
}

// healthFirst serves the two health paths without credentials, because whatever starts and watches the program (a container's
// health check, a load balancer) has none.
func healthFirst(open, guarded http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isHealth(r) {
			open.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// isHealth reports whether the request is for one of the two health paths.
func isHealth(r *http.Request) bool {
	// RawPath is set if the path was escaped in an unusual way, which a router may interpret differently.
	return r.URL.RawPath == "" && (r.URL.Path == "/-/healthy" || r.URL.Path == "/-/ready")
}

var errUnserved = errors.New("this request is not served")

// unserved is a listener that never accepts a connection.
type unserved struct{ addr net.Addr }

func (unserved) Accept() (net.Conn, error) { return nil, errUnserved }
func (unserved) Close() error              { return nil }
func (u unserved) Addr() net.Addr          { return u.addr }
