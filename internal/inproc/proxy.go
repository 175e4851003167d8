package inproc

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
)

// NewProxy returns a handler that answers with what the server behind l answers.
//
// It is for upstreams whose handler runs only on a listener of its own. Each request has a connection
// of its own, so that the server sees the address of the real client; the request's context ends it.
func NewProxy(l *Listener) http.Handler {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return l.dial(ctx, clientAddr(ctx))
		},
		DisableCompression: true,
		DisableKeepAlives:  true,
	}
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // remote read and live notifications stream
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = l.name.String()
			r.Out.Host = r.In.Host
			ctx := context.WithValue(r.Out.Context(), clientKey{}, addr(r.In.RemoteAddr))
			r.Out = r.Out.WithContext(ctx)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the client has gone
			}
			http.Error(w, l.name.String()+" does not answer: "+err.Error(), http.StatusServiceUnavailable)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else the outer server closes the request's body with the first byte of the answer, while the
		// transport may still be looking for its end; it would take that for a failed write.
		// HTTP/2 and recorders do not need it and say so by an error.
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	})
}

type clientKey struct{}

func clientAddr(ctx context.Context) addr {
	a, _ := ctx.Value(clientKey{}).(addr)
	return a
}
