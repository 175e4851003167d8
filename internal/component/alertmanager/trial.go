package alertmanager

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
)

// trialTimeout bounds a test of one integration.
const trialTimeout = 30 * time.Second

// Trial is what became of a test notification at one integration of a receiver.
type Trial struct {
	// Integration is the kind and index, such as "slack[0]".
	Integration string  `json:"integration"`
	Result      Result  `json:"result"`
	Seconds     float64 `json:"seconds"`
	Error       string  `json:"error,omitempty"`
	// Answers are what the other side said over HTTP, in order. Mail servers answer within the error only.
	Answers []Answer `json:"answers"`
}

// TryReceiver sends a clearly marked test through each integration of a receiver, as a real notification would go but
// past routes, silences and the notification log. It needs no running server.
func (l *Loader) TryReceiver(ctx context.Context, cfg *Config, name string) ([]Trial, error) {
	i := slices.IndexFunc(cfg.Receivers, func(r config.Receiver) bool { return r.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q; there are %q", errUnknownReceiver, name, cfg.receiverNames())
	}
	t := newTap()
	integrations, err := receiver.BuildReceiverIntegrations(cfg.Receivers[i], cfg.templates, l.options.Logger, t.options()...)
	if err != nil {
		return nil, fmt.Errorf("receiver %q: %w", name, err)
	}
	trials := []Trial{}
	for i := range integrations {
		trials = append(trials, tryIntegration(ctx, name, &integrations[i], t))
	}
	return trials, nil
}

func (c *Config) receiverNames() []string {
	names := []string{}
	for _, r := range c.Receivers {
		names = append(names, r.Name)
	}
	return names
}

func tryIntegration(ctx context.Context, receiver string, n *notify.Integration, t *tap) Trial {
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	started := time.Now()
	a := sampleAlert("ausguck notify-test", started)
	_, err := n.Notify(trialContext(ctx, receiver, a, started), a)
	trial := Trial{Integration: n.String(), Result: Delivered, Seconds: time.Since(started).Seconds()}
	var failed error
	trial.Answers, failed = t.take()
	if err != nil {
		trial.Result, trial.Error = Refused, shorten(err).Error()
		if failed != nil { // the integration only saw a connection that ended
			trial.Error = failed.Error()
		}
	}
	return trial
}

// trialContext holds what upstream's pipeline would have put there.
func trialContext(ctx context.Context, receiver string, a *alert.Alert, now time.Time) context.Context {
	group := model.LabelSet{"alertname": a.Labels["alertname"]}
	ctx = notify.WithReceiverName(ctx, receiver)
	ctx = notify.WithGroupKey(ctx, fmt.Sprintf("{}/{test}:%s at %d", group, now.UnixNano())) // a key of its own: some receivers join messages by it
	ctx = notify.WithGroupLabels(ctx, group)
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithRepeatInterval(ctx, time.Hour)
	ctx = notify.WithFiringAlerts(ctx, []uint64{uint64(a.Fingerprint())})
	ctx = notify.WithResolvedAlerts(ctx, nil)
	return notify.WithNotificationReason(ctx, notify.ReasonFirstNotification)
}
