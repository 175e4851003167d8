package promserver

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/rules"

	"github.com/ausguck/ausguck/internal/inproc"
)

// sendAlerts sends alerts for the built-in Alertmanager through dial, and all others with the client that upstream
// built from the configuration.
func sendAlerts(builtIn []string, dial inproc.DialContextFunc) func(context.Context, *http.Client, *http.Request) (*http.Response, error) {
	inside := &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}}
	return func(ctx context.Context, outside *http.Client, r *http.Request) (*http.Response, error) {
		if r.URL.Scheme == "http" && slices.Contains(builtIn, r.URL.Host) {
			return inside.Do(r.WithContext(ctx))
		}
		if outside == nil {
			outside = http.DefaultClient
		}
		return outside.Do(r.WithContext(ctx))
	}
}

// How much time before and after an alert its graph shows.
const (
	graphBefore   = 30 * time.Minute
	graphShortest = time.Hour
)

// notifyWithLinks is upstream's SendAlerts, except that the link to the expression includes the time: it opens the
// graph at the time of the alert, even a week later.
func notifyWithLinks(s rules.Sender, externalURL string, now func() time.Time) rules.NotifyFunc {
	return func(_ context.Context, expr string, alerts ...*rules.Alert) {
		if len(alerts) == 0 {
			return
		}
		out := make([]*notifier.Alert, 0, len(alerts))
		for _, a := range alerts {
			end, shownUntil := a.ValidUntil, now()
			if !a.ResolvedAt.IsZero() {
				end, shownUntil = a.ResolvedAt, a.ResolvedAt
			}
			out = append(out, &notifier.Alert{
				StartsAt: a.FiredAt, EndsAt: end, Labels: a.Labels, Annotations: a.Annotations,
				GeneratorURL: externalURL + graphLink(expr, a.ActiveAt, shownUntil),
			})
		}
		s.Send(out...)
	}
}

// graphLink returns the path of an expression's graph in Prometheus's UI, showing the time around [from, until].
func graphLink(expr string, from, until time.Time) string {
	until = until.Truncate(time.Minute).Add(time.Minute) // so that the link changes once a minute and not with each evaluation
	shown := until.Sub(from.Truncate(time.Minute).Add(-graphBefore))
	return "/graph?g0.expr=" + url.QueryEscape(expr) + "&g0.tab=0" +
		"&g0.range_input=" + model.Duration(max(shown, graphShortest)).String() +
		"&g0.end_input=" + url.QueryEscape(until.UTC().Format("2006-01-02 15:04:05"))
}
