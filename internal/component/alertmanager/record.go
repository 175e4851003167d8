package alertmanager

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
)

// record wraps every integration in a recorder. Upstream calls an integration once per attempt. log is empty without a cluster.
func (h *history) record(receivers map[string][]notify.Integration, known *secrets, log sentLog) map[string][]notify.Integration {
	recorded := make(map[string][]notify.Integration, len(receivers))
	for name, integrations := range receivers {
		for i := range integrations {
			inner := &integrations[i]
			r := &recorder{history: h, receiver: name, inner: inner, secrets: known, log: log, messages: map[attemptKey]message{}}
			recorded[name] = append(recorded[name], notify.NewIntegration(r, inner, inner.Name(), inner.Index(), name))
		}
		if integrations == nil { // a receiver without integrations
			recorded[name] = nil
		}
	}
	return recorded
}

// recorder is a notify.Notifier that records the attempts of another one. It ends the attempts for a message that another peer of the
// cluster has sent meanwhile.
type recorder struct {
	history  *history
	receiver string
	inner    *notify.Integration
	secrets  *secrets
	log      sentLog

	mtx sync.Mutex
	// messages are those that are being retried.
	messages map[attemptKey]message
}

// attemptKey identifies a message: upstream numbers the flushes of a group.
type attemptKey struct {
	group string
	flush uint64
}

// message is a notification that is being retried.
type message struct {
	attempts int
	// before is when the group was notified last, before the first attempt.
	before time.Time
}

// Notify implements notify.Notifier.
func (r *recorder) Notify(ctx context.Context, alerts ...*alert.Alert) (retry bool, err error) {
	key, a := r.begin(ctx, alerts)
	m, last := r.message(key), r.log.last(ctx, r.receiver, r.inner)
	if m.attempts == 0 {
		m.before = timeOf(last)
	}
	m.attempts++
	a.Number = m.attempts
	if m.attempts > 1 && covers(ctx, last, m.before) {
		a.Result = Elsewhere
		r.end(key, a, m, false)
		r.history.logger.Info("Not sending a notification again: another member of the cluster has sent it", "receiver", r.receiver, "integration", r.inner.String(), "group", a.GroupKey)
		return false, nil
	}
	retry, err = r.inner.Notify(ctx, alerts...)
	err = shorten(r.secrets.hide(err)) // from here it is written to the log and the database, and returned by the API
	a.Seconds = time.Since(a.Time).Seconds()
	switch {
	case err != nil && retry:
		a.Result, a.Error = Retrying, err.Error()
	case err != nil:
		a.Result, a.Error = Refused, err.Error()
	}
	r.end(key, a, m, a.Result == Retrying && ctx.Err() == nil)
	return retry, err
}

// begin returns what is known of an attempt before it is made.
func (r *recorder) begin(ctx context.Context, alerts []*alert.Alert) (attemptKey, Attempt) {
	a := Attempt{Time: time.Now(), Receiver: r.receiver, Integration: r.inner.Name(), Index: r.inner.Index(), Result: Delivered, Alerts: []map[string]string{}}
	a.GroupKey, _ = notify.GroupKey(ctx)
	a.Route, _ = notify.RouteID(ctx)
	if reason, ok := notify.NotificationReason(ctx); ok {
		a.Reason = reason.String()
	}
	groupLabels, _ := notify.GroupLabels(ctx)
	a.GroupLabels = texts(groupLabels)
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
	return attemptKey{a.GroupKey, flush}, a
}

func (r *recorder) message(key attemptKey) message {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return r.messages[key]
}

// end records an attempt, and forgets the message if it is not retried.
func (r *recorder) end(key attemptKey, a Attempt, m message, again bool) {
	r.mtx.Lock()
	if again {
		r.messages[key] = m
	} else {
		delete(r.messages, key)
	}
	r.mtx.Unlock()
	r.history.add(a)
}

func texts(labels model.LabelSet) map[string]string {
	m := make(map[string]string, len(labels))
	for k, v := range labels {
		m[string(k)] = string(v)
	}
	return m
}
