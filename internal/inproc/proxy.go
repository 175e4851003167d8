package inproc

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
)

// NewProxy returns a handler that proxies to the server behind l.
//
// It is for upstreams whose handler only runs on its own listener. Each request has its own connection, so that the server sees
// the address of the real client; the request's context ends the connection.
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
				return // the client has disconnected
			}
			DiscardRest(r)
			http.Error(w, l.name.String()+" does not answer: "+err.Error(), http.StatusServiceUnavailable)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Otherwise the outer server would close the request's body with the first byte of the response, while the transport may
		// still be reading to its end, and would treat that as a failed write. HTTP/2 and recorders do not need this and return
		// an error.
		proxy.ServeHTTP(w, FullDuplex(w, r))
	})
}

// maxRest is how much of an unread request is read, as in net/http.
const maxRest = 256 << 10

// FullDuplex allows reading a request while responding to it. A handler that responds without having passed the request on must
// first call DiscardRest: net/http does not read the rest of such a request, and the response would be lost in a connection
// reset.
func FullDuplex(w http.ResponseWriter, r *http.Request) *http.Request {
	_ = http.NewResponseController(w).EnableFullDuplex()
	r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, r.Body))
	r.Body = io.NopCloser(r.Body) // a transport closes it if it cannot connect
	return r
}

// DiscardRest reads the rest of a request that FullDuplex has returned, or of one derived from it.
func DiscardRest(r *http.Request) {
	if body, ok := r.Context().Value(bodyKey{}).(io.Reader); ok {
		_, _ = io.CopyN(io.Discard, body, maxRest)
	}
}

type bodyKey struct{}

type clientKey struct{}

func clientAddr(ctx context.Context) addr {
	a, _ := ctx.Value(clientKey{}).(addr)
	return a
}
