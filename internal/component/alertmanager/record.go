package alertmanager

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
)

// record wraps every integration in a recorder. Upstream calls an integration once per attempt.
func (h *history) record(receivers map[string][]notify.Integration, known *secrets) map[string][]notify.Integration {
	recorded := make(map[string][]notify.Integration, len(receivers))
	for name, integrations := range receivers {
		for i := range integrations {
			inner := &integrations[i]
			r := &recorder{history: h, receiver: name, inner: inner, secrets: known, attempts: map[attemptKey]int{}}
			recorded[name] = append(recorded[name], notify.NewIntegration(r, inner, inner.Name(), inner.Index(), name))
		}
		if integrations == nil { // a receiver without integrations
			recorded[name] = nil
		}
	}
	return recorded
}

// recorder is a notify.Notifier that records the attempts of another one.
type recorder struct {
	history  *history
	receiver string
	inner    *notify.Integration
	secrets  *secrets

	mtx sync.Mutex
	// attempts counts the attempts for messages that are being retried.
	attempts map[attemptKey]int
}

// attemptKey identifies a message: upstream numbers the flushes of a group.
type attemptKey struct {
	group string
	flush uint64
}

// Notify implements notify.Notifier.
func (r *recorder) Notify(ctx context.Context, alerts ...*alert.Alert) (retry bool, err error) {
	started := time.Now()
	retry, err = r.inner.Notify(ctx, alerts...)
	err = shorten(r.secrets.hide(err)) // from here it is written to the log and the database, and returned by the API
	a := Attempt{
		Time: started, Seconds: time.Since(started).Seconds(),
		Receiver: r.receiver, Integration: r.inner.Name(), Index: r.inner.Index(), Result: Delivered,
	}
	switch {
	case err != nil && retry:
		a.Result, a.Error = Retrying, err.Error()
	case err != nil:
		a.Result, a.Error = Refused, err.Error()
	}
	r.describe(ctx, &a, alerts)
	r.history.add(a)
	return retry, err
}

// describe fills in what was sent, and why.
func (r *recorder) describe(ctx context.Context, a *Attempt, alerts []*alert.Alert) {
	a.GroupKey, _ = notify.GroupKey(ctx)
	a.Route, _ = notify.RouteID(ctx)
	if reason, ok := notify.NotificationReason(ctx); ok {
		a.Reason = reason.String()
	}
	groupLabels, _ := notify.GroupLabels(ctx)
	a.GroupLabels = texts(groupLabels)
	a.Alerts = []map[string]string{}
	for _, alert := range alerts {
		if alert.Resolved() {
			a.Resolved++
		} else {
			a.Firing++
		}
		if len(a.Alerts) < maxAlerts {
			a.Alerts = append(a.Alerts, texts(alert.Labels))
		}
	}
	flush, _ := notify.FlushID(ctx)
	a.Number = r.count(attemptKey{a.GroupKey, flush}, a.Result == Retrying && ctx.Err() == nil)
}

// count returns the number of an attempt, and forgets the message if it is not retried.
func (r *recorder) count(key attemptKey, again bool) int {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	n := r.attempts[key] + 1
	if again {
		r.attempts[key] = n
	} else {
		delete(r.attempts, key)
	}
	return n
}

func texts(labels model.LabelSet) map[string]string {
	m := make(map[string]string, len(labels))
	for k, v := range labels {
		m[string(k)] = string(v)
	}
	return m
}
