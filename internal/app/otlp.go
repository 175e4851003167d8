package app

import (
	"net/http"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/component/otlp"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// OTLPPart is the single endpoint for OpenTelemetry SDKs: it passes the data on to the parts that store it.
type OTLPPart struct {
	noPart
	Switch

	receiver *otlp.Receiver
	at       []*port
}

func (p *OTLPPart) name() string                   { return "otlp" }
func (p *OTLPPart) on() bool                       { return p.On }
func (p *OTLPPart) ports() []*port                 { return p.at }
func (p *OTLPPart) component() lifecycle.Component { return nil } // it only passes requests on

func (p *OTLPPart) flags(a *kingpin.Application) {
	p.register(a, "otlp", "Take metrics and logs of OpenTelemetry's SDKs, at /v1/metrics and /v1/logs of the main address and on the ports 4318 and 4317.")
}

// complete creates the two ports of the OpenTelemetry Collector. Each accepts both protocols, so that a client that uses the
// wrong port works too.
func (p *OTLPPart) complete(*Options) {
	p.at = []*port{newPort("otlp", "4318", p.portRoutes), newPort("otlp-grpc", "4317", p.portRoutes)}
	for _, at := range p.at {
		at.http2 = true
	}
}

func (p *OTLPPart) build(a *App) error {
	o := otlp.Options{
		Logger: a.options.Logger.With("part", p.name()), Registerer: a.registry,
		Metrics: otlp.Target{Path: "/api/v1/otlp/v1/metrics", Handler: a.up(&a.options.Prometheus, a.options.Prometheus.server.Handler())},
		Logs:    otlp.Target{Path: "/otlp/v1/logs", Handler: absent("logs are not stored: Loki is switched off with --no-loki")},
	}
	if store := a.options.Loki.server; store != nil {
		o.Logs.Handler = a.up(&a.options.Loki, store.Handler())
	}
	p.receiver = otlp.New(o)
	return nil
}

func (p *OTLPPart) routes(*App) []route {
	var routes []route
	grpc := absent("OTLP is not taken: it is switched off with --no-otlp")
	if p.receiver != nil {
		grpc = p.receiver.GRPC()
	}
	for _, s := range otlp.Signals {
		h := grpc
		if p.receiver != nil {
			h = p.receiver.HTTP(s)
		}
		routes = append(routes, route{s.Path(), editor, h}, route{s.Method(), editor, grpc})
	}
	return routes
}

// portRoutes returns the routes of both ports.
func (p *OTLPPart) portRoutes(a *App) []route {
	return append(a.own(p),
		route{otlp.HealthMethod, everybody, http.MaxBytesHandler(p.receiver.GRPC(), 1<<10)},
		route{"GET /-/healthy", everybody, handler(serveHealthy)},
		route{"/", viewer, absent("exports of metrics, logs and traces are taken here, and nothing else")},
	)
}
