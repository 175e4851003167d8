// Package alertmanager is Alertmanager as a part: routing, grouping, inhibition, silences, all of upstream's receivers,
// its cluster, and /api/v2, wired from its packages.
//
// It wraps github.com/prometheus/alertmanager and imports no sibling part; internal/app wires it. The startup order
// follows cmd/alertmanager/main.go of the same version, so that flags, files and data have the same meaning in both. In
// addition to upstream, every attempt of a notification is recorded (history.go), a test uses the real receiver
// (trial.go), and changes are on disk within a second (snapshot.go).
package alertmanager

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/alertmanager/cluster"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/setaside"
)

// Options configures a Server. The fields that flags set are documented by RegisterFlags.
type Options struct {
	Logger *slog.Logger
	// Registerer receives the alertmanager_* metrics.
	Registerer prometheus.Registerer
	// Dir holds silences and the notification log; a stock Alertmanager can open it.
	Dir string
	// SetAside takes unreadable files of Dir; nil moves them without reporting it.
	SetAside *setaside.Shelf
	// Version is Alertmanager's version, returned by its status: amtool compares it with its own. If empty, the
	// program's is returned.
	Version string
	// ExternalURL is the prefix of links in messages.
	ExternalURL *url.URL

	Retention           time.Duration
	MaintenanceInterval time.Duration
	HistorySize         int

	MaxSilences         int
	MaxSilenceSizeBytes int
	LogSilences         bool

	AlertGCInterval     time.Duration
	PerAlertNameLimit   int
	DispatchMaintenance time.Duration
	DispatchStartDelay  time.Duration

	GetConcurrency int
	Timeout        time.Duration

	Cluster ClusterOptions
	// Features are upstream's experimental features, comma-separated.
	Features string
}

// ClusterOptions are the stock --cluster.* flags. Without a listen address there is no cluster.
type ClusterOptions struct {
	ListenAddress       string
	AdvertiseAddress    string
	PeerName            string
	Peers               []string
	PeerTimeout         time.Duration
	PeersResolveTimeout time.Duration
	GossipInterval      time.Duration
	PushPullInterval    time.Duration
	TCPTimeout          time.Duration
	ProbeTimeout        time.Duration
	ProbeInterval       time.Duration
	SettleTimeout       time.Duration
	ReconnectInterval   time.Duration
	ReconnectTimeout    time.Duration
	TLSConfigFile       string
	AllowInsecurePublic bool
	Label               string
}

// RegisterFlags adds Alertmanager's flags under their stock names. The stock --enable-feature belongs to Prometheus
// here, and the cluster, which stock Alertmanager starts on all addresses, is off until an address is set.
func (o *Options) RegisterFlags(a *kingpin.Application) {
	a.Flag("data.retention", "How long to keep expired silences and the notification log.").Default("120h").DurationVar(&o.Retention)
	a.Flag("data.maintenance-interval", "How often to remove data past its retention.").Default("15m").DurationVar(&o.MaintenanceInterval)
	a.Flag("alertmanager.history-size", "Number of most recent notification attempts to keep.").Default("10000").IntVar(&o.HistorySize)
	a.Flag("silences.max-silences", "Maximum number of silences, including expired ones; 0 for no limit.").Default("0").IntVar(&o.MaxSilences)
	a.Flag("silences.max-silence-size-bytes", "Maximum size of a silence; 0 for no limit.").Default("0").IntVar(&o.MaxSilenceSizeBytes)
	a.Flag("log.silences", "Log every change to a silence.").BoolVar(&o.LogSilences)
	a.Flag("alerts.gc-interval", "How often to remove resolved alerts.").Default("30m").DurationVar(&o.AlertGCInterval)
	a.Flag("alerts.per-alertname-limit", "Maximum number of alerts per alert name; 0 for no limit.").Default("0").IntVar(&o.PerAlertNameLimit)
	a.Flag("dispatch.maintenance-interval", "How often to remove empty alert groups.").Default("30s").DurationVar(&o.DispatchMaintenance)
	a.Flag("dispatch.start-delay", "How long to wait after startup before sending notifications.").Default("0s").DurationVar(&o.DispatchStartDelay)
	a.Flag("web.get-concurrency", "Maximum number of concurrent GET requests to the Alertmanager API; 0 for the number of CPUs, at least 8.").Default("0").IntVar(&o.GetConcurrency)
	a.Flag("web.timeout", "Timeout for requests to the Alertmanager API; 0 for none.").Default("0").DurationVar(&o.Timeout)
	a.Flag("alertmanager.enable-feature", "Experimental features of Alertmanager, comma-separated: "+strings.Join(featurecontrol.AllowedFlags, ", ")+".").
		PlaceHolder("<names>").StringVar(&o.Features)
	o.Cluster.register(a)
}

