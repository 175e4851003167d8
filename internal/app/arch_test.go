package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/ausguck/ausguck"

// rule lists what one of our packages may import. Test files are exempt.
type rule struct {
	pkg string // relative to the module; a trailing "…/" covers everything below
	// ours lists which of our packages it may import, foreign the prefixes of other packages besides the standard library.
	ours, foreign []string
	why           string
}

// rules is the table of what packages may import. Flag and YAML libraries are allowed where a part owns its flags and files (ADR
// 0004).
var rules = []rule{
	{
		pkg: "cmd/ausguck", ours: []string{"internal/app", "internal/command", "internal/signals", "internal/versions"},
		foreign: []string{"github.com/alecthomas/kingpin/", "github.com/prometheus/common/promslog", "golang.org/x/crypto/x509roots/fallback"},
		why:     "main only turns flags into app.Options; what it does beyond that cannot be seen in internal/app",
	},
	{
		pkg: "internal/app", ours: []string{"internal/", "web", "monitoring", "docs", "deploy/compose"},
		foreign: []string{
			"github.com/alecthomas/", "github.com/prometheus/client_golang/", "github.com/prometheus/client_model/", "github.com/prometheus/common/",
			"github.com/KimMachineGun/automemlimit/", "github.com/coreos/go-systemd/",
		},
		why: "the composition root wires parts and knows no upstream itself",
	},
	{
		pkg: "internal/command", ours: []string{"internal/", "deploy/compose", "monitoring"}, foreign: []string{"github.com/alecthomas/units", "github.com/pmezard/go-difflib/", "go.yaml.in/yaml/", "golang.org/x/sys/unix"},
		why: "commands work on what internal/app knows and know no upstream themselves",
	},
	{pkg: "internal/stack", foreign: []string{"go.yaml.in/yaml/"}, why: "it reads compose files; what Ausguck understands it is told"},
	{pkg: "internal/signals", why: "it is initialised among the first, so it imports the standard library only"},
	{pkg: "internal/confpath", why: "it knows paths and nothing of the files"},
	{pkg: "internal/permission", why: "every part imports it, so it imports the standard library only"},
	{pkg: "internal/atomicfile", why: "every part imports it, so it imports the standard library only"},
	{pkg: "internal/datadir", ours: []string{"internal/permission", "internal/setaside"}, foreign: []string{"github.com/prometheus/client_golang/"}, why: "it knows the folder and nothing of what parts keep in it"},
	{pkg: "internal/expandenv", why: "it knows variables and no file"},
	{pkg: "internal/page", ours: []string{"web"}, why: "it serves files and knows nothing of what they show"},
	{pkg: "internal/versions", foreign: []string{"github.com/prometheus/common/version"}, why: "everybody may ask it, so it knows nobody"},
	{pkg: "internal/updates", foreign: []string{"github.com/prometheus/client_golang/", "golang.org/x/mod/semver"}, why: "it is told its own version and URL, and knows nothing of the installation that it could send"},
	{pkg: "internal/rdap", foreign: []string{"golang.org/x/net/idna", "golang.org/x/net/publicsuffix"}, why: "it is told a domain, and knows nothing of the installation that it could send"},
	{pkg: "internal/metrics", foreign: []string{"github.com/prometheus/client_golang/prometheus", "github.com/prometheus/client_model/go"}, why: "every part may import it, so it knows no metric"},
	{
		pkg: "internal/component/promserver", ours: []string{"internal/datadir", "internal/confpath", "internal/permission", "internal/versions", "internal/metrics", "internal/setaside", "internal/upstreamlog", "internal/lifecycle", "internal/redact", "internal/bounds", "internal/inproc", "internal/problem"},
		foreign: []string{"github.com/prometheus/prometheus/", "github.com/prometheus/client_golang/", "github.com/prometheus/common/", "github.com/alecthomas/kingpin/", "github.com/alecthomas/units", "github.com/grafana/regexp", "github.com/oklog/ulid/", "go.yaml.in/yaml/"},
		why:     "only promserver knows Prometheus, and it knows no sibling",
	},
	{
		pkg: "internal/component/alertmanager", ours: []string{"internal/atomicfile", "internal/confpath", "internal/permission", "internal/metrics", "internal/setaside", "internal/upstreamlog", "internal/lifecycle", "internal/bounds", "internal/redact", "internal/problem", "internal/database"},
		foreign: []string{"github.com/prometheus/alertmanager/", "github.com/prometheus/client_golang/", "github.com/prometheus/common/", "github.com/alecthomas/kingpin/", "github.com/hashicorp/go-sockaddr", "go.yaml.in/yaml/"},
		why:     "only alertmanager knows Alertmanager, and it knows no sibling",
	},
	{
		pkg: "internal/component/loki", ours: []string{"internal/datadir", "internal/confpath", "internal/atomicfile", "internal/versions", "internal/setaside", "internal/upstreamlog", "internal/lifecycle", "internal/bounds", "internal/inproc", "internal/logbridge", "internal/problem"},
		foreign: []string{"github.com/grafana/loki/", "github.com/grafana/dskit/", "github.com/prometheus/prometheus/", "github.com/prometheus/client_golang/", "github.com/prometheus/client_model/", "github.com/prometheus/common/", "github.com/go-kit/log", "google.golang.org/grpc", "go.yaml.in/yaml/", "gopkg.in/yaml.v2", "github.com/alecthomas/kingpin/", "github.com/alecthomas/units", "go.etcd.io/bbolt"},
		why:     "only loki knows Loki, and it knows no sibling",
	},
	{
		pkg: "internal/component/otlp", ours: []string{"internal/inproc"},
		foreign: []string{"go.opentelemetry.io/collector/pdata/", "google.golang.org/grpc", "google.golang.org/genproto/googleapis/rpc/", "google.golang.org/protobuf/", "github.com/prometheus/client_golang/"},
		why:     "it hands on to handlers, and knows none of the parts behind them",
	},
	{
		pkg: "internal/component/logcollector", ours: []string{"internal/atomicfile", "internal/confpath", "internal/lifecycle", "internal/setaside", "internal/inproc", "internal/logbridge", "internal/dockerhost", "internal/problem"},
		foreign: []string{"github.com/grafana/loki/", "github.com/grafana/dskit/", "github.com/prometheus/prometheus/", "github.com/prometheus/client_golang/", "github.com/prometheus/common/", "github.com/go-kit/log", "gopkg.in/yaml.v2", "github.com/moby/moby/", "github.com/containerd/errdefs", "github.com/fsnotify/fsnotify", "github.com/bmatcuk/doublestar/", "golang.org/x/sys/unix", "golang.org/x/text/"},
		why:     "only logcollector knows Promtail, and it knows no sibling",
	},
	{
		pkg: "internal/component/heartbeats", ours: []string{"internal/bounds", "internal/database", "internal/inproc", "internal/lifecycle", "internal/problem"},
		foreign: []string{"github.com/prometheus/client_golang/", "github.com/prometheus/common/", "go.yaml.in/yaml/", "golang.org/x/time/rate"},
		why:     "it takes pings, and hands log lines to a handler without knowing the part behind it",
	},
	{
		pkg: "internal/component/nodeexporter", ours: []string{"internal/versions", "internal/upstreamlog", "internal/lifecycle"},
		foreign: []string{"github.com/prometheus/node_exporter/", "github.com/prometheus/client_model/", "github.com/prometheus/client_golang/", "github.com/alecthomas/kingpin/"},
		why:     "only nodeexporter knows node_exporter, and it knows no sibling",
	},
	{
		pkg: "internal/component/statuspage", ours: []string{"internal/component/statuspage/subscribers", "internal/database", "internal/inproc", "internal/lifecycle", "internal/problem", "internal/upstreamlog"},
		foreign: []string{"go.yaml.in/yaml/"},
		why:     "what is public must be seen here alone: it asks handlers by standard HTTP APIs, and knows no engine",
	},
	{
		pkg: "internal/component/statuspage/subscribers", ours: []string{"internal/bounds", "internal/database", "internal/upstreamlog"},
		foreign: []string{"golang.org/x/time/rate"},
		why:     "personal data is kept in one room, which knows no page and no mail server",
	},
	{
		pkg: "internal/component/prober", ours: []string{"internal/confpath", "internal/database", "internal/problem", "internal/rdap", "internal/redact", "internal/upstreamlog"},
		foreign: []string{"github.com/prometheus/blackbox_exporter/", "github.com/prometheus/client_golang/", "github.com/prometheus/client_model/", "github.com/prometheus/common/", "go.yaml.in/yaml/"},
		why:     "only prober knows blackbox_exporter, and it knows no sibling",
	},
	{
		pkg: "internal/component/cadvisor", ours: []string{"internal/lifecycle", "internal/dockerhost"},
		foreign: []string{"github.com/google/cadvisor/", "github.com/opencontainers/cgroups", "github.com/prometheus/client_golang/", "github.com/prometheus/client_model/", "k8s.io/utils/clock"},
		why:     "only cadvisor knows cAdvisor, and it knows no sibling",
	},
	{
		pkg: "internal/component/dashboards", ours: []string{"internal/lifecycle", "internal/setaside", "internal/database", "internal/grafana", "internal/component/dashboards/"},
		foreign: []string{"github.com/prometheus/client_golang/"},
		why:     "dashboards wires its rooms; it knows no engine, no sibling and no users: it is told who asks",
	},
	{
		pkg: "internal/component/dashboards/people", ours: []string{"internal/grafana", "internal/component/dashboards/library"},
		why: "what callers have hangs on dashboards and on no data source",
	},
	{
		pkg: "internal/component/dashboards/provision", foreign: []string{"go.yaml.in/yaml/"},
		why: "it reads files and knows nothing of what they say",
	},
	{
		pkg: "internal/component/dashboards/library", ours: []string{"internal/atomicfile", "internal/setaside", "internal/grafana", "internal/component/dashboards/dashjson", "internal/component/dashboards/provision"},
		foreign: []string{"github.com/prometheus/client_golang/", "github.com/fsnotify/fsnotify", "github.com/pmezard/go-difflib/", "go.yaml.in/yaml/"},
		why:     "dashboards know no data source: they are told which is the default of a type",
	},
	{
		pkg: "internal/component/dashboards/source", ours: []string{"internal/atomicfile", "internal/setaside", "internal/inproc", "internal/database", "internal/grafana", "internal/component/dashboards/dashjson", "internal/component/dashboards/dsquery", "internal/component/dashboards/expr", "internal/component/dashboards/provision"},
		foreign: []string{"github.com/prometheus/client_golang/", "go.yaml.in/yaml/"},
		why:     "data sources know no dashboard, but for the inputs of exported ones",
	},
	{
		pkg: "internal/component/dashboards/dashtest", ours: []string{"internal/component/dashboards", "internal/database", "internal/grafana", "internal/setaside"},
		foreign: []string{"github.com/prometheus/client_golang/", "github.com/stretchr/testify/"},
		why:     "it runs the whole server for the tests of its rooms",
	},
	{
		pkg: "internal/component/dashboards/", ours: []string{"internal/component/dashboards/", "internal/bounds"},
		foreign: []string{"github.com/prometheus/common/", "go.yaml.in/yaml/", "modernc.org/sqlite"}, // sqlite runs SQL expressions
		why:     "shapes of dashboards and of data, without a server",
	},
	{
		pkg: "internal/auth", ours: []string{"internal/atomicfile", "internal/database", "internal/grafana", "internal/auth/oidc"},
		foreign: []string{"github.com/prometheus/client_golang/", "golang.org/x/crypto/", "golang.org/x/text/", "modernc.org/sqlite"},
		why:     "who may do what does not depend on what there is to do",
	},
	{
		pkg: "internal/grafana", ours: []string{"internal/database"}, // to distinguish a full disk from other failures
		why: "the form of an API knows nothing of what answers by it",
	},
	{pkg: "internal/edge", why: "what every request passes knows nothing of what answers it"},
	{
		pkg: "internal/auth/oidc", foreign: []string{"github.com/coreos/go-oidc/", "golang.org/x/oauth2", "github.com/jmespath/go-jmespath"},
		why: "it knows sign-in providers and neither users nor sessions",
	},
	{
		pkg: "internal/database", ours: []string{"internal/permission", "internal/setaside"}, foreign: []string{"modernc.org/sqlite"},
		why: "it knows SQLite and nothing of the rows",
	},
	{
		pkg: "internal/httpserver", ours: []string{"internal/upstreamlog"},
		foreign: []string{"github.com/prometheus/exporter-toolkit/", "github.com/prometheus/client_golang/", "github.com/prometheus/common/", "golang.org/x/", "go.yaml.in/yaml/"},
		why:     "listeners know nothing of what they serve",
	},
	{
		pkg:     "internal/dockerhost",
		foreign: []string{"github.com/moby/moby/", "github.com/containerd/errdefs", "github.com/prometheus/client_golang/"},
		why:     "the one Docker client knows nothing of those who ask it",
	},
	{
		pkg: "internal/migrate", ours: []string{"internal/backup"}, foreign: []string{"modernc.org/sqlite"},
		why: "it knows what the separate programs store and nothing of the parts that take it",
	},
	{
		pkg: "internal/bounds", foreign: []string{"github.com/klauspost/compress/", "github.com/pierrec/lz4/", "golang.org/x/time/rate"},
		why: "it looks at bytes before any part does, so it knows no part and decodes nothing but what is packed",
	},
	{pkg: "internal/bounds/boundstest", why: "tests of all levels send what it makes"},
	{pkg: "internal/redact", foreign: []string{"go.yaml.in/yaml/"}, why: "it knows YAML and no format"},
	{pkg: "internal/backup", ours: []string{"internal/datadir"}, why: "it knows files and nothing of what is in them"},
	{pkg: "internal/programpages", foreign: []string{"golang.org/x/sys/unix"}, why: "it knows the kernel and nothing of the program"},
	{pkg: "internal/hostmount", why: "it knows how folders are mounted and nothing of who reads them"},
	{pkg: "internal/yamledit", foreign: []string{"go.yaml.in/yaml/"}, why: "it knows YAML and no format"},
	{
		pkg: "internal/problem", foreign: []string{"go.yaml.in/yaml/"},
		why: "every part imports it; it knows YAML and no format",
	},
	{
		pkg: "internal/docpages", foreign: []string{"github.com/yuin/goldmark"},
		why: "it knows Markdown and nothing of what it says",
	},
	{
		pkg: "internal/setaside", foreign: []string{"github.com/prometheus/client_golang/"},
		why: "every part imports it; it knows files and nothing of what is in them",
	},
	{pkg: "internal/lifecycle", why: "every part imports it, so it imports the standard library only"},
	{pkg: "internal/inproc", why: "every part imports it, so it imports the standard library only"},
	{pkg: "internal/upstreamlog", why: "every part imports it, so it imports the standard library only"},
	{pkg: "internal/logbridge", ours: []string{"internal/upstreamlog"}, foreign: []string{"k8s.io/klog/", "github.com/go-kit/log"}, why: "it knows logging libraries only"},
	{pkg: "web", why: "it holds files and no logic"},
	{pkg: "monitoring", why: "it holds files and no logic"},
	{pkg: "deploy/compose", why: "it holds files and no logic"},
	{pkg: "docs", why: "it holds files and no logic"},
}

