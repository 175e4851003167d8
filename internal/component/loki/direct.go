package loki

import (
	"context"
	"sync"

	"github.com/grafana/dskit/middleware"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/grafana/loki/v3/pkg/loki"
	"google.golang.org/grpc"
)

// pushDirectly makes the distributor call the ingesters in its process as functions. Through gRPC, each line would
// be copied three times, and, more importantly, a push that takes longer than ingester_client.remote_timeout would
// fail while the ingester continues to store it: a caller that then checks whether its lines are stored may not find
// them yet. In a cluster, the distributor pushes as in upstream.
func (e *engine) pushDirectly(c *loki.Config) {
	if e.cfg.cluster {
		return
	}
	ingester := &c.IngesterClient.GRPCClientConfig
	ingester.Middleware = append(ingester.Middleware, e.direct("/logproto.Pusher/Push", func() logproto.PusherServer {
		return e.loki.Ingester
	}))
	patterns := &c.Pattern.ClientConfig.GRPCClientConfig
	patterns.Middleware = append(patterns.Middleware, e.direct("/logproto.Pattern/Push", func() logproto.PusherServer {
		return e.loki.PatternIngester
	}))
}

// direct handles the calls of one method, and counts them as the gRPC server would. The server is obtained at the
// first call: it is created after the configuration of its clients.
func (e *engine) direct(method string, server func() logproto.PusherServer) grpc.UnaryClientInterceptor {
	counted := sync.OnceValue(func() grpc.UnaryServerInterceptor {
		return middleware.UnaryServerInstrumentInterceptor(e.loki.Metrics.RequestDuration)
	})
	info := &grpc.UnaryServerInfo{FullMethod: method}
	push := func(ctx context.Context, req any) (any, error) {
		return server().Push(ctx, req.(*logproto.PushRequest))
	}
	return func(ctx context.Context, called string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if called != method {
			return invoker(ctx, called, req, reply, cc, opts...)
		}
		_, err := counted()(ctx, req, info, push) // a PushResponse is empty
		return err
	}
}
