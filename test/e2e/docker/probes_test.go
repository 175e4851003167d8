package docker_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// withPings is a compose file that sets which groups may send echo requests, in addition to ausguck.yml.
func (s *site) withPings(t *testing.T, groups string) (file string) {
	t.Helper()
	file = "pings.yml"
	content := fmt.Sprintf("services:\n  ausguck:\n    sysctls:\n      net.ipv4.ping_group_range: %q\n", groups)
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, file), []byte(content), 0o644))
	return file
}

// probe returns an error unless the last probe of a name had this result.
func (a *ausguck) probe(name string, success float64) error {
	r, err := a.query(fmt.Sprintf(`probe_success{job="probes", probe=%q}`, name))
	if err == nil && (len(r) != 1 || r[0].number() != success) {
		err = fmt.Errorf("probe_success of %s is %v, want %v", name, r, success)
	}
	return err
}

// reason returns why the last probe of an entry of probes.yml failed.
func (a *ausguck) reason(name string) (string, error) {
	body, err := a.get("/api/ausguck/probes")
	if err != nil {
		return "", err
	}
	var answer struct {
		Probes []struct{ Name, Reason string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return "", err
	}
	for _, p := range answer.Probes {
		if p.Name == name {
			return p.Reason, nil
		}
	}
	return "", fmt.Errorf("no probe %s in %s", name, body)
}

// Containers with the label prometheus.io/probe are probed by the image as the compose file runs it, without root, a capability or any
// configuration. When a service no longer listens, that is an alert.
func TestLabelledContainersAreProbed(t *testing.T) {
	s := newSite(t)
	load(t, "ausguck")
	t.Cleanup(func() { s.compose(t, "-f", "ausguck.yml", "down", "--volumes") })
	s.compose(t, "-f", "ausguck.yml", "up", "-d")
	a := &ausguck{url: "http://admin:secret@127.0.0.1:3000", exit: make(chan error, 1)}
	within(t, time.Minute, "ready", func() error {
		_, err := a.get("/-/ready")
		return err
	})
	for name, label := range map[string]string{
		"probed-http": "http://:8080/healthz", "probed-tcp": "tcp://:8080", "probed-icmp": "icmp://", "probed-404": "http://:8080/missing", "probed-other": "tcp://:8081",
	} {
		start(t, docker, service{name: name, networkMode: "code-agent", labels: map[string]string{"prometheus.io/probe": label}})
	}
	started := time.Now()
	for name, success := range map[string]float64{"probed-http": 1, "probed-tcp": 1, "probed-icmp": 1, "probed-404": 0, "probed-other": 0} {
		within(t, time.Minute, name, func() error { return a.probe(name, success) })
	}
	t.Attr("figure", fmt.Sprintf("containers with the label prometheus.io/probe: each is probed within %.1f s of its start", time.Since(started).Seconds()))
	for _, name := range []string{"probed-404", "probed-other"} {
		within(t, 2*time.Minute, name, func() error {
			return a.some(fmt.Sprintf(`ALERTS{alertname="ProbeDown", group="Containers", probe=%q, alertstate="firing"}`, name))
		})
	}
	require.NoError(t, noResult(a, `ALERTS{alertname="ProbeDown", probe=~"probed-(http|tcp|icmp)"}`))

	_, err := docker.cli.ContainerKill(t.Context(), "probed-http", client.ContainerKillOptions{Signal: "USR1"})
	require.NoError(t, err)
	ended := time.Now()
	within(t, time.Minute, "the service has ended", func() error { return a.probe("probed-http", 0) })
	within(t, 2*time.Minute, "the alert", func() error {
		return a.some(`ALERTS{alertname="ProbeDown", probe="probed-http", instance="http://probed-http:8080/healthz", alertstate="firing"}`)
	})
	t.Attr("figure", fmt.Sprintf("a container whose service no longer listens: ProbeDown fires after %.0f s", time.Since(ended).Seconds()))
	require.NoError(t, a.probe("probed-tcp", 1))

	// A container that is gone is not probed: ContainerDown is about it.
	remove(t, docker, "probed-tcp")
	within(t, time.Minute, "no longer probed", func() error { return noResult(a, `probe_success{probe="probed-tcp"}`) })
	require.NoError(t, noResult(a, `ALERTS{alertname="ProbeDown", probe="probed-tcp"}`))
}

// Docker permits echo requests without root. Where that is not so, what to do is in the log and on the page, for each way to probe, and
// helps.
func TestPingsInAContainer(t *testing.T) {
	s := newSite(t)
	load(t, "ausguck")
	t.Cleanup(func() { s.compose(t, "-f", "ausguck.yml", "down", "--volumes") })
	probes := "probes:\n  - {name: Self, url: 'icmp://127.0.0.1', interval: 5s}\n"
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "monitoring", "probes.yml"), []byte(probes), 0o644))
	a := &ausguck{url: "http://admin:secret@127.0.0.1:3000", exit: make(chan error, 1)}
	const remedy = `net.ipv4.ping_group_range`
	for _, c := range []struct {
		groups  string
		success float64
	}{{"", 1}, {"1 0", 0}, {"0 2147483647", 1}} {
		t.Run("groups "+c.groups, func(t *testing.T) {
			files := []string{"-f", "ausguck.yml"}
			if c.groups != "" {
				files = append(files, "-f", s.withPings(t, c.groups))
			}
			s.compose(t, append(files, "up", "-d")...)
			within(t, time.Minute, "ready", func() error {
				_, err := a.get("/-/ready")
				return err
			})
			start(t, docker, service{name: "pinged", networkMode: "code-agent", labels: map[string]string{"prometheus.io/probe": "icmp://"}})
			for _, name := range []string{"Self", "pinged"} {
				within(t, time.Minute, name, func() error { return a.probe(name, c.success) })
			}
			logs := s.containerLogs(t, "agent-ausguck")
			reason, err := a.reason("Self")
			require.NoError(t, err)
			t.Logf("pings succeed: %t; reason %q; log:\n%s", c.success == 1, reason, linesWith(logs, "ICMP"))
			if c.success == 1 {
				require.NotContains(t, logs, remedy)
				require.Empty(t, reason)
				return
			}
			require.Contains(t, logs, remedy)
			require.Contains(t, reason, remedy)
		})
	}
}

func linesWith(text, part string) (found string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found += line
		}
	}
	return found
}
