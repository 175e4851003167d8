package app

import (
	"net/http"
	"reflect"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Parts are all parts of the program, in the order in which they are shown; they stop in reverse order. To add a part, add one
// file to this folder and one line here.
type Parts struct {
	Storage      StoragePart
	Auth         AuthPart
	Dashboards   DashboardsPart
	Docker       DockerPart
	NodeExporter NodeExporterPart
	CAdvisor     CAdvisorPart
	Alertmanager AlertmanagerPart
	Loki         LokiPart
	LogCollector LogCollectorPart
	Prober       ProberPart
	Prometheus   PrometheusPart
	OTLP         OTLPPart
	StatusPage   StatusPagePart
	Updates      UpdatesPart
	Heartbeats   HeartbeatsPart
}

// all returns the fields of Parts.
func (p *Parts) all() []part {
	fields := reflect.ValueOf(p).Elem()
	all := make([]part, fields.NumField())
	for i := range all {
		all[i] = fields.Field(i).Addr().Interface().(part)
	}
	return all
}

// part is everything that the program knows about one part. The methods are listed in the order in which they are called.
type part interface {
	// name identifies the part in messages, in metrics and on the Status page.
	name() string
	// flags adds the part's flags.
	flags(a *kingpin.Application)
	// complete fills in options that depend on other options or on the machine.
	complete(o *Options)
	// on reports whether the part is enabled. If not, only routes is called.
	on() bool
	// ports are those of the separate program; none if there is no such program.
	ports() []*port
	// wire receives what the parts share, before files are read. It returns an error for an invalid flag.
	wire(a *App) error
	// load reads and checks the part's files. The running configuration does not change until apply.
	load(l *loading)
	// build creates the component from the loaded configuration. It must not access disk or network: that may fail, and a
	// component that fails is restarted. It returns an error for an invalid flag.
	build(a *App) error
	// component returns what build created; nil if the part cannot work here.
	component() lifecycle.Component
	// needs returns the names of the parts that it calls, which start before it.
	needs() []string
	// routes returns its URLs on the main address.
	routes(a *App) []route
	// apply makes the loaded configuration the running one, and undo restores the one before it.
	apply() error
	undo() error
	// reloaded is called with the result of a reload of all parts.
	reloaded(err error)
	// says returns a message about the part's state, empty if there is none; wrong if it requires action.
	says() (text string, wrong bool)
}

// noPart implements the methods of part with defaults that do nothing.
type noPart struct{}

func (noPart) flags(*kingpin.Application) {}
func (noPart) complete(*Options)          {}
func (noPart) on() bool                   { return true }
func (noPart) ports() []*port             { return nil }
func (noPart) wire(*App) error            { return nil }
func (noPart) load(*loading)              {}
func (noPart) build(*App) error           { return nil }
func (noPart) needs() []string            { return nil }
func (noPart) routes(*App) []route        { return nil }
func (noPart) apply() error               { return nil }
func (noPart) undo() error                { return nil }
func (noPart) reloaded(error)             {}
func (noPart) says() (string, bool)       { return "", false }

// configured is a part with a configuration; C is the type that its files are parsed into.
type configured[C any] struct {
	noPart
	runs interface { // created by build
		Applied() *C
		ApplyConfig(*C) error
	}
	next   *C // the loaded configuration
	before *C // the running configuration before next was applied
}

func (c *configured[C]) apply() error {
	c.before = c.runs.Applied()
	return c.runs.ApplyConfig(c.next)
}

func (c *configured[C]) undo() error { return c.runs.ApplyConfig(c.before) }

// port is the port of a separate program, and its host names in the configuration files of its clients. Inside the process they
// lead to its part.
type port struct {
	name, number string
	hosts        []string // each with the port number; the prefix of the original compose file is also accepted
	others       []string // additional names, from --web.service-names
	inside       *inproc.Listener
	routes       func(a *App) []route
	// http2 also accepts HTTP/2 without TLS, which gRPC clients use.
	http2 bool
	// insideOnly is set if the port is not bound.
	insideOnly bool
	// adopt changes a request from a part of this process before it is handled; nil leaves it unchanged.
	adopt func(a *App, r *http.Request)
}

func newPort(name, number string, routes func(a *App) []route, hosts ...string) *port {
	return &port{name: name, number: number, hosts: hosts, inside: inproc.NewListener(name), routes: routes}
}

// addresses returns the names with the port number, also with the prefix of the original compose file.
func (p *port) addresses() (all []string) {
	for _, host := range p.hosts {
		all = append(all, host, "agent-"+host)
	}
	return append(all, p.others...)
}

// Switch is a part that is on by default. If it cannot work here, it is left out, unless it was enabled explicitly: then that is
// an error.
type Switch struct {
	On    bool
	Asked bool
}

func (s *Switch) register(a *kingpin.Application, name, help string) {
	a.Flag(name, help).Default("true").IsSetByUser(&s.Asked).BoolVar(&s.On)
}

func absent(reason string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, reason, http.StatusNotFound)
	})
}
