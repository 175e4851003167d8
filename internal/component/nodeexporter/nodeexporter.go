// Package nodeexporter serves the metrics of the host: CPU, memory, disks, network and everything else that the
// collectors of prometheus/node_exporter read, with their stock flags.
//
// It wraps github.com/prometheus/node_exporter/collector; only internal/app imports it.
package nodeexporter

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/node_exporter/collector"

	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// DefaultMaxRequests is how many scrapes may run concurrently if Options do not set it, as in stock node_exporter.
const DefaultMaxRequests = 40

// Options configures an Exporter.
type Options struct {
	Logger *slog.Logger
	// Args are node_exporter's own flags: those that Owns accepts, see Split.
	Args []string
	// Nodename is the host's name for node_uname_info if the kernel reports that of a container; empty leaves it
	// unchanged.
	Nodename string
	// MaxRequests bounds the number of concurrent scrapes; 0 means DefaultMaxRequests, a negative value means no
	// limit.
	MaxRequests int
	// Registerer receives the ausguck_nodeexporter_* metrics; nil means none.
	Registerer prometheus.Registerer
}

// Exporter serves the metrics of the enabled collectors.
type Exporter struct {
	opts       Options
	logger     *slog.Logger
	calm       *slog.Logger         // for upstream: some collectors log an error at every scrape
	own        *prometheus.Registry // go_*, process_* and promhttp_*, as in stock node_exporter
	unfiltered http.Handler
	guards     map[string]*guard // by collector, shared by all handlers
	panics     prometheus.Counter
}

var _ lifecycle.Component = (*Exporter)(nil)

// New parses the flags and creates the enabled collectors. Collectors and flags are upstream's globals: a second
// New in the same process must be given the same Args.
func New(o Options) (*Exporter, error) {
	if o.MaxRequests == 0 {
		o.MaxRequests = DefaultMaxRequests
	}
	if err := claimGlobals(o.Args); err != nil {
		return nil, err
	}
	e := &Exporter{
		opts:   o,
		logger: o.Logger,
		calm:   upstreamlog.New(o.Logger, upstreamlog.Rules{Level: upstreamlog.ComplaintsWarn, Repeat: time.Hour}),
		own:    prometheus.NewRegistry(),
		guards: make(map[string]*guard),
		panics: promauto.With(o.Registerer).NewCounter(prometheus.CounterOpts{
			Name: "ausguck_nodeexporter_panics_total",
			Help: "Panics in node_exporter collectors; the log has their stacks.",
		}),
	}
	// They describe the whole process. The job label distinguishes them from the same series of our own /metrics.
	e.own.MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(),
	)
	nc, err := collector.NewNodeCollector(e.calm)
	if err != nil {
		return nil, fmt.Errorf("create node_exporter collectors: %w", err)
	}
	for name := range nc.Collectors {
		e.guards[name] = &guard{name: name, logger: e.logger, panics: e.panics}
	}
	if e.unfiltered, err = e.handlerFor(nc); err != nil {
		return nil, err
	}
	promauto.With(o.Registerer).NewGauge(prometheus.GaugeOpts{
		Name: "ausguck_nodeexporter_collectors",
		Help: "Enabled node_exporter collectors.",
	}).Set(float64(len(nc.Collectors)))
	e.logger.Debug("Collectors enabled", "collectors", e.Collectors())
	return e, nil
}

// Collectors returns the names of the enabled collectors, sorted.
func (e *Exporter) Collectors() []string {
	return slices.Sorted(maps.Keys(e.guards))
}

// Run has nothing to start or release: collectors work only when they are scraped.
func (e *Exporter) Run(ctx context.Context, ready func()) error {
	ready()
	<-ctx.Done()
	return nil
}

// Handler serves scrapes. The query parameters collect[] and exclude[] select collectors, as in stock
// node_exporter; if both are set, or a collector is unknown or disabled, the response is 400.
func (e *Exporter) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		collect, exclude := query["collect[]"], query["exclude[]"]
		switch {
		case len(collect) == 0 && len(exclude) == 0:
			e.unfiltered.ServeHTTP(w, r)
			return
		case len(collect) > 0 && len(exclude) > 0:
			badRequest(w, "Combined collect and exclude queries are not allowed.")
			return
		case len(exclude) > 0:
			collect = slices.DeleteFunc(e.Collectors(), func(name string) bool { return slices.Contains(exclude, name) })
		}
		h, err := e.filtered(collect)
		if err != nil {
			badRequest(w, fmt.Sprintf("Couldn't create filtered metrics handler: %s", err))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// filtered returns a handler for one request. No names means no collectors here, whereas upstream's function would
// take it for no filter.
func (e *Exporter) filtered(names []string) (http.Handler, error) {
	if len(names) == 0 {
		return e.handlerFor(&collector.NodeCollector{})
	}
	nc, err := collector.NewNodeCollector(e.calm, names...)
	if err != nil {
		return nil, err
	}
	return e.handlerFor(nc)
}

func (e *Exporter) handlerFor(nc *collector.NodeCollector) (http.Handler, error) {
	for name, c := range nc.Collectors {
		nc.Collectors[name] = guarded{c, e.guards[name]}
	}
	reg := prometheus.NewRegistry()
	if err := reg.Register(nc); err != nil {
		return nil, fmt.Errorf("register node_exporter collectors: %w", err)
	}
	if err := reg.Register(buildInfo()); err != nil {
		return nil, fmt.Errorf("register node_exporter build info: %w", err)
	}
	h := promhttp.HandlerFor(prometheus.Gatherers{e.own, e.named(reg)}, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(e.calm.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: e.opts.MaxRequests,
		Registry:            e.own,
	})
	return promhttp.InstrumentMetricHandler(e.own, h), nil
}

// named sets the host's name in node_uname_info.
func (e *Exporter) named(g prometheus.Gatherer) prometheus.Gatherer {
	if e.opts.Nodename == "" {
		return g
	}
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := g.Gather()
		for _, f := range families {
			if f.GetName() != "node_uname_info" {
				continue
			}
			for _, m := range f.Metric {
				for _, l := range m.Label {
					if l.GetName() == "nodename" {
						l.Value = &e.opts.Nodename
					}
				}
			}
		}
		return families, err
	})
}

func badRequest(w http.ResponseWriter, msg string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	io.WriteString(w, msg)
}
