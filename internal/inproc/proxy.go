package inproc

import (
	"context"
	"io"
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
			DiscardRest(r)
			http.Error(w, l.name.String()+" does not answer: "+err.Error(), http.StatusServiceUnavailable)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else the outer server closes the request's body with the first byte of the answer, while the
		// transport may still be looking for its end; it would take that for a failed write.
		// HTTP/2 and recorders do not need it and say so by an error.
		proxy.ServeHTTP(w, FullDuplex(w, r))
	})
}

// maxRest is how much of a request is read when nobody takes it, as net/http has it.
const maxRest = 256 << 10

// FullDuplex lets a request be read while it is answered. Who answers without having handed the request on calls
// DiscardRest first: net/http leaves the rest of such a request alone, and the answer would be lost in a connection reset.
func FullDuplex(w http.ResponseWriter, r *http.Request) *http.Request {
	_ = http.NewResponseController(w).EnableFullDuplex()
	r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, r.Body))
	r.Body = io.NopCloser(r.Body) // a transport closes it when it cannot connect
	return r
}

// DiscardRest reads what is left of a request that FullDuplex has returned, or of one that was made of it.
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