// programs are the engines, by module. behind lists the engines that each part depends on, also indirectly: Loki's ruler uses
// Prometheus's packages, and both use Alertmanager's API.
var (
	programs = []string{
		"github.com/prometheus/prometheus/", "github.com/prometheus/alertmanager/", "github.com/grafana/loki/",
		"github.com/prometheus/node_exporter/", "github.com/google/cadvisor/", "github.com/prometheus/blackbox_exporter/",
	}
	behind = map[string][]string{
		"promserver":   {"github.com/prometheus/prometheus/", "github.com/prometheus/alertmanager/api/v2/models"},
		"alertmanager": {"github.com/prometheus/alertmanager/"},
		"loki":         {"github.com/grafana/loki/", "github.com/prometheus/prometheus/", "github.com/prometheus/alertmanager/api/v2/models"},
		"logcollector": {"github.com/grafana/loki/", "github.com/prometheus/prometheus/", "github.com/prometheus/alertmanager/"},
		"nodeexporter": {"github.com/prometheus/node_exporter/"},
		"cadvisor":     {"github.com/google/cadvisor/"},
		"statuspage":   {},
		"prober":       {"github.com/prometheus/blackbox_exporter/"},
		"dashboards":   {},
		"otlp":         {},
		"heartbeats":   {},
	}
)

