package app

import (
	"net/http"
	"reflect"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Parts are all parts of the program, in the order in which people see them; they stop in reverse. A part is one file of
// this folder and one line here.
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
	Prometheus   PrometheusPart
	OTLP         OTLPPart
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

// part is everything that the program knows about one part. The methods are called in the order in which they stand here.
type part interface {
	// name is what messages, metrics and the status page call the part.
	name() string
	// flags adds the part's flags.
	flags(a *kingpin.Application)
	// complete fills in what depends on other options or on the machine.
	complete(o *Options)
	// on reports whether the part is to run. Of a part that is off only routes is called.
	on() bool
	// ports are where the separate program listens; none for what never was one.
	ports() []*port
	// wire takes what parts share, before files are read. An error is a wrong flag.
	wire(a *App) error
	// load reads and checks the part's files. What runs stays as it is until apply.
	load(l *loading)
	// build makes what runs, with what was loaded. It touches neither disk nor network, since that may fail, and what runs
	// is started again when it does. An error is a wrong flag.
	build(a *App) error
	// component is what build has made, nil when the part cannot work here.
	component() lifecycle.Component
	// needs names the parts that it calls, which start before it.
	needs() []string
	// routes are its URLs on the main address.
	routes(a *App) []route
	// apply makes what was loaded the running configuration, and undo the one before it.
	apply() error
	undo() error
	// reloaded is told how a reload, of all parts, has ended.
	reloaded(err error)
	// says is what a person should know of the part, empty for nothing; wrong when it needs somebody to do something.
	says() (text string, wrong bool)
}

// noPart has none of what a part may have.
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

// configured is a part with a configuration: C is what its files are read into.
type configured[C any] struct {
	noPart
	runs interface { // what build has made
		Applied() *C
		ApplyConfig(*C) error
	}
	next   *C // what was loaded
	before *C // what ran when next was applied
}

func (c *configured[C]) apply() error {
	c.before = c.runs.Applied()
	return c.runs.ApplyConfig(c.next)
}

func (c *configured[C]) undo() error { return c.runs.ApplyConfig(c.before) }

// port is where a separate program listens, and its names in the files of those who ask it. They lead to its part inside
// the process.
type port struct {
	name, number string
	hosts        []string // each with the number; they also count with the prefix of the original compose file
	others       []string // more of them, as --web.service-names has them
	inside       *inproc.Listener
	routes       func(a *App) []route
	// http2 takes HTTP/2 without TLS as well, as clients of gRPC speak it.
	http2 bool
	// insideOnly is set when the port is not listened on.
	insideOnly bool
	// adopt changes a request of a part of this process before it is answered; nil leaves it.
	adopt func(a *App, r *http.Request)
}

func newPort(name, number string, routes func(a *App) []route, hosts ...string) *port {
	return &port{name: name, number: number, hosts: hosts, inside: inproc.NewListener(name), routes: routes}
}

// addresses are the names with the number, also with the prefix of the original compose file.
func (p *port) addresses() (all []string) {
	for _, host := range p.hosts {
		all = append(all, host, "agent-"+host)
	}
	return append(all, p.others...)
}

// Switch is a part that is on by default. Where it cannot work it is left out, unless it was asked for: then that is an
// error.
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
