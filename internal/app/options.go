// Package app is the composition root: what cannot be seen here does not happen.
//
//	options.go  what can be chosen, and the flags that choose it
//	config.go   which files are read, and how all their problems are found at once
//	wire.go     which parts there are and who gets whom
//	routes.go   every URL, and the role that it asks for
//	access.go   what a request passes on its way there; nodocker.go, where data sources may not lead
//	reload.go   what a reload does
//	app.go      start and stop
//	admin.go    the first user; oidc.go, the sign-in provider
//	host.go     what of the host is seen from a container
//	backup.go   in what order everything is copied; backupcli.go, migrate.go, compose.go are the commands
//
// Only this package knows two parts at once. cmd/ausguck is its only importer.
package app

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/component/cadvisor"
	"github.com/ausguck/ausguck/internal/component/nodeexporter"
	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/hostmount"
)

// Options are everything that can be chosen at start. RegisterFlags and Complete fill in the defaults.
type Options struct {
	Logger *slog.Logger
	// Stdout receives the lines that say where to look.
	Stdout io.Writer
	// NodeExporterArgs are node_exporter's own flags, see TakeNodeExporterFlags.
	NodeExporterArgs []string

	ConfigDir          string
	AutoReload         bool
	AutoReloadInterval model.Duration
	StoragePath        string

	Web        WebOptions
	Docker     DockerOptions
	Prometheus promserver.Options
	// PrometheusFile is --config.file; empty means prometheus.yml in ConfigDir.
	PrometheusFile string

	Alertmanager Switch
	Alerting     alertmanager.Options
	// AlertmanagerFile is --alertmanager.config.file; empty means alertmanager.yml in ConfigDir.
	AlertmanagerFile string

	NodeExporter Switch
	CAdvisor     Switch
	Housekeeping time.Duration

	Logs LogOptions

	Memory MemoryOptions
	Auth   AuthOptions

	// host is where the host's folders are, when this is a container.
	host hostmount.Mounts
}

// WebOptions say where and how HTTP is served.
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
	// TrustedProxies, AllowedHosts and ImageHosts are lists, separated by commas.
	TrustedProxies, AllowedHosts, ImageHosts string
}

// What WellKnownPorts may be besides "true".
const (
	portsOff = "false"
	portsAsk = "authenticated"
)

// AuthOptions say who may come in. The admin's name and password also come from the environment, see adminUser.
type AuthOptions struct {
	AdminPasswordFile string
	SessionIdle       model.Duration
	SignIn            SignInOptions
}

// DockerOptions say which engine is asked for containers. An engine that is away is waited for.
type DockerOptions struct {
	Enabled bool
	Host    string
	Labels  string
}

// MemoryOptions bound the memory of the Go runtime.
type MemoryOptions struct {
	AutoLimit bool
	Ratio     float64
}

// Switch is a part that is on by default: on by default it is skipped where it cannot work, asked for
// by a flag its failure is fatal.
type Switch struct {
	On    bool
	Asked bool
}

func (s *Switch) register(a *kingpin.Application, name, help string) {
	a.Flag(name, help).Default("true").IsSetByUser(&s.Asked).BoolVar(&s.On)
}

// DefaultListenAddress is where the main address is, unless told otherwise.
const DefaultListenAddress = "127.0.0.1:3000"

// DefaultConfigDir is used when it exists.
const DefaultConfigDir = "monitoring"

// RegisterFlags adds every flag but node_exporter's, which keep their own parser, and the logger's.
func (o *Options) RegisterFlags(a *kingpin.Application) {
	a.Flag("config.dir", "Folder of prometheus.yml, its rule files, alertmanager.yml and web.yml; what is missing is taken from the built-in set. Default: ./monitoring when it exists.").
		PlaceHolder("<path>").Envar("AUSGUCK_CONFIG_DIR").StringVar(&o.ConfigDir)
	a.Flag("config.file", "prometheus.yml, when it is not in --config.dir.").PlaceHolder("<path>").StringVar(&o.PrometheusFile)
	a.Flag("config.auto-reload", "Reload when a file of the configuration has changed.").BoolVar(&o.AutoReload)
	a.Flag("config.auto-reload-interval", "How often to look for changed files.").Default("30s").SetValue(&o.AutoReloadInterval)
	a.Flag("storage.path", "Folder of all data.").Default("data").Envar("AUSGUCK_STORAGE_PATH").StringVar(&o.StoragePath)
	o.Web.register(a)
	o.Auth.register(a)
	o.Docker.register(a)
	o.Alertmanager.register(a, "alertmanager", "Send notifications of alerts, as Alertmanager does.")
	a.Flag("alertmanager.config.file", "alertmanager.yml, when it is not in --config.dir.").PlaceHolder("<path>").StringVar(&o.AlertmanagerFile)
	o.NodeExporter.register(a, "node-exporter", "Watch this host, as node_exporter does.")
	o.CAdvisor.register(a, "cadvisor", "Watch containers, as cAdvisor does.")
	a.Flag("cadvisor.housekeeping-interval", "How often the usage of containers is read.").
		Default(cadvisor.DefaultHousekeepingInterval.String()).DurationVar(&o.Housekeeping)
	o.Logs.register(a)
	a.Flag("auto-gomemlimit", "Set GOMEMLIMIT from the memory limit of the container or system.").Default("true").BoolVar(&o.Memory.AutoLimit)
	a.Flag("auto-gomemlimit.ratio", "Share of the memory limit that is for GOMEMLIMIT.").Default("0.9").FloatVar(&o.Memory.Ratio)
	a.Flag("auto-gomaxprocs", "Accepted for compatibility: the Go runtime follows the CPU quota by itself.").Hidden().Default("true").Bool()
	o.Prometheus.RegisterFlags(a)
	o.Alerting.RegisterFlags(a)
}

