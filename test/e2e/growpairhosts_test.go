package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// keepsPerHost checks each row of "What is the same on both hosts, and what is not" of docs/grow.md, with changes on one of the hosts.
func (p *pair) keepsPerHost(t *testing.T, mine int) {
	t.Helper()
	s, other := p.servers[mine], p.servers[3-mine]
	post := func(path, body string) string {
		t.Helper()
		code, answer := s.do(t, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, body)
		require.Less(t, code, 300, "%s: %s", path, answer)
		return answer
	}
	const page, line = "/api/ausguck/status-pages/example", `{"streams": [{"stream": {"job": "app"}, "values": [["%d", "a line of one host"]]}]}`
	p.set(true, "listed")
	post("/api/dashboards/db", `{"dashboard": {"uid": "from-the-page", "title": "From the page", "panels": []}}`)
	post("/api/datasources", `{"name": "Page", "uid": "from-the-page", "type": "prometheus", "access": "proxy", "url": "http://10.0.0.5:10932"}`)
	post("/api/admin/users", `{"login": "ann", "password": "a long password"}`)
	post("/api/ausguck/probes", `{"name": "page", "url": "http://10.0.0.8/metrics"}`)
	post("/hb/"+pairToken, "")
	post("/loki/api/v1/push", fmt.Sprintf(line, time.Now().UnixNano()))
	post(page+"/incidents", `{"title": "Delays", "components": ["Shop"], "text": "We look."}`)
	p.subscribe(t, s)
	_, token := s.serviceAccount(t, "peer", "Editor")
	silence, made := s.silence(t, "part", "silenced"), time.Now()
	eventually(t, time.Minute, func() error {
		code, _ := other.do(t, http.MethodGet, "/api/v2/silence/"+silence, nil, "")
		return errUnless(code == http.StatusOK, "the other host does not know the silence")
	})
	figure(t, "the other host of a pair knows a silence after %.1f s", time.Since(made).Seconds())
	eventually(t, time.Minute, func() error {
		return errUnless(strings.Contains(s.logLines(t), "a line of one host"), "the line is not stored")
	})

	for n, s := range p.servers {
		anonymous := *s
		anonymous.url = "http://" + s.address
		code := func(header map[string]string, path string) int {
			code, _ := anonymous.do(t, http.MethodGet, path, header, "")
			return code
		}
		has := func(path string) bool {
			code, answer := s.do(t, http.MethodGet, path, nil, "")
			require.Contains(t, []int{http.StatusOK, http.StatusNotFound}, code, answer)
			return code == http.StatusOK
		}
		require.True(t, has("/api/dashboards/uid/from-a-file"), "server-%d", n)
		require.True(t, has("/api/datasources/uid/from-a-file"), "server-%d", n)
		require.Contains(t, s.get(t, "/api/ausguck/probes"), `"name":"file"`, "server-%d", n)
		require.Equal(t, http.StatusOK, code(as("admin", adminPassword), "/api/user"), "server-%d", n)
		require.Equal(t, http.StatusOK, code(as("peer", "change-me-please"), "/api/v1/labels"), "server-%d knows the user of web.yml", n)
		for what, here := range map[string]bool{
			"dashboard":       has("/api/dashboards/uid/from-the-page"),
			"data source":     has("/api/datasources/uid/from-the-page"),
			"user":            has("/api/users/lookup?loginOrEmail=ann"),
			"service account": strings.Contains(s.get(t, "/api/serviceaccounts/search"), `"name":"peer"`),
			"probe":           strings.Contains(s.get(t, "/api/ausguck/probes"), `"name":"page"`),
			"log line":        strings.Contains(s.logLines(t), "a line of one host"),
			"incident":        strings.Contains(s.get(t, "/api/ausguck/status-pages"), "Delays"),
			"subscriber":      strings.Contains(s.get(t, page+"/subscribers"), "ann@example.com"),
			"ping":            s.heartbeats(t)["backup"].Pings["success"] == 1,
		} {
			require.Equal(t, n == mine, here, "%s: server-%d", what, n)
		}
		bearer := map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}
		for header, got := range map[string]int{"password": code(as("ann", "a long password"), "/api/user"), "token": code(bearer, "/api/user")} {
			require.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[n == mine], got, "%s: server-%d", header, n)
		}
		status, _ := anonymous.do(t, http.MethodPost, "/api/v2/alerts", bearer, "[]")
		require.Equal(t, n == mine, status == http.StatusOK, "server-%d: a peer with the role Editor sends alerts: %d", n, status)
	}

	// Both evaluate the same alert; the first in the order of their names notifies and lists it.
	p.wait(t, "FIRING", "listed")
	for n, s := range p.servers {
		s.waitValue(t, time.Minute, `count(ALERTS{alertname="Broken", part="listed", alertstate="firing"})`, 1)
		want := map[int]int{1: 2, 2: 0}[n]
		eventually(t, time.Minute, func() error {
			listed := strings.Count(s.get(t, "/api/ausguck/alerting/notifications"), `"groupLabels":{"part":"listed"}`)
			return errUnless(listed == want, "server-%d lists %d notifications by Slack and by email, and has sent %d", n, listed, want)
		})
	}

	// A ping through one host only is missing on the other one; pings to both are not.
	eventually(t, time.Minute, func() error {
		up := metric(other.get(t, "/metrics"), "ausguck_heartbeat_up")
		return errUnless(up == 0, "the other host does not miss the heartbeat: %v", up)
	})
	for n, s := range p.servers {
		code, answer := s.do(t, http.MethodPost, "/hb/"+pairToken, nil, "")
		require.Equal(t, http.StatusOK, code, answer)
		require.Equal(t, 1.0, metric(s.get(t, "/metrics"), "ausguck_heartbeat_up"), "server-%d", n)
	}
}

