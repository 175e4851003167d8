package app

import (
	"net/http"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/component/cadvisor"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// CAdvisorPart monitors containers, as cAdvisor does.
type CAdvisorPart struct {
	noPart
	Switch
	Housekeeping time.Duration

	exporter *cadvisor.Exporter // nil if it cannot work here
	at       *port
}

func (p *CAdvisorPart) name() string    { return "cadvisor" }
func (p *CAdvisorPart) on() bool        { return p.On }
func (p *CAdvisorPart) ports() []*port  { return []*port{p.at} }
func (p *CAdvisorPart) needs() []string { return []string{"dockerhost"} }

func (p *CAdvisorPart) flags(a *kingpin.Application) {
	p.register(a, "cadvisor", "Watch containers, as cAdvisor does.")
	a.Flag("cadvisor.housekeeping-interval", "How often the usage of containers is read.").
		Default(cadvisor.DefaultHousekeepingInterval.String()).DurationVar(&p.Housekeeping)
}

func (p *CAdvisorPart) complete(*Options) {
	p.at = newPort("cadvisor", "8080", func(*App) []route { return exporterRoutes("cAdvisor", p.metrics()) }, "cadvisor:8080")
}

func (p *CAdvisorPart) build(a *App) (err error) {
	o := cadvisor.Options{
		Logger:               a.options.Logger.With("part", "cadvisor"),
		Registerer:           a.registry,
		HousekeepingInterval: p.Housekeeping,
		ContainerLabels:      splitList(a.options.Docker.Labels),
	}
	if host := a.options.Docker.host; host != nil { // an interface that holds a nil pointer would not be nil
		o.Containers = host
	}
	p.exporter, err = cadvisor.New(o)
	return a.skip(p.name(), p.Asked, err)
}

func (p *CAdvisorPart) component() lifecycle.Component {
	if p.exporter == nil {
		return nil
	}
	return p.exporter
}

func (p *CAdvisorPart) routes(*App) []route {
	return []route{{"GET /metrics/cadvisor", viewer, p.metrics()}}
}

// metrics is served at /metrics/cadvisor and as /metrics on the port of cAdvisor.
func (p *CAdvisorPart) metrics() http.Handler {
	if p.exporter == nil {
		return absent("containers are not watched: cAdvisor is switched off or cannot work here")
	}
	return p.exporter.Handler()
}
