package app

import (
	"context"
	"net/http"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// The functions below talk to systemd if it started the process with Type=notify, and do nothing otherwise.

func notifySystemd(state string) { _, _ = daemon.SdNotify(false, state) }

// feedWatchdog notifies systemd's watchdog twice per WatchdogSec until ctx ends, as long as the HTTP side responds. A process
// that hangs is killed and restarted.
func (a *App) feedWatchdog(ctx context.Context) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return
	}
	ticker := time.NewTicker(interval / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := a.answers(ctx); err != nil {
			a.options.Logger.Error("Not notifying the systemd watchdog: the HTTP server does not respond", "err", err)
			continue
		}
		notifySystemd(daemon.SdNotifyWatchdog)
	}
}

// answers sends a health check through the in-process listener, as a client would.
func (a *App) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ausguck/-/healthy", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: a.options.Prometheus.at.inside.DialContext, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
