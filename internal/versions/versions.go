// Package versions knows the version of this program and those of the programs in it.
//
// It reads the build information only. Test binaries have none, so there every embedded version is "unknown".
package versions

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/prometheus/common/version"
)

// Own returns the version of Ausguck, "devel" in a binary that was not built by the Makefile.
func Own() string {
	if version.Version == "" {
		return "devel"
	}
	return version.Version
}

// Revision returns the commit that Ausguck was built from, "unknown" when the build did not say.
func Revision() string { return version.GetRevision() }

// Embedded is an upstream and its version.
type Embedded struct{ Name, Version string }

// All returns what is embedded, in the order in which people name it.
func All() []Embedded {
	return []Embedded{
		{"Prometheus", Prometheus()},
		{"Alertmanager", Alertmanager()},
		{"Loki", Loki()},
		{"node_exporter", NodeExporter()},
		{"cAdvisor", module("github.com/google/cadvisor/lib")},
	}
}

// Prometheus returns the version of the embedded Prometheus, such as 3.13.5: the module of that release is 0.313.5.
func Prometheus() string { return release(module("github.com/prometheus/prometheus")) }

// Alertmanager returns the version of the embedded Alertmanager.
func Alertmanager() string { return module("github.com/prometheus/alertmanager") }

// Loki returns the version of the embedded Loki.
func Loki() string { return module("github.com/grafana/loki/v3") }

// NodeExporter returns the version of the embedded node_exporter.
func NodeExporter() string { return module("github.com/prometheus/node_exporter") }

// Text is what `ausguck version` prints.
func Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ausguck %s (revision %s, built with %s for %s)\n", Own(), Revision(), version.GoVersion, version.GoOS+"/"+version.GoArch)
	for _, u := range All() {
		fmt.Fprintf(&b, "  %-14s %s\n", u.Name, u.Version)
	}
	return b.String()
}

var modules = sync.OnceValue(func() map[string]string {
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			found[dep.Path] = strings.TrimPrefix(dep.Version, "v")
		}
	}
	return found
})

func module(path string) string {
	if v, ok := modules()[path]; ok {
		return v
	}
	return "unknown"
}

// release returns the name of the release that a version of Prometheus's module stands for.
func release(version string) string {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "0.%1d%02d.%d", &major, &minor, &patch); err != nil {
		return version
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, patch)
}