// TakeNodeExporterFlags keeps the flags of node_exporter's collectors, which have a parser of their own,
// and returns the rest of the command line.
func (o *Options) TakeNodeExporterFlags(args []string) (rest []string) {
	o.NodeExporterArgs, rest = nodeexporter.Split(args)
	return rest
}

func (w *WebOptions) register(a *kingpin.Application) {
	a.Flag("web.listen-address", "Main address.").Default(DefaultListenAddress).Envar("AUSGUCK_LISTEN_ADDRESS").StringVar(&w.ListenAddress)
	a.Flag("web.well-known-ports", "Listen on the ports of the separate programs too: 9090, 9093, 3100, 9100, 8080, on the host of the main address. On loopback they ask for no credentials, unless this is \"authenticated\".").
		Default("true").EnumVar(&w.WellKnownPorts, "true", portsOff, portsAsk)
	a.Flag("no-web.well-known-ports", "The same as --web.well-known-ports=false.").Hidden().Action(func(*kingpin.ParseContext) error {
		w.WellKnownPorts = portsOff
		return nil
	}).Bool()
	a.Flag("web.trusted-proxies", "Addresses and networks of the reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, comma-separated. Default: none.").
		PlaceHolder("<networks>").StringVar(&w.TrustedProxies)
	a.Flag("web.allowed-hosts", "Further host names under which ports that ask for no credentials answer, comma-separated; *.example.org means every name below.").
		PlaceHolder("<names>").StringVar(&w.AllowedHosts)
	a.Flag("web.image-hosts", "Sites whose images text panels may show, comma-separated, such as https://img.example.org. Default: none, because a foreign image tells its site who looks at the dashboard.").
		PlaceHolder("<origins>").StringVar(&w.ImageHosts)
	a.Flag("web.config.file", "web.yml with TLS, and users, who are admins. Default: web.yml in --config.dir when it exists.").PlaceHolder("<path>").StringVar(&w.ConfigFile)
	a.Flag("web.allow-anonymous", "Do not ask for credentials on well-known ports that other machines can reach. The main address always asks.").BoolVar(&w.AllowAnonymous)
	a.Flag("web.route-prefix", "Path before all routes. Default: the path of --web.external-url.").PlaceHolder("<path>").StringVar(&w.RoutePrefix)
	a.Flag("web.read-timeout", "Longest time to read a request.").Default("5m").SetValue(&w.ReadTimeout)
	a.Flag("web.max-connections", "Open connections of all listeners together. One more takes the place of a client that keeps the server waiting.").Default("512").IntVar(&w.MaxConnections)
	a.Flag("web.access-log", "Log every request at debug level.").BoolVar(&w.AccessLog)
}

func (o *AuthOptions) register(a *kingpin.Application) {
	a.Flag("auth.admin-password-file", "File with the admin's password, applied at every start, as $GF_SECURITY_ADMIN_PASSWORD is. Default: a password is generated at the first start and written to initial-admin-password in --storage.path.").
		PlaceHolder("<path>").StringVar(&o.AdminPasswordFile)
	a.Flag("auth.session-idle", "End sessions of browsers that were not used for so long.").Default("7d").SetValue(&o.SessionIdle)
	o.SignIn.register(a)
}

func (d *DockerOptions) register(a *kingpin.Application) {
	a.Flag("docker", "Ask Docker for the names, labels and addresses of containers.").Default("true").BoolVar(&d.Enabled)
	a.Flag("docker.host", "The engine, unix:// or tcp://. Default: $DOCKER_HOST, else unix:///var/run/docker.sock.").
		PlaceHolder("<URL>").StringVar(&d.Host)
	a.Flag("docker.labels", "Container labels to copy to the series of containers, comma-separated.").
		Default(strings.Join(cadvisor.DefaultContainerLabels, ",")).StringVar(&d.Labels)
}

// complete fills in what depends on other options or on the machine.
func (o Options) complete() Options {
	if o.ConfigDir == "" {
		if info, err := os.Stat(DefaultConfigDir); err == nil && info.IsDir() {
			o.ConfigDir = DefaultConfigDir
		}
	}
	if o.Prometheus.Dir == "" {
		o.Prometheus.Dir = filepath.Join(o.StoragePath, "prometheus")
	}
	o.Prometheus.Logger = o.Logger
	o.Alerting.Logger = o.Logger.With("part", "alertmanager")
	o.Alerting.Version = alertmanagerVersion()
	if o.Alerting.Dir == "" {
		o.Alerting.Dir = filepath.Join(o.StoragePath, "alertmanager")
	}
	o.Prometheus.ListenAddress = o.Web.ListenAddress
	o.host = hostmount.Find("/")
	return o
}
