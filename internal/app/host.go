package app

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/hostmount"
)

// nodeExporterArgs adds to node_exporter's flags where the host is, when this is a container. What was asked for stays,
// but for the network: a container's own is not the host's, wherever /proc is mounted.
func (o Options) nodeExporterArgs() ([]string, error) {
	args, host := o.NodeExporterArgs, o.host
	if !host.Container {
		return args, nil
	}
	set := func(flag, value string) {
		if value != "" && !given(args, flag) {
			args = append(slices.Clip(args), "--"+flag+"="+value)
		}
	}
	if procs := valueOfFlag(args, "path.procfs"); host.ForeignNetwork && (procs == "" || procs == host.Proc) && !given(args, "collector.processes") {
		view, err := hostmount.View(host.Proc, filepath.Join(o.StoragePath, "procfs"))
		if err != nil {
			return nil, err
		}
		args = append(without(args, "path.procfs"), "--path.procfs="+view)
		for _, collector := range []string{"netdev", "arp", "netclass"} { // by netlink they would ask for this container's
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

// given says whether a flag is among the arguments, in any of its forms.
func given(args []string, flag string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		return strings.TrimPrefix(name, "no-") == flag
	})
}

// valueOfFlag returns what the last --flag=value or --flag value says.
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

// without leaves a flag with a value out of the arguments.
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

// hostLogs makes the built-in promtail.yml read the host's log files where they are mounted.
func (o Options) hostLogs(promtail []byte) []byte {
	if dir := o.host.Log; dir != "" && dir != "/var/log" {
		return []byte(strings.ReplaceAll(string(promtail), "/var/log/", dir+"/"))
	}
	return promtail
}

// warnOfMissingMounts says what of the host is not seen from this container, and the line that helps.
func (o Options) warnOfMissingMounts(log *slog.Logger) {
	for _, m := range o.host.Missing {
		flag, ofHost := pathFlags[m.Folder]
		if ofHost && (!o.NodeExporter.On || given(o.NodeExporterArgs, flag)) || !ofHost && !o.Logs.Collector.On {
			continue
		}
		log.Warn("A folder of the host is not mounted, so "+m.Without+"; add the volume to the compose file, or to docker run with --volume",
			"folder", m.Folder, "volume", m.Volume)
	}
}

// pathFlags are node_exporter's flags that name a folder of the host.
var pathFlags = map[string]string{"/": "path.rootfs", "/proc": "path.procfs", "/sys": "path.sysfs"}
