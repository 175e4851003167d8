package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// everywhere replaces the address and name of the first host of a page by those of another.
func everywhere(text string, number int) string {
	own := strings.NewReplacer("listen-address=10.0.0.1:", fmt.Sprintf("listen-address=10.0.0.%d:", number),
		"advertise-address=10.0.0.1:", fmt.Sprintf("advertise-address=10.0.0.%d:", number),
		"server-1", fmt.Sprintf("server-%d", number))
	return own.Replace(text)
}

// installed starts Ausguck on a host with the flags of a command of docs/grow.md, which it changes for the host and for the folders,
// and with more flags. It does not wait.
func (h *host) installed(t *testing.T, number int, config, storage string, command []string, flags ...string) *server {
	t.Helper()
	var args []string
	for _, arg := range command {
		arg = everywhere(arg, number)
		arg = strings.Replace(arg, "--config.dir=/etc/ausguck", "--config.dir="+config, 1)
		args = append(args, strings.Replace(arg, "--storage.path=/var/lib/ausguck", "--storage.path="+storage, 1))
	}
	cmd := exec.Command(ausguckBinary(t), append(args, flags...)...)
	cmd.Env = append(os.Environ(), passwordEnv, fmt.Sprintf("PROMETHEUS_REPLICA=server-%d", number))
	s := h.program(t, 3000, cmd)
	s.url = urlOf("admin", adminPassword, s.address)
	return s
}

