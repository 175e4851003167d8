package app_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// watched is an Ausguck with a scrape job, a firing rule and a receiver of notifications.
type watched struct {
	*running
	dir  string
	told atomic.Int64
}

const watchedRules = "groups: [{name: g, interval: 1s, rules: [{alert: Fires, expr: vector(1)}]}]\n"

func watch(t *testing.T, change func(*app.Options)) *watched {
	t.Helper()
	w := &watched{dir: t.TempDir()}
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { w.told.Add(1) }))
	t.Cleanup(sink.Close)
	writeFile(t, filepath.Join(w.dir, "prometheus.yml"), `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ["*.rules.yml"]
alerting: {alertmanagers: [{static_configs: [{targets: ["alertmanager:9093"]}]}]}
scrape_configs: [{job_name: itself, static_configs: [{targets: ["prometheus:9090"]}]}]
`)
	writeFile(t, filepath.Join(w.dir, "a.rules.yml"), watchedRules)
	writeFile(t, filepath.Join(w.dir, "alertmanager.yml"), `
route: {receiver: team, group_wait: 0s, group_interval: 1s, repeat_interval: 1s}
receivers: [{name: team, webhook_configs: [{url: "`+sink.URL+`"}]}]
`)
	writeFile(t, filepath.Join(w.dir, "promtail.yml"), `
clients: [{url: "http://loki:3100/loki/api/v1/push"}]
scrape_configs: [{job_name: files, static_configs: [{labels: {job: files, __path__: "`+w.dir+`/*.log"}}]}]
`)
	o := testOptions(t, "--config.dir="+w.dir, "--web.enable-lifecycle")
	o.LogCollector.On = true
	change(&o)
	w.running = start(t, o)
	return w
}

// abilities are what the parts do for users; the value is the part.
var abilities = map[string]string{"scrapes": "promserver", "evaluates": "promserver", "notifies": "alertmanager", "stores logs": "loki", "serves dashboards": "dashboards"}

// can reports whether an ability works.
func (w *watched) can(t *testing.T, ability string) bool {
	ok := func(method, path, body, want string) bool {
		code, _, answer := w.ask(t, admin, method, path, body, "Content-Type", "application/json")
		return code/100 == 2 && strings.Contains(answer, want)
	}
	switch ability {
	case "scrapes":
		return ok(http.MethodGet, "/api/v1/query?query=count_over_time(up%7Bjob%3D%22itself%22%7D%5B5s%5D)%20%3E%201", "", `"job":"itself"`)
	case "evaluates":
		return ok(http.MethodGet, "/api/v1/query?query=ALERTS%7Balertname%3D%22Fires%22%7D", "", "Fires")
	case "notifies":
		before := w.told.Load()
		// Send it directly, so that the check does not depend on Prometheus.
		name := time.Now().Format("t150405.000000")
		return ok(http.MethodPost, "/api/v2/alerts", `[{"labels":{"alertname":"`+name+`"}}]`, "") && eventually(func() bool { return w.told.Load() > before })
	case "stores logs":
		now := time.Now()
		line := now.Format("t150405.000000000")
		return ok(http.MethodPost, "/loki/api/v1/push", `{"streams":[{"stream":{"job":"x"},"values":[["`+nanos(now)+`","`+line+`"]]}]}`, "") &&
			eventually(func() bool {
				return ok(http.MethodGet, "/loki/api/v1/query_range?query=%7Bjob%3D%22x%22%7D", "", line)
			})
	case "serves dashboards":
		return ok(http.MethodGet, "/api/dashboards/uid/ausguck-overview", "", "ausguck-overview")
	}
	return false
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func eventually(f func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if f() {
			return true
		}
	}
	return false
}

// requireOthers fails if any ability besides those of the part that is down does not work.
func (w *watched) requireOthers(t *testing.T, down string) {
	t.Helper()
	for ability, part := range abilities {
		if part != down {
			require.Eventually(t, func() bool { return w.can(t, ability) }, 30*time.Second, 200*time.Millisecond, "without %s it still %s", down, ability)
		}
	}
}

