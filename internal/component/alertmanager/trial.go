package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/notify"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/ausguck/ausguck/internal/redact"
)

// trialTimeout bounds a test of one integration.
const trialTimeout = 30 * time.Second

// Trial is the outcome of a test notification for one integration of a receiver.
type Trial struct {
	// Integration is the kind and index, such as "slack[0]".
	Integration string  `json:"integration"`
	Result      Result  `json:"result"`
	Seconds     float64 `json:"seconds"`
	Error       string  `json:"error,omitempty"`
	// Answers are the HTTP responses of the other side, in order. Responses of mail servers are only in the error.
	Answers []Answer `json:"answers"`
}

// TryReceiver sends a clearly marked test through each integration of a receiver, like a real notification but
// bypassing routes, silences and the notification log. It does not need a running server.
func (l *Loader) TryReceiver(ctx context.Context, cfg *Config, name string) ([]Trial, error) {
	i := slices.IndexFunc(cfg.Receivers, func(r config.Receiver) bool { return r.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q; there are %q", errUnknownReceiver, name, cfg.receiverNames())
	}
	tried, err := cfg.withoutRedirects(i)
	if err != nil {
		return nil, fmt.Errorf("receiver %q: %w", name, cfg.secrets.hide(err))
	}
	t := newTap()
	integrations, err := receiver.BuildReceiverIntegrations(tried, cfg.templates, cfg.secrets.logger(l.options.Logger), t.options()...)
	if err != nil {
		return nil, fmt.Errorf("receiver %q: %w", name, cfg.secrets.hide(err))
	}
	trials := []Trial{}
	for i := range integrations {
		trial := tryIntegration(ctx, name, &integrations[i], t)
		trial.hide(cfg.secrets.known())
		trials = append(trials, trial)
	}
	return trials, nil
}

// withoutRedirects returns a copy of a receiver that does not follow redirects: a redirect leads to an address that
// no admin has configured, and whose content the user who tests may not read.
func (c *Config) withoutRedirects(i int) (r config.Receiver, err error) {
	again, err := config.Load(string(c.source))
	if err != nil {
		return r, err
	}
	resolvePaths(c.dir, again)
	r = again.Receivers[i]
	visitClients(reflect.ValueOf(&r), func(client *commonconfig.HTTPClientConfig) { client.FollowRedirects = false })
	return r, nil
}

// visitClients calls visit with the settings of every HTTP client below v.
func visitClients(v reflect.Value, visit func(*commonconfig.HTTPClientConfig)) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if client, ok := v.Interface().(*commonconfig.HTTPClientConfig); ok {
			visit(client)
			return
		}
		visitClients(v.Elem(), visit)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				if f := v.Field(i); f.Kind() == reflect.Struct {
					visitClients(f.Addr(), visit)
				} else {
					visitClients(f, visit)
				}
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			visitClients(v.Index(i), visit)
		}
	}
}

// maxShown bounds how much of a response is shown: enough to tell whether it worked, but not what else the other side
// returns.
const maxShown = 1 << 10

// hide removes secrets, which other sides may repeat, from what is shown.
func (t *Trial) hide(words redact.Words) {
	if t.Error != "" {
		t.Error = shorten(errors.New(words.Text(t.Error))).Error()
	}
	for i := range t.Answers {
		a := &t.Answers[i]
		a.Status = words.Text(a.Status)
		if a.Body = words.Text(a.Body); len(a.Body) > maxShown {
			a.Body = strings.ToValidUTF8(a.Body[:maxShown], "") + " … (cut off)"
		}
	}
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
		trial.Result, trial.Error = Refused, err.Error()
		if failed != nil { // the integration only saw a closed connection
			trial.Error = failed.Error()
		}
	}
	return trial
}

// trialContext contains what upstream's pipeline would have set.
func trialContext(ctx context.Context, receiver string, a *alert.Alert, now time.Time) context.Context {
	group := model.LabelSet{"alertname": a.Labels["alertname"]}
	ctx = notify.WithReceiverName(ctx, receiver)
	ctx = notify.WithGroupKey(ctx, fmt.Sprintf("{}/{test}:%s at %d", group, now.UnixNano())) // unique: some receivers group messages by it
	ctx = notify.WithGroupLabels(ctx, group)
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithRepeatInterval(ctx, time.Hour)
	ctx = notify.WithFiringAlerts(ctx, []uint64{uint64(a.Fingerprint())})
	ctx = notify.WithResolvedAlerts(ctx, nil)
	return notify.WithNotificationReason(ctx, notify.ReasonFirstNotification)
}
