package alertmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/alertmanager/cluster"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"
)

// engine is one run of Alertmanager.
type engine struct {
	options Options
	logger  *slog.Logger
	ff      featurecontrol.Flagger
	history *history
	started time.Time

	peer       *cluster.Peer // nil without a cluster
	complaints complaints
	sent       *nflog.Log
	silences   *silence.Silences
	silencer   *silence.Silencer
	alerts     *mem.Alerts
	muted      marker.GroupMarker
	snapshots  *snapshots

	api             *api.API
	handler         http.Handler
	dispatchMetrics *dispatch.DispatcherMetrics
	pipelines       *notify.PipelineBuilder
	counts          configCounts

	// These are replaced with each configuration.
	secrets    atomic.Pointer[secrets]
	inhibitor  atomic.Pointer[inhibit.Inhibitor]
	dispatcher atomic.Pointer[dispatch.Dispatcher]
}

// noEvents is upstream's event recorder, disabled.
var noEvents eventrecorder.Recorder

// newEngine creates everything that outlives a configuration: what is on disk first, then the cluster, which contributes what other
// peers know, then the parts that act on it. Upstream cannot close the port of the cluster again, so what can fail comes before it.
func newEngine(o Options, h *history) (e *engine, err error) {
	e = &engine{options: o, logger: o.Logger, history: h, started: time.Now(), muted: marker.NewGroupMarker()}
	defer func() {
		if err != nil {
			_ = e.close()
		}
	}()
	if e.ff, err = o.flags(); err != nil {
		return e, err
	}
	if err = e.load(); err != nil {
		return e, err
	}
	if err = e.join(o.Cluster); err != nil {
		return e, err
	}
	e.share()
	e.silencer = silence.NewSilencer(e.silences, e.logger, noEvents)
	e.meet(o.Cluster)
	e.alerts, err = mem.NewAlerts(context.Background(), o.AlertGCInterval, o.PerAlertNameLimit, e.silencer, e.logger, noEvents, o.Registerer, e.ff)
	if err != nil {
		return e, fmt.Errorf("create the alert store: %w", err)
	}
	if err = e.serve(); err != nil {
		return e, err
	}
	e.dispatchMetrics = dispatch.NewDispatcherMetrics(false, o.Registerer, e.ff)
	e.pipelines = notify.NewPipelineBuilder(o.Registerer, e.ff, noEvents)
	e.counts = newConfigCounts(o.Registerer, e.peer != nil)
	return e, nil
}

// serve creates the API.
func (e *engine) serve() error {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                            "alertmanager_http_request_duration_seconds",
		Help:                            "Histogram of latencies for HTTP requests.",
		Buckets:                         prometheus.DefBuckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{"handler", "method", "code"})
	e.options.Registerer.MustRegister(durations)
	var peer cluster.ClusterPeer // an interface containing a nil pointer would not be nil
	if e.peer != nil {
		peer = e.peer
	}
	a, err := api.New(api.Options{
		Alerts:          e.alerts,
		Silences:        e.silences,
		GroupMutedFunc:  e.muted.Muted,
		Peer:            peer,
		Timeout:         e.options.Timeout,
		Concurrency:     e.options.GetConcurrency,
		Logger:          e.logger.With("component", "api"),
		Registry:        e.options.Registerer,
		RequestDuration: durations,
		GroupFunc: func(ctx context.Context, routes func(*dispatch.Route) bool, alerts func(*alert.Alert, time.Time) bool) (dispatch.AlertGroups, map[model.Fingerprint][]string, error) {
			return e.dispatcher.Load().Groups(ctx, routes, alerts)
		},
	})
	if err != nil {
		return fmt.Errorf("create Alertmanager's API: %w", err)
	}
	e.api = a
	e.handler = a.Register(route.New(), "/")
	return nil
}

// ServeHTTP serves the API. A change to silences is on disk before the response confirms it.
func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/api/v2/status":
		e.serveStatus(w, r)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		e.handler.ServeHTTP(w, r)
	default:
		e.snapshots.serveDurably(e.handler, w, r)
	}
}

// serveStatus replaces the version of the program, which upstream returns, with that of Alertmanager, and removes the
// values of headers, which upstream shows, from the configuration.
func (e *engine) serveStatus(w http.ResponseWriter, r *http.Request) {
	held := &heldWriter{ResponseWriter: w}
	e.handler.ServeHTTP(held, r)
	var status map[string]any
	if err := json.Unmarshal(held.body, &status); err == nil {
		if info, ok := status["versionInfo"].(map[string]any); ok && e.options.Version != "" {
			info["version"] = e.options.Version
		}
		cfg, _ := status["config"].(map[string]any)
		if text, ok := cfg["original"].(string); ok {
			if known := e.secrets.Load(); known != nil {
				text = known.known().Text(text)
			}
			cfg["original"] = text
		}
		if body, err := json.Marshal(status); err == nil {
			held.body = body
		}
	}
	held.release()
}

// apply replaces the previous configuration with cfg, which cannot fail any more: the inhibitor first, so that no
// notification is sent for an alert that another one mutes, then the dispatcher.
func (e *engine) apply(cfg *Config) {
	before := e.inhibitor.Load()
	e.dispatcher.Load().Stop()

	inhibitor := inhibit.NewInhibitor(e.alerts, cfg.InhibitRules, e.logger, noEvents)
	var peer notify.Peer
	var log sentLog
	if e.peer != nil {
		peer, log = e.peer, sentLog{e.sent}
	}
	pipeline := e.pipelines.New(e.history.record(cfg.integrations, cfg.secrets, log), e.wait, inhibitor, e.silencer,
		timeinterval.NewIntervener(cfg.intervals), e.muted, e.sent, peer)
	e.counts.set(cfg)
	e.secrets.Store(cfg.secrets)
	e.api.Update(cfg.Config, func(ctx context.Context, labels model.LabelSet) {
		e.inhibitor.Load().Mutes(ctx, labels)
		e.silencer.Mutes(ctx, labels)
	})
	dispatcher := dispatch.NewDispatcher(e.alerts, cfg.routes, pipeline, e.muted, e.timeout,
		e.options.DispatchMaintenance, nil, e.logger, noEvents, e.dispatchMetrics)

	go inhibitor.Run()
	inhibitor.WaitForLoading()
	e.inhibitor.Store(inhibitor) // until now the API used the previous one: an empty one shows every alert as active
	before.Stop()
	go dispatcher.Run(e.started.Add(e.options.DispatchStartDelay))
	dispatcher.WaitForLoading()
	e.dispatcher.Store(dispatcher)
}

// timeout gives a notification at least upstream's minimum time, plus the time that the cluster waits for other peers.
func (e *engine) timeout(d time.Duration) time.Duration { return max(d, notify.MinTimeout) + e.wait() }

// close stops in reverse order: nothing is sent any more, then the state is written to disk, then this peer leaves the
// cluster.
func (e *engine) close() error {
	e.dispatcher.Load().Stop()
	e.inhibitor.Load().Stop()
	if e.alerts != nil {
		e.alerts.Close()
	}
	var err error
	if e.snapshots != nil {
		err = e.snapshots.stop()
	}
	e.leave()
	return err
}