// A part that cannot start is down and reports the reason, the others work, and it comes up once the reason is gone.
func TestPartsFailAloneAtTheStart(t *testing.T) {
	for part, blocked := range map[string]string{
		"promserver": "prometheus", "alertmanager": "alertmanager", "loki": "loki", "logcollector": "promtail", "dashboards": "dashboards",
	} {
		t.Run(part, func(t *testing.T) {
			var obstacle string
			w := watch(t, func(o *app.Options) {
				obstacle = filepath.Join(o.StoragePath, blocked)
				writeFile(t, obstacle, "a file where a folder should be")
			})
			_, ready := w.do(t, http.MethodGet, "/-/ready")
			require.Contains(t, ready, part+" is down: ")
			require.Contains(t, ready, obstacle)
			_, metrics := w.do(t, http.MethodGet, "/metrics")
			require.Contains(t, metrics, `ausguck_part_ready{part="`+part+`"} 0`)
			code, status := w.do(t, http.MethodGet, "/api/ausguck/status")
			require.Equal(t, http.StatusOK, code)
			require.Contains(t, status, obstacle)
			code, page := w.do(t, http.MethodGet, "/status")
			require.Equal(t, http.StatusOK, code)
			require.Contains(t, page, filepath.Base(obstacle))
			w.requireOthers(t, part)

			require.NoError(t, os.Remove(obstacle))
			require.Eventually(t, func() bool {
				_, ready := w.do(t, http.MethodGet, "/-/ready")
				return ready == "Ausguck is ready.\n"
			}, 40*time.Second, 100*time.Millisecond)
			w.requireOthers(t, "")
		})
	}
}

// Without its users the program lets nobody log in, but continues to scrape, evaluate and notify.
func TestPartsGoOnWithoutTheDatabase(t *testing.T) {
	var db string
	w := watch(t, func(o *app.Options) {
		db = filepath.Join(o.StoragePath, "elsewhere", "ausguck.db")
		require.NoError(t, os.MkdirAll(o.StoragePath, 0o755))
		require.NoError(t, os.Symlink(db, filepath.Join(o.StoragePath, "ausguck.db")))
	})
	code, answer := w.do(t, http.MethodGet, "/api/v1/labels")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, answer, "auth is down: ")
	require.Contains(t, answer, "ausguck.db: no such file or directory")
	require.Eventually(t, func() bool { return w.told.Load() > 1 }, 30*time.Second, 50*time.Millisecond, "it notifies without the history of notifications")
	require.NoError(t, os.MkdirAll(filepath.Dir(db), 0o755))
	require.Eventually(t, func() bool {
		_, ready := w.do(t, http.MethodGet, "/-/ready")
		return ready == "Ausguck is ready.\n"
	}, 40*time.Second, 100*time.Millisecond)
	w.requireOthers(t, "")
}

// breakable is a part that fails on demand.
type breakable struct {
	lifecycle.Component
	mtx   sync.Mutex
	fails func() error
	kick  context.CancelFunc
}

func (b *breakable) Run(ctx context.Context, ready func()) error {
	b.mtx.Lock()
	fails := b.fails
	inner, kick := context.WithCancel(ctx)
	b.kick = kick
	b.mtx.Unlock()
	if fails != nil {
		return fails()
	}
	err := b.Component.Run(inner, ready)
	b.mtx.Lock()
	fails = b.fails
	b.mtx.Unlock()
	if ctx.Err() == nil && fails != nil {
		return errors.Join(err, fails())
	}
	return err
}

func (b *breakable) set(fails func() error) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	b.fails = fails
	if fails != nil {
		b.kick()
	}
}

// A part that fails at run time, with an error or a panic, is restarted without effects on the others.
func TestPartsFailAloneWhileRunning(t *testing.T) {
	parts := map[string]*breakable{}
	w := watch(t, func(o *app.Options) {
		o.Wrap(func(name string, c lifecycle.Component) lifecycle.Component {
			parts[name] = &breakable{Component: c}
			return parts[name]
		})
	})
	w.requireOthers(t, "")
	require.GreaterOrEqual(t, len(parts), 7)
	for name, part := range parts {
		t.Run(name, func(t *testing.T) {
			part.set(func() error {
				if len(name)%2 == 0 {
					panic("made by the test")
				}
				return errors.New("made by the test")
			})
			require.Eventually(t, func() bool {
				_, ready := w.do(t, http.MethodGet, "/-/ready")
				return strings.Contains(ready, name+" is down: ") && strings.Contains(ready, "made by the test")
			}, 20*time.Second, 20*time.Millisecond)
			if name != "auth" { // auth is required for requests
				w.requireOthers(t, name)
			}
			part.set(nil)
			require.Eventually(t, func() bool {
				_, ready := w.do(t, http.MethodGet, "/-/ready")
				return ready == "Ausguck is ready.\n"
			}, 60*time.Second, 100*time.Millisecond)
			w.requireOthers(t, "")
		})
	}
}