// A part can be removed together with its engine: no other part depends on that engine by accident.
func TestEnginesBehindEachPart(t *testing.T) {
	for part, allowed := range behind {
		cmd := exec.Command("go", "list", "-deps", module+"/internal/component/"+part)
		cmd.Dir = "../.."
		out, err := cmd.Output()
		require.NoError(t, err)
		for dep := range strings.FieldsSeq(string(out)) {
			starts := func(prefix string) bool { return strings.HasPrefix(dep+"/", prefix) || dep == prefix }
			if slices.ContainsFunc(programs, starts) {
				require.True(t, slices.ContainsFunc(allowed, starts), "%s is built from %s", part, dep)
			}
			require.False(t, strings.HasPrefix(dep, module+"/internal/component/") && !strings.HasPrefix(dep+"/", module+"/internal/component/"+part+"/"), "%s is built from its sibling %s", part, dep)
		}
	}
}

// free are packages that do not belong to the program.
var free = []string{"bench", "test/", "tools/"}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsFollowTheDesign(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if slices.ContainsFunc(free, func(f string) bool { return strings.HasPrefix(name+"/", f) || strings.HasPrefix(name, f) }) {
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return r.covers(name) })
		require.NotEqual(t, -1, i, "%s has no rule: add it to the table in this file and in docs/architecture.md", name)
		for _, imported := range p.Imports {
			if !rules[i].allows(imported) {
				t.Errorf("%s must not import %s: %s", name, imported, rules[i].why)
			}
		}
	}
}

