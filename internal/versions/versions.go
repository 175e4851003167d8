// Package versions returns the version of this program and of the embedded programs.
//
// It only reads the build information. Test binaries have none, so all embedded versions are "unknown" there.
package versions

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/prometheus/common/version"
)

// Own returns the version of Ausguck, or "devel" in a binary that was not built by the Makefile.
func Own() string {
	if version.Version == "" {
		return "devel"
	}
	return version.Version
}

// Revision returns the commit that Ausguck was built from, or "unknown" if the build did not record it.
func Revision() string { return version.GetRevision() }

// Embedded is an upstream and its version.
type Embedded struct{ Name, Version string }

// All returns the embedded programs, in the usual order.
func All() []Embedded {
	return []Embedded{
		{"Prometheus", Prometheus()},
		{"Alertmanager", Alertmanager()},
		{"Loki", Loki()},
		{"node_exporter", NodeExporter()},
		{"cAdvisor", module("github.com/google/cadvisor/lib")},
		{"blackbox_exporter", module("github.com/prometheus/blackbox_exporter")},
	}
}

// Prometheus returns the version of the embedded Prometheus, such as 3.13.5: the module version of that release is 0.313.5.
func Prometheus() string { return release(module("github.com/prometheus/prometheus")) }

// Alertmanager returns the version of the embedded Alertmanager.
func Alertmanager() string { return module("github.com/prometheus/alertmanager") }

// Loki returns the version of the embedded Loki.
func Loki() string { return module("github.com/grafana/loki/v3") }

// NodeExporter returns the version of the embedded node_exporter.
func NodeExporter() string { return module("github.com/prometheus/node_exporter") }

// Text returns the output of `ausguck version`.
func Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ausguck %s (revision %s, built with %s for %s)\n", Own(), Revision(), version.GoVersion, version.GoOS+"/"+version.GoArch)
	for _, u := range All() {
		fmt.Fprintf(&b, "  %-17s %s\n", u.Name, u.Version)
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

// release returns the release that corresponds to a version of Prometheus's module.
func release(version string) string {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "0.%1d%02d.%d", &major, &minor, &patch); err != nil {
		return version
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, patch)
}
