package nodeexporter

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/node_exporter/collector"

	"github.com/ausguck/ausguck/internal/versions"
)

// FlagInfo describes one of node_exporter's flags.
type FlagInfo struct {
	Name    string // without the dashes
	Help    string
	Default string
	Bool    bool // takes no value, and has a --no- form
	Hidden  bool
}

// disableDefaults declares the only flag of node_exporter's collectors that is declared by its main and not
// by the collector package, so that it exists when kingpin.CommandLine is parsed or described.
var disableDefaults = sync.OnceValue(func() *bool {
	return kingpin.CommandLine.Flag("collector.disable-defaults", "Set all collectors to disabled by default.").Default("false").Bool()
})

// Flags returns node_exporter's flags, --collector.* and --path.*, in the order of their declaration.
func Flags() []FlagInfo {
	disableDefaults()
	var infos []FlagInfo
	for _, f := range kingpin.CommandLine.Model().Flags {
		if !ownedName(f.Name) {
			continue
		}
		infos = append(infos, FlagInfo{
			Name:    f.Name,
			Help:    f.Help,
			Default: strings.Join(f.Default, ","),
			Bool:    f.IsBoolFlag(),
			Hidden:  f.Hidden,
		})
	}
	return infos
}

// Owns reports whether a command line argument looks like a flag of node_exporter: --collector.*,
// --no-collector.*, --path.* or --no-path.*, with or without a value. The flag need not exist.
func Owns(arg string) bool {
	name, ok := strings.CutPrefix(arg, "--")
	if !ok {
		return false
	}
	return ownedName(strings.TrimPrefix(name, "no-"))
}

func ownedName(name string) bool {
	return strings.HasPrefix(name, "collector.") || strings.HasPrefix(name, "path.")
}

// Split removes node_exporter's flags from a command line, including values that are separate arguments.
// Arguments after "--" are left unchanged.
func Split(args []string) (ours, rest []string) {
	valued := make(map[string]bool)
	for _, f := range Flags() {
		valued["--"+f.Name] = !f.Bool
	}
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--":
			return ours, append(rest, args[i:]...)
		case !Owns(args[i]):
			rest = append(rest, args[i])
		case valued[args[i]] && i+1 < len(args):
			ours = append(ours, args[i], args[i+1])
			i++
		default:
			ours = append(ours, args[i])
		}
	}
	return ours, rest
}

var (
	claimMtx sync.Mutex
	claimed  []string // the parsed arguments, nil before
)

// claimGlobals parses args into the variables behind kingpin.CommandLine, which the collectors read when they
// are created and when they are scraped. They cannot be parsed again: collectors are cached.
func claimGlobals(args []string) error {
	claimMtx.Lock()
	defer claimMtx.Unlock()
	if claimed != nil {
		if !slices.Equal(claimed, args) {
			return fmt.Errorf("node_exporter flags were already set to %q and cannot be changed to %q in the same process", claimed, args)
		}
		return nil
	}
	disabled := disableDefaults()
	if _, foreign := Split(args); len(foreign) > 0 {
		return fmt.Errorf("parse node_exporter flags: %q is not one of --collector.*, --no-collector.* and --path.*", foreign[0])
	}
	// Parsed without effect first: Parse sets variables before it detects an error.
	if _, err := kingpin.CommandLine.ParseContext(args); err != nil {
		return fmt.Errorf("parse node_exporter flags: %w", err)
	}
	if _, err := kingpin.CommandLine.Parse(args); err != nil {
		return fmt.Errorf("parse node_exporter flags: %w", err)
	}
	if *disabled {
		collector.DisableDefaultCollectors()
	}
	claimed = append([]string{}, args...)
	return nil
}

// buildInfo is node_exporter_build_info with the version of the embedded module; upstream's own would show
// the version of this program.
func buildInfo() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "node_exporter_build_info",
		Help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter was built, and the goos and goarch for the build.",
		ConstLabels: prometheus.Labels{
			"version": versions.NodeExporter(), "revision": "", "branch": "", "tags": "",
			"goversion": runtime.Version(), "goos": runtime.GOOS, "goarch": runtime.GOARCH,
		},
	}, func() float64 { return 1 })
}
