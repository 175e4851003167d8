package promserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"
	"github.com/prometheus/prometheus/web"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// How long a shutdown waits for rule evaluations and scrapes to finish.
const (
	evaluationGrace = 2 * time.Second
	scrapeGrace     = 2 * time.Second
)

// The run… methods are the lifecycle.Components of one run, in startup order.

// runWeb builds upstream's handler while the storage opens, since that takes some 300 ms (it renders the OpenAPI
// documents), and serves it in-process until everything else has stopped.
func (e *engines) runWeb(ctx context.Context, ready func()) error {
	ready()
	// Its messages at Info are about a listener that only the process itself can reach.
	logger := upstreamlog.New(e.component("web"), upstreamlog.Rules{Level: upstreamlog.WarnAndAbove})
	e.web = web.New(logger, e.webOptions(ctx))
	features.DefaultRegistry.Set(features.API, "otlp_write_receiver", e.set.Web.EnableOTLPReceiver) // since its path responds
	e.serving.Store(true)
	close(e.webBuilt)
	return e.web.Run(ctx, []net.Listener{e.listener}, "")
}

// runStorage opens the TSDB and closes it together with the remote storage. A replay cannot be interrupted; if a stop
// is requested meanwhile, the WAL is left unchanged.
func (e *engines) runStorage(ctx context.Context, ready func()) error {
	opened := make(chan error, 1)
	start := time.Now()
	go func() { opened <- errors.Join(e.set.makeSound(), e.storage.open(e.set, e.initial.Config)) }()
	select {
	case err := <-opened:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return nil
	}
	e.storage.db.Load().SetWriteNotified(e.remote)
	e.logger.Info("Storage opened", "path", e.set.Dir, "took", time.Since(start).Round(time.Millisecond),
		"retention_time", e.initial.StorageConfig.TSDBConfig.Retention.Time,
		"retention_size", e.initial.StorageConfig.TSDBConfig.Retention.Size)
	ready()
	<-ctx.Done()
	if err := errors.Join(e.drainRemoteWrite(), e.fanout.Close()); err != nil {
		return fmt.Errorf("close storage: %w", err)
	}
	return nil
}

func (e *engines) runTracing(ctx context.Context, ready func()) error {
	return runUntil(ctx, ready, e.tracing.Run, e.tracing.Stop)
}

func (e *engines) runNotifier(ctx context.Context, ready func()) error {
	go func() { _ = e.notifySD.Run() }() // returns when its context ends, with the context's error
	return runUntil(ctx, ready, func() { e.notify.Run(e.notifySD.SyncCh()) }, func() {
		e.stopNotifySD()
		e.notify.Stop()
	})
}

func (e *engines) runScrape(ctx context.Context, ready func()) error {
	go func() { _ = e.scrapeSD.Run() }()
	failed := make(chan error, 1)
	err := runUntil(ctx, ready, func() { failed <- e.scrape.Run(e.scrapeSD.SyncCh()) }, func() {
		e.stopScrapeSD()
		timer := time.AfterFunc(scrapeGrace, func() {
			e.guard.close() // first, or targets whose scrapes are cut off would be recorded as down
			e.scrapeDialer.abort()
		})
		defer timer.Stop()
		e.scrape.Stop()
	})
	return errors.Join(err, <-failed)
}

func (e *engines) runRules(ctx context.Context, ready func()) error {
	start := func() {
		e.awaitAlertmanagers(ctx)
		e.rules.Run()
	}
	return runUntil(ctx, ready, start, func() {
		timer := time.AfterFunc(evaluationGrace, e.cancelEvaluations)
		defer timer.Stop()
		e.rules.Stop()
	})
}

// alertmanagersPatience bounds how long rules wait for an Alertmanager.
const alertmanagersPatience = 3 * time.Second

// awaitAlertmanagers returns when the notifier knows an Alertmanager, if the configuration names any. Alerts that fire
// earlier would be dropped, and sent again only a minute later.
func (e *engines) awaitAlertmanagers(ctx context.Context) {
	if len(e.initial.AlertingConfig.AlertmanagerConfigs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, alertmanagersPatience)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for len(e.notify.Alertmanagers()) == 0 {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// runUntil runs an upstream manager, which blocks in run until stop is called.
func runUntil(ctx context.Context, ready func(), run, stop func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	ready()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	stop()
	<-done
	return nil
}

func (e *engines) announceReady() {
	e.ready.Store(true)
	e.web.SetReady(web.Ready)
	e.notifications.DeleteNotification(notifications.StartingUp)
}

func (e *engines) announceStop() {
	e.ready.Store(false)
	if e.serving.Load() {
		e.web.SetReady(web.Stopping)
	}
	e.notifications.AddNotification(notifications.ShuttingDown)
}
