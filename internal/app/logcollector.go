package app

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/ausguck/ausguck/internal/component/logcollector"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/dockerhost"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// LogCollectorPart collects logs from files and containers, as Promtail does.
type LogCollectorPart struct {
	configured[logcollector.Config]
	Switch
	// File is --promtail.config.file; empty means promtail.yml in ConfigDir.
	File string

	options   logcollector.Options
	active    bool
	hostLog   string // the host's /var/log
	collector *logcollector.Collector
	at        *port
}

func (p *LogCollectorPart) name() string                   { return "logcollector" }
func (p *LogCollectorPart) on() bool                       { return p.active }
func (p *LogCollectorPart) ports() []*port                 { return []*port{p.at} }
func (p *LogCollectorPart) needs() []string                { return []string{"loki", "dockerhost"} }
func (p *LogCollectorPart) component() lifecycle.Component { return p.collector }

func (p *LogCollectorPart) flags(a *kingpin.Application) {
	p.register(a, "log-collector", "Collect logs of files and containers, as Promtail does.")
	a.Flag("promtail.config.file", "promtail.yml, if it is not in --config.dir.").PlaceHolder("<path>").StringVar(&p.File)
}

func (p *LogCollectorPart) complete(o *Options) {
	p.active = p.On && (o.Loki.On || p.Asked)
	p.hostLog = o.host.Log
	p.options = logcollector.Options{Logger: o.Logger.With("part", p.name()), Dir: datadir.In(o.StoragePath, datadir.LogCollector)}
	if o.Docker.Enabled {
		p.options.DockerHost = o.Docker.endpoint()
	}
	p.at = newPort("promtail", "9080", p.portRoutes, "promtail:9080")
	p.at.insideOnly = true // its port serves only metrics, which nothing outside needs
}

// ownAddresses returns the addresses that refer to the Loki of this process in files written for separate programs or for
// Ausguck.
func ownAddresses(o *Options) []string {
	if !o.Loki.On {
		return nil
	}
	own := append(o.Loki.at.addresses(), o.Web.ListenAddress)
	if o.Web.WellKnownPorts != portsOff {
		own = append(own, "localhost:3100", "127.0.0.1:3100", "[::1]:3100")
	}
	return own
}

// portRoutes returns the routes of Promtail's port.
func (p *LogCollectorPart) portRoutes(a *App) []route {
	return exporterRoutes("Promtail", promhttp.HandlerFor(only{a.gatherer, []string{"promtail_", "ausguck_logcollector_"}}, promhttp.HandlerOpts{}))
}

// only gathers the metrics whose names begin with one of the prefixes.
type only struct {
	prometheus.Gatherer
	prefixes []string
}

func (o only) Gather() ([]*dto.MetricFamily, error) {
	all, err := o.Gatherer.Gather()
	return slices.DeleteFunc(all, func(f *dto.MetricFamily) bool {
		return !slices.ContainsFunc(o.prefixes, func(prefix string) bool { return strings.HasPrefix(f.GetName(), prefix) })
	}), err
}

func (p *LogCollectorPart) load(l *loading) {
	p.options.OwnAddresses = ownAddresses(l.o)
	p.next = load(l, p.name(), l.expanded(l.file("promtail.yml", p.File)), func(d document) (*logcollector.Config, []error) {
		if d.BuiltIn && p.hostLog != "" && p.hostLog != "/var/log" { // the host's log files at their mount point
			d.Content = bytes.ReplaceAll(d.Content, []byte("/var/log/"), []byte(p.hostLog+"/"))
		}
		return logcollector.LoadConfig(p.options, logcollector.Source{Name: d.Name, Dir: d.Dir, Content: d.Content, BuiltIn: d.BuiltIn})
	}, func(c *logcollector.Config) (beside, warnings []string) { return nil, c.Warnings })
	p.warnOfTenant(l)
}

func (p *LogCollectorPart) build(a *App) error {
	p.options.Registerer = a.registry
	p.options.SetAside = a.setAside
	if store := a.options.Loki.server; store != nil { // an interface that holds a nil pointer would not be nil
		p.options.Store = store
	}
	p.collector = logcollector.New(p.options, p.next)
	p.runs = p.collector
	return nil
}

// containerLogsView describes whether a container's log lines are collected, and if not, the reason and the remedy.
type containerLogsView struct {
	Collected bool   `json:"collected"`
	Reason    string `json:"reason,omitempty"`
	Remedy    string `json:"remedy,omitempty"`
}

// explainLogs fills in whether the log lines of each container are collected.
func (p *LogCollectorPart) explainLogs(views []containerView, containers []dockerhost.Container) {
	if p.collector == nil {
		logsOf(views, containers, nil, logcollector.ContainerLogs{
			Reason: "No logs are collected, because the log collector is disabled.", Remedy: "Start without --no-log-collector and --no-loki.",
		})
		return
	}
	known, otherwise := p.collector.ContainerLogs()
	logsOf(views, containers, known, otherwise)
}

func logsOf(views []containerView, containers []dockerhost.Container, known map[string]logcollector.ContainerLogs, otherwise logcollector.ContainerLogs) {
	byName := make(map[string]logcollector.ContainerLogs, len(containers))
	for _, c := range containers {
		logs, ok := known[c.ID]
		if !ok {
			logs = otherwise
		}
		byName[c.Name] = logs
	}
	for i := range views {
		views[i].Logs = containerLogsView(byName[views[i].Name])
	}
}

// tenant returns the tenant that collected lines are stored for.
func (p *LogCollectorPart) tenant() string {
	if p.collector == nil {
		return logcollector.DefaultTenant
	}
	tenant, _ := p.collector.Applied().Tenant(p.options.OwnAddresses)
	return tenant
}

// warnOfTenant warns which tenant lines are stored for if promtail.yml names no tenant although loki.yml requires one.
func (p *LogCollectorPart) warnOfTenant(l *loading) {
	store := l.o.Loki.next
	if store == nil || p.next == nil || !store.AuthEnabled {
		return
	}
	if _, named := p.next.Tenant(p.options.OwnAddresses); !named {
		l.warn(p.name(), []string{fmt.Sprintf("%s: auth_enabled is true, and clients of %s has no tenant_id: lines without a tenant from a tenant stage are stored for the tenant %s",
			store.Source, p.next.Source, logcollector.DefaultTenant)})
	}
}
