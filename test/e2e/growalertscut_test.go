package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sentBy checks that only this member has sent the notifications about a part.
func (c *alertCluster) sentBy(t *testing.T, number int, part string) {
	t.Helper()
	for n := 1; n <= 3; n++ { // the stock Alertmanager has no list
		want := map[bool]int{true: 2}[n == number] // Slack and email
		eventually(t, time.Minute, func() error {
			sent := strings.Count(c.members[n].get(t, "/api/ausguck/alerting/notifications?result=delivered"), fmt.Sprintf(`"groupLabels":{"part":%q}`, part))
			return errUnless(sent == want, "server-%d has sent %d notifications about %s, want %d", n, sent, part, want)
		})
	}
}

// delivered returns what each Ausguck says about its notifications of a part.
func (c *alertCluster) delivered(t *testing.T, part string) (text string) {
	t.Helper()
	for n := 1; n <= 3; n++ {
		text += fmt.Sprintf("server-%d: %s\n", n, c.members[n].get(t, "/api/ausguck/alerting/notifications?part="+part))
	}
	return text
}

// changeSilences makes silences on both sides of a cut between the first member and the others, and expires one that all know. The
// returned function checks that every member has all changes.
func (c *alertCluster) changeSilences(t *testing.T, known string) (joined func()) {
	t.Helper()
	one, two := c.members[1].silence(t, "part", "side-1"), c.members[2].silence(t, "part", "side-2")
	code, answer := c.members[2].do(t, http.MethodDelete, "/api/v2/silence/"+known, nil, "")
	require.Equal(t, http.StatusOK, code, answer)
	require.Contains(t, c.members[1].get(t, "/api/v2/silence/"+known), `"state":"active"`, "a side does not know what the other one does")
	return func() {
		for n, m := range c.members {
			for id, state := range map[string]string{one: "active", two: "active", known: "expired"} {
				eventually(t, time.Minute, func() error {
					_, answer := m.do(t, http.MethodGet, "/api/v2/silence/"+id, nil, "")
					return errUnless(strings.Contains(answer, `"state":"`+state+`"`), "server-%d says %s, want %s", n, answer, state)
				})
			}
		}
	}
}

// losesReceiver cuts the third member off from the others and from the receivers: the others send, and it says what it cannot do.
func (c *alertCluster) losesReceiver(t *testing.T) {
	t.Helper()
	c.hosts[3].cut(t)
	lost := map[string]string{"alertname": "Broken", "part": "lost"}
	for n := 1; n <= 3; n++ {
		c.members[n].fire(t, lost)
	}
	c.wait(t, "FIRING", "lost")
	c.waitMembers(t, 1, 2, 4)
	eventually(t, 2*time.Minute, func() error { // when it is its turn
		return errUnless(c.members[3].output.matches(`Notify attempt failed, will retry later.*part=\\\\?"lost`), "server-3 does not say that it could not send")
	})
	eventually(t, time.Minute, func() error {
		for _, integration := range []string{"slack", "email"} {
			failed := regexp.MustCompile(`(?m)^ausguck_alertmanager_notification_attempts_total\{integration="` + integration + `",receiver="team",result="retrying"\} [1-9]`)
			if !failed.MatchString(c.members[3].get(t, "/metrics")) {
				return fmt.Errorf("no attempt by %s has failed", integration)
			}
		}
		return nil
	})
	require.Contains(t, c.members[3].get(t, "/api/ausguck/alerting/notifications?result=retrying"), `"groupLabels":{"part":"lost"}`)
	require.Equal(t, [2]int{1, 1}, c.got("FIRING")["lost"])
	c.hosts[3].join(t)
	c.waitMembers(t, 1, 2, 3, 4)
}

// repeated returns how often the part was reported after losesReceiver, and takes it out of the counts.
func (c *alertCluster) repeated(t *testing.T, counts map[string][2]int) {
	t.Helper()
	for way, count := range counts["lost"] {
		require.GreaterOrEqual(t, count, 1)
		require.LessOrEqual(t, count, 2, "the member repeats more than the message that it retries")
		figure(t, "a member lost the others and the receivers: %s reports %d of 1 notifications", []string{"Slack", "email"}[way], count)
	}
	delete(counts, "lost")
}

// leaves stops the stock Alertmanager for good: another member misses it until it is restarted, because it is none of its --cluster.peer.
func (c *alertCluster) leaves(t *testing.T) {
	t.Helper()
	c.members[4].stop(t)
	failed := func() float64 {
		return metric(c.members[2].get(t, "/metrics"), "alertmanager_cluster_failed_peers")
	}
	eventually(t, time.Minute, func() error { return errUnless(failed() == 1, "server-2 misses %v members", failed()) })
	c.members[2].stop(t)
	c.start(t, 2)
	c.members[2].waitReady(t, time.Minute)
	c.waitMembers(t, 1, 2, 3)
	require.Zero(t, failed())
}

// differs gives the second member another receiver, so that it repeats what the first one sends.
func (c *alertCluster) differs(t *testing.T) {
	t.Helper()
	path := filepath.Join(c.config[2], "alertmanager.yml")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	writeFile(t, path, strings.NewReplacer("receiver: team", "receiver: other", "name: team", "name: other").Replace(string(content)))
	c.members[2].reloadBySignal(t, nil)
	c.set(true, "different")
	eventually(t, time.Minute, func() error {
		return errUnless(c.got("FIRING")["different"] == [2]int{2, 2}, "so far %v", c.got("FIRING")["different"])
	})
}