// peers returns the names of the members of an Alertmanager's cluster, once it has settled.
func (s *server) peers(t *testing.T) (names []string) {
	t.Helper()
	var status struct {
		Cluster struct {
			Status string
			Peers  []struct{ Name string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/api/v2/status")), &status))
	if status.Cluster.Status == "ready" {
		for _, p := range status.Cluster.Peers {
			names = append(names, p.Name)
		}
	}
	return names
}

// apart separates the host from others, but not from the rest of the network; together ends it.
func (h *host) apart(t *testing.T, others ...*host) {
	t.Helper()
	for _, o := range others {
		h.run(t, "ip", "route", "add", "blackhole", o.ip+"/32")
		o.run(t, "ip", "route", "add", "blackhole", h.ip+"/32")
	}
}

func (h *host) together(t *testing.T, others ...*host) {
	t.Helper()
	for _, o := range others {
		h.run(t, "ip", "route", "delete", "blackhole", o.ip+"/32")
		o.run(t, "ip", "route", "delete", "blackhole", h.ip+"/32")
	}
}

// alertCluster are three Ausgucks and a stock Alertmanager. The first two Ausgucks evaluate the rules.
type alertCluster struct {
	*desk
	hosts   map[int]*host
	members map[int]*server
	config  map[int]string
	start   func(t *testing.T, number int)
}

func newAlertCluster(t *testing.T, peerTimeout time.Duration, flags ...string) *alertCluster {
	t.Helper()
	network := newLAN(t)
	c := &alertCluster{desk: newDesk(t, network), hosts: map[int]*host{}, members: map[int]*server{}}
	page := readGrowPage(t).section(t, "Alerts in a cluster")
	command := page.command(t, "ausguck")
	alerts := c.alertmanagerConfig(4*peerTimeout + time.Second)
	config, storage := map[int]string{}, map[int]string{}
	c.config = config
	for n := 1; n <= 4; n++ {
		c.hosts[n] = network.host(t, n)
		files := map[string]string{
			"prometheus.yml": page.file(t, "prometheus.yml"), "web.yml": page.file(t, "web.yml"), "alertmanager.yml": alerts,
			"secrets/peer_password": "change-me-please",
		}
		if n < 3 {
			const last = `"10.0.0.3:3000"]` + "\n"
			require.Contains(t, files["prometheus.yml"], last)
			files["prometheus.yml"] = strings.Replace(files["prometheus.yml"], last, last+stockAlertmanager, 1) + scrapeDesk
			files["grow.rules.yml"] = growRules
		}
		config[n], storage[n] = configDir(t, files), t.TempDir()
	}
	c.start = func(t *testing.T, n int) {
		t.Helper()
		flags := append(flags, "--cluster.peer-timeout="+peerTimeout.String())
		own := append(flags, "--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-log-collector", "--no-loki", "--scrape.discovery-reload-interval=1s")
		switch n {
		case 4:
			args := []string{"--config.file=" + filepath.Join(config[n], "alertmanager.yml"), "--storage.path=" + storage[n]}
			for _, arg := range command {
				if strings.HasPrefix(arg, "--cluster.") {
					args = append(args, everywhere(arg, n))
				}
			}
			c.members[n] = c.hosts[n].program(t, 9093, exec.Command(stockBinary(t, "alertmanager"), append(args, flags...)...))
			return
		case 3: // as in a container
			inside := regexp.MustCompile("`(--cluster.listen-address=0.0.0.0:9094) (--cluster.advertise-address=.*?)`").FindStringSubmatch(page.text)
			require.NotNil(t, inside)
			var args []string
			for _, arg := range command {
				if !strings.HasPrefix(arg, "--cluster.listen-address=") {
					args = append(args, arg)
				}
			}
			command := append(args, inside[1], inside[2], "--cluster.peer=nobody.invalid:9094")
			c.members[n] = c.hosts[n].installed(t, n, config[n], storage[n], command, own...)
		default:
			c.members[n] = c.hosts[n].installed(t, n, config[n], storage[n], command, own...)
		}
	}
	for n := range c.hosts {
		c.start(t, n)
	}
	for n := range c.hosts {
		c.members[n].waitReady(t, time.Minute)
	}
	c.waitMembers(t, 1, 2, 3, 4)
	return c
}

// waitMembers waits until the running members know each other, and nobody else.
func (c *alertCluster) waitMembers(t *testing.T, numbers ...int) {
	t.Helper()
	var want []string
	for _, n := range numbers {
		want = append(want, fmt.Sprintf("server-%d", n))
	}
	for _, n := range numbers {
		eventually(t, 2*time.Minute, func() error {
			names := c.members[n].peers(t)
			return errUnless(len(names) == len(want) && containsAll(strings.Join(names, " "), want), "server-%d sees %v, want %v", n, names, want)
		})
	}
}

// Each notification is sent once by a cluster of three Ausgucks and a stock Alertmanager, also when one is killed, restarted, or
// separated from the others.
func TestGrowAlertCluster(t *testing.T) {
	t.Parallel()
	peerTimeout, flags := 1500*time.Millisecond, []string{"--cluster.gossip-interval=100ms", "--cluster.probe-interval=500ms", "--cluster.probe-timeout=400ms", "--cluster.reconnect-interval=1s"}
	if *growLong {
		peerTimeout, flags = 15*time.Second, nil
	}
	begin := time.Now()
	c := newAlertCluster(t, peerTimeout, flags...)
	figure(t, "a cluster of four has settled after %.0f s", time.Since(begin).Seconds())
	want := map[string][2]int{}
	once := func(parts ...string) {
		for _, part := range parts {
			want[part] = [2]int{1, 1}
		}
	}
	phase := func(name string) { t.Logf("%s after %.0f s", name, time.Since(begin).Seconds()) }
	// Members that do not agree yet who is there may have the same turn. A group_wait of 30 seconds is longer than that; a short one is not.
	noticed := func(numbers ...int) {
		if !*growLong {
			c.waitMembers(t, numbers...)
		}
	}
	turns := func() { waitUntil(t, time.Now().Add(4*peerTimeout)) } // every member had its turn to send again

	// A silence made on one holds on all.
	known := ""
	for _, n := range []int{4, 1, 3} {
		id := c.members[n].silence(t, "part", fmt.Sprintf("silenced-%d", n))
		made := time.Now()
		for _, m := range c.members {
			eventually(t, time.Minute, func() error {
				code, _ := m.do(t, http.MethodGet, "/api/v2/silence/"+id, nil, "")
				return errUnless(code == http.StatusOK, "%s does not know it: %d", m.address, code)
			})
		}
		known = c.members[n].silence(t, "part", "unused")
		figure(t, "a silence made on server-%d is known to all after %.1f s", n, time.Since(made).Seconds())
		c.set(true, fmt.Sprintf("silenced-%d", n))
	}

	c.set(true, "first")
	c.wait(t, "FIRING", "first")
	once("first")
	phase("first")
	c.sentBy(t, 1, "first")
	for n, m := range c.members {
		eventually(t, time.Minute, func() error {
			count := m.alertCount(t, "alertname=Broken")
			return errUnless(count == 4, "server-%d has %d alerts, want each of both replicas once", n, count)
		})
	}

	// The member that sends first, which also evaluates rules, is killed once the others know what it has sent.
	for n := 2; n <= 4; n++ {
		eventually(t, time.Minute, func() error {
			known := metric(c.members[n].get(t, "/metrics"), "alertmanager_nflog_gossip_messages_propagated_total")
			return errUnless(known >= 2, "server-%d knows of %v messages", n, known)
		})
	}
	c.members[1].kill()
	noticed(2, 3, 4)
	c.set(true, "killed")
	c.set(false, "first")
	c.wait(t, "FIRING", "killed")
	c.wait(t, "RESOLVED", "first")
	once("killed")
	c.waitMembers(t, 2, 3, 4)
	phase("killed")

	// It comes back while another one restarts.
	c.members[3].stop(t)
	c.start(t, 3)
	c.start(t, 1)
	c.members[1].waitReady(t, time.Minute)
	c.members[3].waitReady(t, time.Minute)
	c.waitMembers(t, 1, 2, 3, 4)
	c.set(true, "back")
	c.wait(t, "FIRING", "back")
	once("back")
	phase("back")
	turns()
	require.Equal(t, want, c.got("FIRING"))
	require.Equal(t, map[string][2]int{"first": {1, 1}}, c.got("RESOLVED"))

	// Each side of a separated cluster sends, because it cannot know of the other.
	c.hosts[1].apart(t, c.hosts[2], c.hosts[3], c.hosts[4])
	noticed(1)
	noticed(2, 3, 4)
	c.set(true, "cut")
	eventually(t, time.Minute, func() error {
		return errUnless(c.got("FIRING")["cut"] == [2]int{2, 2}, "so far %v", c.got("FIRING"))
	})
	want["cut"] = [2]int{2, 2}
	phase("cut")
	c.waitMembers(t, 1)
	c.waitMembers(t, 2, 3, 4)
	joined := c.changeSilences(t, known)
	phase("two sides")
	c.hosts[1].together(t, c.hosts[2], c.hosts[3], c.hosts[4])
	c.waitMembers(t, 1, 2, 3, 4)
	joined()
	phase("together")
	c.losesReceiver(t)
	phase("receiver lost")
	c.leaves(t)
	c.set(true, "joined")
	c.wait(t, "FIRING", "joined")
	once("joined")
	phase("joined")
	turns()
	c.set(false, "cut", "back")
	c.wait(t, "RESOLVED", "cut", "back")
	phase("resolved")
	turns()
	fired := c.got("FIRING")
	c.repeated(t, fired)
	require.Equal(t, want, fired, "%s%s", c.slack.told(), c.delivered(t, "cut"))
	require.Equal(t, map[string][2]int{"first": {1, 1}, "back": {1, 1}, "cut": {1, 1}}, c.got("RESOLVED"), "%s%s", c.slack.told(), c.delivered(t, "back"))
	figure(t, "%d alerts fired and %d ended with a kill, a restart and a cut: each was reported once by Slack and by email, the one during the cut once by each side", len(fired), len(c.got("RESOLVED")))
	c.differs(t)
	for n := 1; n <= 3; n++ {
		m := c.members[n]
		memory := m.memory(t, "VmRSS")
		figure(t, "server-%d uses %s MiB; the cluster port has received %s messages", n, strconv.Itoa(memory>>20),
			strconv.FormatFloat(metric(m.get(t, "/metrics"), "alertmanager_cluster_messages_received_total"), 'f', 0, 64))
	}
}
