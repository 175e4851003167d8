// Package app is the composition root: what cannot be seen here does not happen.
//
//	parts.go    the list of parts, and the interface of a part
//	options.go  options that apply to all parts
//	app.go      start and stop
//	wire.go     what the parts share, and how they get it
//	config.go   reading of files; lastgood.go, the fallback for a file that does not load
//	reload.go   reloading
//	routes.go   every URL that does not belong to a part, and the role that it requires
//	access.go   the checks that a request passes on its way there; nodocker.go, addresses forbidden to data sources
//	status.go   the state shown to users
//
// Every other file is one part, and has everything about it: its flags, files and URLs, and how it is created.
//
// Only this package knows two parts at once; internal/command, which has the program's other commands, uses its Options.
package app

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/hostmount"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Options are all options of a start. RegisterFlags and Complete fill in the defaults.
type Options struct {
	Logger *slog.Logger
	// Stdout receives the banner.
	Stdout io.Writer
	// Flags are shown at /api/v1/status/flags.
	Flags map[string]string

	ConfigDir          string
	AutoReload         bool
	AutoReloadInterval model.Duration
	StoragePath        string

	Web    WebOptions
	Memory MemoryOptions
	Parts

	ofGrafana []string                                                     // warnings about Grafana's variables
	external  *url.URL                                                     // the URL at which clients reach the main address
	host      hostmount.Mounts                                             // the host's folders, if this is a container
	wrap      func(part string, c lifecycle.Component) lifecycle.Component // wraps the parts in tests
}

// WebOptions configure the HTTP server.
type WebOptions struct {
	ListenAddress string
	RoutePrefix   string
	// WellKnownPorts is "true", "false" or "authenticated".
	WellKnownPorts string
	ConfigFile     string
	AllowAnonymous bool
	ReadTimeout    model.Duration
	MaxConnections int
	AccessLog      bool
	// TrustedProxies, AllowedHosts, ImageHosts and ServiceNames are comma-separated lists.
	TrustedProxies, AllowedHosts, ImageHosts, ServiceNames string

	listenAsked bool // a flag sets ListenAddress
}

// Values of WellKnownPorts besides "true".
const (
	portsOff = "false"
	portsAsk = "authenticated"
)

// MemoryOptions limit the memory of the Go runtime.
type MemoryOptions struct {
	AutoLimit bool
	Ratio     float64
}

// DefaultListenAddress is the default of the main address.
const DefaultListenAddress = "127.0.0.1:3000"

// DefaultConfigDir is used if it exists.
const DefaultConfigDir = "monitoring"

// RegisterFlags adds all flags except node_exporter's, which have their own parser, and the logger's.
func (o *Options) RegisterFlags(a *kingpin.Application) {
	a.Flag("config.dir", "Folder with prometheus.yml, its rule files, alertmanager.yml and web.yml; missing files are replaced by the built-in ones. Default: ./monitoring if it exists.").
		PlaceHolder("<path>").Envar("AUSGUCK_CONFIG_DIR").StringVar(&o.ConfigDir)
	a.Flag("config.auto-reload", "Reload the configuration when one of its files changes.").BoolVar(&o.AutoReload)
	a.Flag("config.auto-reload-interval", "How often to check for changed files.").Default("30s").SetValue(&o.AutoReloadInterval)
	a.Flag("storage.path", "Folder for all data.").Default("data").Envar("AUSGUCK_STORAGE_PATH").StringVar(&o.StoragePath)
	o.Web.register(a)
	o.Memory.register(a)
	for _, p := range o.all() {
		p.flags(a)
	}
}

