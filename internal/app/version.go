package app

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"

	"github.com/ausguck/ausguck/internal/component/promserver"
)

// Version returns the version of Ausguck, "devel" in a binary that was not built by the Makefile.
func Version() string {
	if version.Version == "" {
		return "devel"
	}
	return version.Version
}

// Embedded is an upstream and its version.
type Embedded struct{ Name, Version string }

// Upstreams returns what is embedded, in the order in which people name it.
func Upstreams() []Embedded {
	return []Embedded{
		{"Prometheus", promserver.Version()},
		{"Alertmanager", alertmanagerVersion()},
		{"Loki", moduleVersion("github.com/grafana/loki/v3")},
		{"node_exporter", moduleVersion("github.com/prometheus/node_exporter")},
		{"cAdvisor", moduleVersion("github.com/google/cadvisor/lib")},
	}
}

// VersionText is what `ausguck version` prints.
func VersionText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ausguck %s (revision %s, built with %s for %s)\n", Version(), version.GetRevision(), version.GoVersion, version.GoOS+"/"+version.GoArch)
	for _, u := range Upstreams() {
		fmt.Fprintf(&b, "  %-14s %s\n", u.Name, u.Version)
	}
	return b.String()
}

func alertmanagerVersion() string { return moduleVersion("github.com/prometheus/alertmanager") }

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == path {
			return strings.TrimPrefix(dep.Version, "v")
		}
	}
	return "unknown"
}