// logLines returns the lines of the job app of the last hour.
func (s *server) logLines(t *testing.T) string {
	t.Helper()
	return s.get(t, "/loki/api/v1/query_range?"+url.Values{"query": {`{job="app"}`}}.Encode())
}

// subscribe subscribes ann@example.com to the status page of a host.
func (p *pair) subscribe(t *testing.T, s *server) {
	t.Helper()
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://" + s.address}
	code, answer := s.do(t, http.MethodPost, "/status-page/example/subscribe", form, "email=ann%40example.com")
	require.Equal(t, http.StatusOK, code, answer)
	link := ""
	eventually(t, time.Minute, func() error {
		for _, m := range p.mail.all() {
			if strings.HasSuffix(m.path, " ann@example.com") {
				_, text := m.letter(t)
				link = linkOfMail.FindString(text)
			}
		}
		return errUnless(link != "", "there is no mail with a link")
	})
	path, found := strings.CutPrefix(link, p.public())
	require.True(t, found, "%s leads to the proxy", link)
	code, answer = s.do(t, http.MethodPost, path, form, "")
	require.Equal(t, http.StatusOK, code, answer)
	require.Contains(t, answer, "You are subscribed.")
}

// watched changes files of one host and checks that the other one notices.
func (p *pair) watched(t *testing.T, mine int) {
	t.Helper()
	s, other := p.servers[mine], p.servers[3-mine]
	for file, rule := range map[string]string{"alertmanager.yml": "AlertmanagerConfigsDiffer", "grow.rules.yml": "ReplicaLacksRules"} {
		expression, path := builtInRule(t, rule), filepath.Join(p.config[mine], file)
		require.Empty(t, other.query(t, expression), "both have the same %s", file)
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		writeFile(t, path, map[string]string{"alertmanager.yml": string(before) + "  - name: unused\n", "grow.rules.yml": "groups: []\n"}[file])
		s.reloadBySignal(t, nil)
		eventually(t, time.Minute, func() error {
			return errUnless(len(other.query(t, expression)) == 1, "the other host does not notice that %s differs", file)
		})
		writeFile(t, path, string(before))
		s.reloadBySignal(t, nil)
		eventually(t, time.Minute, func() error {
			return errUnless(len(other.query(t, expression)) == 0, "the other host does not notice that %s is the same again", file)
		})
	}
}