// covers reports whether the rule applies to the package.
func (r rule) covers(pkg string) bool {
	return r.pkg == pkg || strings.HasSuffix(r.pkg, "/") && strings.HasPrefix(pkg, r.pkg)
}

func (r rule) allows(imported string) bool {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		return slices.ContainsFunc(r.ours, func(o string) bool {
			return ours == o || strings.HasSuffix(o, "/") && strings.HasPrefix(ours, o)
		})
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	return slices.ContainsFunc(r.foreign, func(f string) bool { return strings.HasPrefix(imported+"/", f) || strings.HasPrefix(imported, f) })
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
	require.Greater(t, len(all), len(rules)-1, "go list found too little")
	return all
}

func TestRulesForbid(t *testing.T) {
	promserver := rules[slices.IndexFunc(rules, func(r rule) bool { return r.pkg == "internal/component/promserver" })]
	require.True(t, promserver.allows("net/http"))
	require.True(t, promserver.allows("github.com/prometheus/prometheus/tsdb"))
	require.True(t, promserver.allows(module+"/internal/inproc"))
	require.False(t, promserver.allows(module+"/internal/component/cadvisor"), "a sibling")
	require.False(t, promserver.allows("github.com/google/cadvisor/lib/manager"), "another's upstream")
	require.False(t, promserver.allows("github.com/prometheus/alertmanager/silence"), "another's upstream of the same house")
	lifecycle := rules[slices.IndexFunc(rules, func(r rule) bool { return r.pkg == "internal/lifecycle" })]
	require.False(t, lifecycle.allows("github.com/prometheus/client_golang/prometheus"))
}
