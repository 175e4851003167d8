package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"
)

// desk receives the notifications of a cluster at 10.0.0.8, by Slack and by email, and exposes metrics on which rules fire.
type desk struct {
	*host
	slack inbox
	mail  *mailServer

	mtx    sync.Mutex
	broken map[string]bool
}

func newDesk(t *testing.T, l lan) *desk {
	t.Helper()
	d := &desk{host: l.host(t, 8), broken: map[string]bool{}}
	d.mail = serveMail(t, d.listen(t, d.ip+":25"))
	mux := http.NewServeMux()
	mux.Handle("/slack", &d.slack)
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		d.mtx.Lock()
		defer d.mtx.Unlock()
		for part, broken := range d.broken {
			value := 0
			if broken {
				value = 1
			}
			fmt.Fprintf(w, "broken{part=%q} %d\n", part, value)
		}
	})
	d.serve(t, 80, mux)
	t.Cleanup(func() {
		if t.Failed() {
			for _, m := range d.slack.all() {
				t.Logf("%s %s", m.at.Format(time.StampMilli), subject.FindString(m.body))
			}
		}
	})
	return d
}

// set breaks parts or repairs them.
func (d *desk) set(broken bool, parts ...string) {
	d.mtx.Lock()
	defer d.mtx.Unlock()
	for _, part := range parts {
		d.broken[part] = broken
	}
}

// alertmanagerConfig notifies the desk, in a message for each part.
func (d *desk) alertmanagerConfig(groupInterval time.Duration) string {
	groupWait := "3s"
	if *growLong {
		groupWait = "30s" // as the page says
	}
	return fmt.Sprintf(`
global:
  slack_api_url: http://%[1]s/slack
  smtp_smarthost: %[1]s:25
  smtp_from: ausguck@example.com
  smtp_auth_username: %[2]s
  smtp_auth_password: %[3]s
route: {receiver: team, group_by: [part], group_wait: %[6]s, group_interval: %[4]s, repeat_interval: 1h}
receivers:
  - name: team
    slack_configs: [{channel: '#alerts', send_resolved: true}]
    email_configs: [{to: team@example.com, send_resolved: true, tls_config: {ca_file: '%[5]s', server_name: 127.0.0.1}}]
`, d.ip, d.mail.user, d.mail.password, groupInterval, d.mail.caFile, groupWait)
}

// growRules fire for each broken part.
const growRules = "groups: [{name: grow, interval: 1s, rules: [{alert: Broken, expr: broken == 1}]}]\n"

// scrapeDesk is the rest of the prometheus.yml of an Ausguck that evaluates growRules.
const scrapeDesk = `rule_files: ['*.rules.yml']
scrape_configs:
  - {job_name: desk, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: ['10.0.0.8:80']}]}
`

// stockAlertmanager is the additional entry of alertmanagers.
const stockAlertmanager = "    - static_configs: [{targets: ['10.0.0.4:9093']}]\n"

var subject = regexp.MustCompile(`\[(FIRING|RESOLVED)[:\d]*\] ([\w-]+)`)

// got returns how often each part was reported with a status, "FIRING" or "RESOLVED", by Slack and by email.
func (d *desk) got(status string) map[string][2]int {
	counts := map[string][2]int{}
	for way, b := range []*inbox{&d.slack, &d.mail.inbox} {
		for _, m := range b.all() {
			if found := subject.FindStringSubmatch(m.body); found != nil && found[1] == status {
				count := counts[found[2]]
				count[way]++
				counts[found[2]] = count
			}
		}
	}
	return counts
}

// wait waits until each part was reported with the status in both ways.
func (d *desk) wait(t *testing.T, status string, parts ...string) {
	t.Helper()
	eventually(t, 2*time.Minute, func() error {
		counts := d.got(status)
		for _, part := range parts {
			if counts[part][0] == 0 || counts[part][1] == 0 {
				return fmt.Errorf("%s is not %s yet: %v", part, status, counts)
			}
		}
		return nil
	})
}
