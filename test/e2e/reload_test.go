package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const goodConfig = `global:
  scrape_interval: 15s
  evaluation_interval: 1s
rule_files:
  - one.rules.yml
scrape_configs:
  - job_name: first
    static_configs:
      - targets: ['127.0.0.1:1']
`

const goodRules = `groups:
  - name: one
    rules:
      - record: one:value
        expr: vector(1)
`

// The interval in line 2 and the field in line 8 are invalid.
const brokenConfig = `global:
  scrape_interval: soon
  evaluation_interval: 1s
rule_files:
  - one.rules.yml
scrape_configs:
  - job_name: changed
    scrape_intervall: 15s
    static_configs:
      - targets: ['127.0.0.1:2']
`

// The expression in line 5 is incomplete.
const brokenRules = `groups:
  - name: one
    rules:
      - record: one:changed
        expr: sum(rate(
`

// The places that must be reported for brokenConfig and brokenRules.
var (
	configPlaces = []string{`prometheus\.yml:2: `, `prometheus\.yml:8: `}
	rulesPlaces  = []string{`one\.rules\.yml:5: `}
)

func TestReloadTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, reload := range map[string]func(s *server, t *testing.T, refused []string){
		"POST":   (*server).reloadByPost,
		"SIGHUP": (*server).reloadBySignal,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := configDir(t, map[string]string{"prometheus.yml": goodConfig, "one.rules.yml": goodRules})
			s := startAusguck(t, config, t.TempDir(), append([]string{"--web.enable-lifecycle"}, metricsOnly...)...)
			s.waitValue(t, 15*time.Second, "one:value", 1)
			eventually(t, 15*time.Second, func() error {
				return errUnless(s.targets(t)["first"].Labels != nil, "the target of the first job is not there")
			})
			before := s.applied(t)

			changedConfig := strings.ReplaceAll(goodConfig, "first", "second")
			changedRules := strings.ReplaceAll(goodRules, "one:value", "one:second")
			for _, broken := range []struct {
				config, rules string
				places        []string
			}{
				{brokenConfig, brokenRules, slices.Concat(configPlaces, rulesPlaces)},
				{brokenConfig, changedRules, configPlaces},
				{changedConfig, brokenRules, rulesPlaces},
			} {
				rewrite(t, config, map[string]string{"prometheus.yml": broken.config, "one.rules.yml": broken.rules})
				reload(s, t, broken.places)
				require.Equal(t, before, s.applied(t), "a refused reload changes nothing")
				require.Zero(t, metric(s.get(t, "/metrics"), "prometheus_config_last_reload_successful"))
			}

			rewrite(t, config, map[string]string{"prometheus.yml": changedConfig, "one.rules.yml": changedRules})
			reload(s, t, nil)
			require.EqualValues(t, 1, metric(s.get(t, "/metrics"), "prometheus_config_last_reload_successful"))
			s.waitValue(t, 15*time.Second, "one:second", 1)
			require.Contains(t, s.get(t, "/api/v1/status/config"), "job_name: second")
			eventually(t, 15*time.Second, func() error {
				return errUnless(s.targets(t)["second"].Labels != nil, "the target of the new job is not there")
			})
			s.stop(t)
		})
	}
}

// reloadByPost reloads over HTTP; the response must name each of the places, or be successful if there are
// none.
func (s *server) reloadByPost(t *testing.T, refused []string) {
	t.Helper()
	status, body := s.do(t, http.MethodPost, "/-/reload", nil, "")
	if len(refused) == 0 {
		require.Equal(t, http.StatusOK, status, body)
		return
	}
	require.Equal(t, http.StatusInternalServerError, status, body)
	for _, place := range refused {
		require.Regexp(t, place, body)
	}
}

// reloadBySignal reloads by SIGHUP and waits until the log names each of the places, or reports the reload.
func (s *server) reloadBySignal(t *testing.T, refused []string) {
	t.Helper()
	if len(refused) == 0 {
		refused = []string{`(?i)configuration reloaded`}
	}
	before := len(s.output.String())
	s.signal(t, syscall.SIGHUP)
	eventually(t, 15*time.Second, func() error {
		report := s.output.String()[before:]
		for _, place := range refused {
			if !matches(place, report) {
				return fmt.Errorf("nothing that matches %s in %q", place, report)
			}
		}
		return nil
	})
}

// applied returns what the API reports about the configuration and the rules, without times.
func (s *server) applied(t *testing.T) []string {
	t.Helper()
	var rules struct {
		Groups []struct {
			Name, File string
			Rules      []struct{ Name, Query string }
		}
	}
	var config struct{ YAML string }
	s.data(t, "/api/v1/rules", nil, &rules)
	s.data(t, "/api/v1/status/config", nil, &config)
	applied := []string{config.YAML}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			applied = append(applied, group.File+" "+group.Name+" "+rule.Name+" "+rule.Query)
		}
	}
	for job := range s.targets(t) {
		applied = append(applied, job)
	}
	slices.Sort(applied)
	return applied
}

func rewrite(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
}

func TestQuitOverHTTP(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, map[string]string{"prometheus.yml": quietConfig}), t.TempDir(),
		append([]string{"--web.enable-lifecycle"}, metricsOnly...)...)
	status, body := s.do(t, http.MethodPost, "/-/quit", nil, "")
	require.Equal(t, http.StatusOK, status, body)
	require.Zero(t, s.exitCode(t, stopTimeout))
}

// The page's notifications arrive on their stream when a reload fails, and disappear when one succeeds.
func TestLiveNotifications(t *testing.T) {
	t.Parallel()
	config := configDir(t, map[string]string{"prometheus.yml": goodConfig, "one.rules.yml": goodRules})
	s := startAusguck(t, config, t.TempDir(), append([]string{"--web.enable-lifecycle"}, metricsOnly...)...)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/notifications/live", nil)
	require.NoError(t, err)
	response, err := s.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	events := make(chan string, 16)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- data
			}
		}
	}()
	next := func() string {
		select {
		case event := <-events:
			return event
		case <-time.After(15 * time.Second):
			require.FailNow(t, "no event")
			return ""
		}
	}

	rewrite(t, config, map[string]string{"prometheus.yml": brokenConfig})
	status, _ := s.do(t, http.MethodPost, "/-/reload", nil, "")
	require.Equal(t, http.StatusInternalServerError, status)
	event := next()
	require.Contains(t, event, "reload has failed")
	require.Contains(t, event, `"active":true`)
	require.Contains(t, s.get(t, "/api/v1/notifications"), "reload has failed")

	rewrite(t, config, map[string]string{"prometheus.yml": goodConfig})
	status, _ = s.do(t, http.MethodPost, "/-/reload", nil, "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, next(), `"active":false`)
	require.NotContains(t, s.get(t, "/api/v1/notifications"), "reload has failed")
}