func (w *WebOptions) register(a *kingpin.Application) {
	a.Flag("web.listen-address", "Main address to listen on.").Default(DefaultListenAddress).Envar("AUSGUCK_LISTEN_ADDRESS").IsSetByUser(&w.listenAsked).StringVar(&w.ListenAddress)
	a.Flag("web.well-known-ports", "Also listen on the ports of the separate programs (9090, 9093, 3100, 9100, 8080, 9115) and of OTLP (4318, 4317), on the host of the main address. On loopback they require no credentials, unless set to \"authenticated\".").
		Default("true").EnumVar(&w.WellKnownPorts, "true", portsOff, portsAsk)
	a.Flag("no-web.well-known-ports", "Same as --web.well-known-ports=false.").Hidden().Action(func(*kingpin.ParseContext) error {
		w.WellKnownPorts = portsOff
		return nil
	}).Bool()
	a.Flag("web.trusted-proxies", "Addresses and networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted, comma-separated. Default: none.").
		PlaceHolder("<networks>").StringVar(&w.TrustedProxies)
	a.Flag("web.allowed-hosts", "Additional host names accepted by ports that require no credentials, comma-separated; *.example.org matches all subdomains.").
		PlaceHolder("<names>").StringVar(&w.AllowedHosts)
	a.Flag("web.service-names", "Additional names of the embedded programs in configuration files and data sources, comma-separated, such as prom=prometheus,logs:3100=loki. `ausguck compose --from` writes them. Default: the usual ones, such as prometheus:9090 and node_exporter:9100.").
		PlaceHolder("<names>").StringVar(&w.ServiceNames)
	a.Flag("web.image-hosts", "Sites from which text panels may load images, comma-separated, such as https://img.example.org. Default: none, because an external image tells its site who views the dashboard.").
		PlaceHolder("<origins>").StringVar(&w.ImageHosts)
	a.Flag("web.config.file", "web.yml with TLS settings and users, who are admins. Default: web.yml in --config.dir if it exists.").PlaceHolder("<path>").StringVar(&w.ConfigFile)
	a.Flag("web.allow-anonymous", "Require no credentials on well-known ports that other machines can reach. The main address always requires them.").BoolVar(&w.AllowAnonymous)
	a.Flag("web.route-prefix", "Path prefix of all routes. Default: the path of --web.external-url.").PlaceHolder("<path>").StringVar(&w.RoutePrefix)
	a.Flag("web.read-timeout", "Maximum duration for reading a request.").Default("5m").SetValue(&w.ReadTimeout)
	a.Flag("web.max-connections", "Maximum number of connections over all listeners. When it is reached, a new connection replaces one whose client keeps the server waiting.").Default("512").IntVar(&w.MaxConnections)
	a.Flag("web.access-log", "Log every request at debug level.").BoolVar(&w.AccessLog)
}

func (m *MemoryOptions) register(a *kingpin.Application) {
	a.Flag("auto-gomemlimit", "Set GOMEMLIMIT from the memory limit of the container or system.").Default("true").BoolVar(&m.AutoLimit)
	a.Flag("auto-gomemlimit.ratio", "Fraction of the memory limit to use as GOMEMLIMIT.").Default("0.9").FloatVar(&m.Ratio)
	a.Flag("auto-gomaxprocs", "Accepted for compatibility; the Go runtime respects the CPU quota.").Hidden().Default("true").Bool()
}

// Complete fills in options that depend on other options or on the machine. It returns an error for an invalid flag.
func (o *Options) Complete() (err error) {
	if o.ConfigDir == "" {
		if info, err := os.Stat(DefaultConfigDir); err == nil && info.IsDir() {
			o.ConfigDir = DefaultConfigDir
		}
	}
	o.readGrafana(grafanaEnv{os.LookupEnv})
	if o.external, err = promserver.ParseExternalURL(o.Prometheus.ExternalURL, o.Web.ListenAddress); err != nil {
		return err
	}
	o.host = hostmount.Find("/")
	for _, p := range o.all() {
		p.complete(o)
	}
	return o.nameServices()
}

// nameServices adds the names of --web.service-names to the ports.
func (o *Options) nameServices() error {
	known := map[string]*port{}
	for _, p := range o.all() {
		for _, at := range p.ports() {
			if at != nil && len(at.hosts) > 0 {
				known[at.name] = at
			}
		}
	}
	known["grafana"] = known["prometheus"] // its port serves everything that a data source may query
	for _, item := range splitList(o.Web.ServiceNames) {
		name, program, _ := strings.Cut(item, "=")
		at := known[program]
		if name == "" || at == nil {
			return fmt.Errorf("--web.service-names: %q: write NAME=PROGRAM or NAME:PORT=PROGRAM, where PROGRAM is one of %s", item, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if number := at.number; !strings.Contains(name, ":") {
			if program == "grafana" {
				number = "3000"
			}
			name += ":" + number
		}
		at.others = append(at.others, name)
	}
	return nil
}
