package loki

import (
	"context"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// queryGate lets queries end before the modules stop. Loki closes its store while queries that clients or other members sent still
// read chunks from it, and then panics: it sends on a closed channel.
type queryGate struct {
	mtx     sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// queryGrace is how long queries have to end; it is a part of stopTimeout.
const queryGrace = 2 * time.Second

// enter reports whether a query may begin; it then has to leave.
func (g *queryGate) enter() bool {
	g.mtx.Lock()
	defer g.mtx.Unlock()
	if g.closed {
		return false
	}
	g.running.Add(1)
	return true
}

func (g *queryGate) leave() { g.running.Done() }

// close refuses new queries and waits for those that run, at most until ctx ends.
func (g *queryGate) close(ctx context.Context) {
	g.mtx.Lock()
	g.closed = true
	g.mtx.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.running.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// serve handles a request of a client.
func (g *queryGate) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		serveNotReady(w)
		return
	}
	defer g.leave()
	next.ServeHTTP(w, r)
}

// stream handles a query of another member of a ring, or of this process.
func (g *queryGate) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if info.FullMethod != "/logproto.Querier/Query" && info.FullMethod != "/logproto.Querier/QuerySample" {
		return next(srv, ss)
	}
	if !g.enter() {
		return status.Error(codes.Unavailable, "Loki stops")
	}
	defer g.leave()
	return next(srv, ss)
}
