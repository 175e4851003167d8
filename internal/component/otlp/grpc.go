package otlp

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// HealthMethod is gRPC's method for health checks.
const HealthMethod = grpc_health_v1.Health_Check_FullMethodName

// maxMessage is the maximum size that bounds.Guard lets through.
const maxMessage = 128 << 20

// GRPC serves exports of all signals, and the health check, over gRPC. Messages arrive uncompressed, and within
// limits: see bounds.Guard. They are passed on as they are, since the part that stores them decodes them.
func (r *Receiver) GRPC() http.Handler { return r.grpc }

func (r *Receiver) newGRPC() http.Handler {
	s := grpc.NewServer(grpc.ForceServerCodecV2(codec{}), grpc.MaxRecvMsgSize(maxMessage))
	for _, signal := range Signals {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: signal.service(), HandlerType: (*any)(nil),
			Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: r.exportGRPC(signal)}},
		}, r)
	}
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	return s
}

func (r *Receiver) exportGRPC(s Signal) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var body message
		if err := decode(&body); err != nil {
			return nil, err
		}
		var tenant string
		if md, ok := metadata.FromIncomingContext(ctx); ok {
			for _, v := range md.Get(tenantHeader) {
				tenant = v
			}
		}
		a := r.export(ctx, s, protobuf, tenant, bytes.NewReader(body), int64(len(body)))
		r.requests.WithLabelValues(string(s), "grpc", strconv.Itoa(a.code)).Inc()
		if a.code != http.StatusOK {
			return nil, a.status().Err()
		}
		content, err := a.success(protobuf)
		return message(content), err
	}
}

// message is a message that is not decoded.
type message []byte

// codec leaves messages of the signals unchanged.
type codec struct{}

// Marshal implements encoding.CodecV2.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	var content []byte
	switch v := v.(type) {
	case message:
		content = v
	case proto.Message:
		var err error
		if content, err = proto.Marshal(v); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%T is not a message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(content)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	switch v := v.(type) {
	case *message:
		*v = data.Materialize()
		return nil
	case proto.Message:
		return proto.Unmarshal(data.Materialize(), v)
	}
	return fmt.Errorf("%T is not a message", v)
}

// Name implements encoding.CodecV2.
func (codec) Name() string { return "proto" }
