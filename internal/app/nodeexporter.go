package app

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/component/nodeexporter"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/hostmount"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// NodeExporterPart monitors the host, as node_exporter does.
type NodeExporterPart struct {
	noPart
	Switch
	// Args are node_exporter's own flags, see Options.TakeNodeExporterFlags.
	Args []string

	exporter *nodeexporter.Exporter // nil if it cannot work here
	at       *port
}

func (p *NodeExporterPart) name() string   { return "nodeexporter" }
func (p *NodeExporterPart) on() bool       { return p.On }
func (p *NodeExporterPart) ports() []*port { return []*port{p.at} }

func (p *NodeExporterPart) flags(a *kingpin.Application) {
	p.register(a, "node-exporter", "Watch this host, as node_exporter does.")
}

// TakeNodeExporterFlags stores the flags of node_exporter's collectors, which have their own parser, and returns the rest of the
// command line.
func (o *Options) TakeNodeExporterFlags(args []string) (rest []string) {
	o.NodeExporter.Args, rest = nodeexporter.Split(args)
	return rest
}

func (p *NodeExporterPart) complete(*Options) {
	p.at = newPort("node-exporter", "9100", func(*App) []route { return exporterRoutes("node_exporter", p.metrics()) }, "node-exporter:9100", "node_exporter:9100", "nodeexporter:9100")
}

func (p *NodeExporterPart) build(a *App) error {
	args, err := p.argsOn(a.options.host, a.options.StoragePath)
	if err != nil {
		return err
	}
	p.exporter, err = nodeexporter.New(nodeexporter.Options{
		Logger: a.options.Logger.With("part", p.name()), Args: args, Registerer: a.registry, Nodename: a.options.host.Name,
	})
	return a.skip(p.name(), p.Asked || len(p.Args) > 0, err)
}

func (p *NodeExporterPart) component() lifecycle.Component {
	if p.exporter == nil {
		return nil
	}
	return p.exporter
}

func (p *NodeExporterPart) routes(*App) []route {
	return []route{{"GET /metrics/node", viewer, p.metrics()}}
}

// metrics is served at /metrics/node and as /metrics on the port of node_exporter.
func (p *NodeExporterPart) metrics() http.Handler {
	if p.exporter == nil {
		return absent("the host is not watched: node_exporter is switched off or cannot work here")
	}
	return p.exporter.Handler()
}

// argsOn adds the host's mount points to node_exporter's flags when running in a container. Flags that the user has set are kept,
// except for the network: a container's network is not the host's, wherever /proc is mounted.
func (p *NodeExporterPart) argsOn(host hostmount.Mounts, storage string) ([]string, error) {
	args := p.Args
	if !host.Container {
		return args, nil
	}
	set := func(flag, value string) {
		if value != "" && !given(args, flag) {
			args = append(slices.Clip(args), "--"+flag+"="+value)
		}
	}
	if procs := valueOfFlag(args, "path.procfs"); host.ForeignNetwork && (procs == "" || procs == host.Proc) && !given(args, "collector.processes") {
		view, err := hostmount.View(host.Proc, datadir.In(storage, datadir.Procfs))
		if err != nil {
			return nil, err
		}
		args = append(without(args, "path.procfs"), "--path.procfs="+view)
		for _, collector := range []string{"netdev", "arp", "netclass"} { // through netlink they would read this container's network
			if name := "collector." + collector + ".netlink"; !given(args, name) {
				args = append(args, "--no-"+name)
			}
		}
	}
	set("path.procfs", host.Proc)
	set("path.sysfs", host.Sys)
	set("path.rootfs", host.Root)
	if host.Root != "" {
		set("path.udev.data", filepath.Join(host.Root, "run/udev/data"))
	}
	return args, nil
}

// given reports whether a flag is among the arguments, in any form.
func given(args []string, flag string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		return strings.TrimPrefix(name, "no-") == flag
	})
}

// valueOfFlag returns the value of the last --flag=value or --flag value.
func valueOfFlag(args []string, flag string) (value string) {
	for i, arg := range args {
		if v, ok := strings.CutPrefix(arg, "--"+flag+"="); ok {
			value = v
		} else if arg == "--"+flag && i+1 < len(args) {
			value = args[i+1]
		}
	}
	return value
}

// without removes a flag and its value from the arguments.
func without(args []string, flag string) (rest []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--"+flag:
			i++ // its value
		case !strings.HasPrefix(args[i], "--"+flag+"="):
			rest = append(rest, args[i])
		}
	}
	return rest
}

// warnOfMissingMounts warns about parts of the host that are not visible in this container, with the line that mounts them.
func (a *App) warnOfMissingMounts() {
	o := &a.options
	for _, m := range o.host.Missing {
		flag, ofHost := pathFlags[m.Folder]
		if ofHost && (!o.NodeExporter.On || given(o.NodeExporter.Args, flag)) || !ofHost && !o.LogCollector.On {
			continue
		}
		o.Logger.Warn("A folder of the host is not mounted, so "+m.Without+"; add the volume to the compose file, or to docker run with --volume",
			"folder", m.Folder, "volume", m.Volume)
	}
}

// pathFlags are node_exporter's flags that name a folder of the host.
var pathFlags = map[string]string{"/": "path.rootfs", "/proc": "path.procfs", "/sys": "path.sysfs"}

// HasNodeExporterFlag reports whether node_exporter's collectors have a flag; name has no dashes.
func HasNodeExporterFlag(name string) bool {
	return slices.ContainsFunc(nodeexporter.Flags(), func(f nodeexporter.FlagInfo) bool { return f.Name == name })
}