func (c *ClusterOptions) register(a *kingpin.Application) {
	a.Flag("cluster.listen-address", "Listen address for the Alertmanager cluster, such as 0.0.0.0:9094. Default: no cluster.").PlaceHolder("<host:port>").StringVar(&c.ListenAddress)
	a.Flag("cluster.advertise-address", "Address to advertise to the cluster.").PlaceHolder("<host:port>").StringVar(&c.AdvertiseAddress)
	a.Flag("cluster.peer-name", "Name of this peer in the cluster. Default: random.").StringVar(&c.PeerName)
	a.Flag("cluster.peer", "Peer of the cluster; can be repeated.").PlaceHolder("<host:port>").StringsVar(&c.Peers)
	for _, f := range []struct {
		name, help string
		value      *time.Duration
		standard   time.Duration
	}{
		{"peer-timeout", "Time to wait between peers to send notifications.", &c.PeerTimeout, 15 * time.Second},
		{"peers-resolve-timeout", "Time to resolve peers.", &c.PeersResolveTimeout, cluster.DefaultResolvePeersTimeout},
		{"gossip-interval", "Time between gossip messages.", &c.GossipInterval, cluster.DefaultGossipInterval},
		{"pushpull-interval", "Time between exchanges of the whole state.", &c.PushPullInterval, cluster.DefaultPushPullInterval},
		{"tcp-timeout", "Longest time for a connection to a peer.", &c.TCPTimeout, cluster.DefaultTCPTimeout},
		{"probe-timeout", "Time to wait for the answer of a probed peer.", &c.ProbeTimeout, cluster.DefaultProbeTimeout},
		{"probe-interval", "Time between probes.", &c.ProbeInterval, cluster.DefaultProbeInterval},
		{"settle-timeout", "Longest time to wait for the cluster to settle before notifications are sent.", &c.SettleTimeout, cluster.DefaultPushPullInterval},
		{"reconnect-interval", "Time between attempts to reach a lost peer.", &c.ReconnectInterval, cluster.DefaultReconnectInterval},
		{"reconnect-timeout", "Time after which a lost peer is given up.", &c.ReconnectTimeout, cluster.DefaultReconnectTimeout},
	} {
		a.Flag("cluster."+f.name, f.help).Default(f.standard.String()).DurationVar(f.value)
	}
	a.Flag("cluster.tls-config", "File that turns on mutual TLS between peers.").PlaceHolder("<path>").StringVar(&c.TLSConfigFile)
	a.Flag("cluster.allow-insecure-public-advertise-address-discovery", "Allow a public address to be discovered and advertised.").BoolVar(&c.AllowInsecurePublic)
	a.Flag("cluster.label", "Label that separates clusters on the same network.").StringVar(&c.Label)
}

// flags parses the feature names.
func (o *Options) flags() (featurecontrol.Flagger, error) {
	ff, err := featurecontrol.NewFlags(o.Logger, o.Features)
	if err != nil {
		return nil, fmt.Errorf("--alertmanager.enable-feature: %w", err)
	}
	if ff.EnableEventRecorder() {
		return nil, errors.New("--alertmanager.enable-feature: event-recorder is not supported; the history of notifications is at /api/ausguck/alerting/notifications")
	}
	return ff, nil
}

// claimGlobals sets how upstream parses matchers; config.Load, the API and silences use it.
func claimGlobals(logger *slog.Logger, ff featurecontrol.Flagger) { compat.InitFromFlags(logger, ff) }
