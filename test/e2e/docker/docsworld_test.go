package docker_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
	_ "modernc.org/sqlite"
)

// What the pages assume before a command, and what is true after it.

// startFromSource does what `make run` does, with a scrape every second.
func (r *reader) startFromSource() {
	r.must("ausguck init")
	config := r.path("monitoring/prometheus.yml")
	content, err := os.ReadFile(config)
	require.NoError(r.t, err)
	faster := regexp.MustCompile(`scrape_interval: \w+`).ReplaceAll(content, []byte("scrape_interval: 1s"))
	require.NotEqual(r.t, string(content), string(faster))
	require.NoError(r.t, os.WriteFile(config, faster, 0o644))
	r.start(r.container().url)
}

// start runs an Ausguck outside of containers, as the reader's user.
func (r *reader) start(url string, flags ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(r.home, "bin", "ausguck"), flags...)
	cmd.Dir, cmd.Env = r.dir, append(r.env, "GF_SECURITY_ADMIN_PASSWORD=secret")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: &syscall.Credential{Uid: r.uid, Gid: r.gid}}
	a := &ausguck{url: url, exit: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = a, a
	require.NoError(r.t, cmd.Start())
	r.t.Cleanup(func() {
		r.end(cmd)
		if r.t.Failed() {
			r.t.Logf("output of ausguck:\n%s", a.output())
		}
	})
	within(r.t, time.Minute, "ready", func() error {
		_, err := a.get("/-/ready")
		return err
	})
	return cmd
}

// end stops what start has started, only once.
func (r *reader) end(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		require.NoError(r.t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(r.t, cmd.Wait())
	}
}

// installed checks that the container is ready, that its user can read what it needs, and that other users cannot.
func (r *reader) installed(string) {
	r.ready()
	a := r.container()
	_, err := a.get("/api/org")
	require.NoError(r.t, err, "the password of the command")
	require.Empty(r.t, troubles(r.must("docker logs agent-ausguck")))
	info, err := os.Stat(r.path("monitoring/alertmanager.yml"))
	require.NoError(r.t, err)
	require.Equal(r.t, r.uid, info.Sys().(*syscall.Stat_t).Uid, "the configuration is its reader's")
	require.Zero(r.t, info.Mode().Perm()&0o007)
	within(r.t, 30*time.Second, "containers have names", func() error {
		return a.some(`container_memory_working_set_bytes{name="agent-ausguck"}`)
	})
}

// troubles returns the problems in a log, except for the notices of a fresh installation.
func troubles(log string) (found []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "is not mounted") || strings.Contains(line, "permission denied") {
			found = append(found, line)
		}
	}
	return found
}

// newPassword continues with the password that a command has printed.
func (r *reader) newPassword(out string) {
	match := regexp.MustCompile(`password of admin is now (\S+)`).FindStringSubmatch(out)
	require.NotNil(r.t, match, out)
	for i := range r.env {
		if strings.HasPrefix(r.env[i], "PASSWORD=") {
			r.env[i] = "PASSWORD=" + match[1]
		}
	}
	_, err := r.container().get("/api/org")
	require.NoError(r.t, err, "the new password")
}

// startNative runs an Ausguck outside of containers that uses what the pages call /var/lib/ausguck.
func (r *reader) startNative() {
	if r.native == nil {
		r.folder(filepath.Join(r.home, "lib"))
		r.native = r.start("http://"+r.address, "--web.listen-address="+r.address, "--storage.path="+filepath.Join(r.home, "lib"),
			"--no-web.well-known-ports", "--no-docker")
	}
}

// fakeSlack responds like an incoming webhook, and records what was posted.
type fakeSlack struct {
	mu    sync.Mutex
	posts []slackPost
}

type slackPost struct {
	Channel     string
	Attachments []struct{ Title, Text, Fallback string }
}

func (f *fakeSlack) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	var p slackPost
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil || q.Method != http.MethodPost || len(p.Attachments) != 1 {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.posts = append(f.posts, p)
	f.mu.Unlock()
	fmt.Fprint(w, "ok")
}

func (f *fakeSlack) received() []slackPost {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.posts
}

// startSlack serves a webhook on this host's address in the container's network.
func (r *reader) startSlack() {
	n, err := docker.cli.NetworkInspect(r.t.Context(), "code-agent", client.NetworkInspectOptions{})
	require.NoError(r.t, err)
	var gateway netip.Addr
	for _, c := range n.Network.IPAM.Config {
		gateway = c.Gateway
	}
	l, err := net.Listen("tcp", net.JoinHostPort(gateway.String(), "0"))
	require.NoError(r.t, err)
	r.slack = &fakeSlack{}
	server := &http.Server{Handler: r.slack, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	r.t.Cleanup(func() { require.NoError(r.t, server.Close()) })
	r.env = append(r.env, "WEBHOOK_URL=http://"+l.Addr().String()+"/services/T0000/B0000/XXXX")
}

// configureSlack edits alertmanager.yml as the page says, with every example: the first one, for Slack, is kept.
func (r *reader) configureSlack() {
	file := r.path("monitoring/alertmanager.yml")
	before, err := os.ReadFile(file)
	require.NoError(r.t, err)
	_, examples := commandsOf(r.t, root+"/docs/alerting.md")
	require.NotEmpty(r.t, examples)
	for i := len(examples) - 1; i >= 0; i-- {
		sections := map[string]any{}
		require.NoError(r.t, yaml.Unmarshal(before, &sections))
		require.NoError(r.t, yaml.Unmarshal([]byte(examples[i]), &sections), examples[i])
		content, err := yaml.Marshal(sections)
		require.NoError(r.t, err)
		require.NoError(r.t, os.WriteFile(file, content, 0o600)) // it exists: owner and mode are kept
		r.must("ausguck check")
	}
}

// slackAnswers checks what was posted, and what was reported about the response.
func (r *reader) slackAnswers(out string) {
	require.Contains(r.t, out, "delivered")
	require.Contains(r.t, out, "200 OK")
	require.Regexp(r.t, `(?m)^\s+ok$`, out)
	posts := r.slack.received()
	require.NotEmpty(r.t, posts)
	require.Equal(r.t, "#alerts", posts[len(posts)-1].Channel)
	require.NotEmpty(r.t, posts[len(posts)-1].Attachments[0].Title)
}

// route is a part of the routing tree of alertmanager.yml as returned by the API for an alert.
type route struct {
	Receiver string
	Matches  bool // the alert ends here
	Routes   []route
}

func (r route) receivers() (names []string) {
	if r.Matches {
		names = append(names, r.Receiver)
	}
	for _, child := range r.Routes {
		names = append(names, child.receivers()...)
	}
	return names
}

// slackIsRouted waits until the container uses the new file: alerts are sent to Slack, and the Watchdog is not.
func (r *reader) slackIsRouted() {
	receivers := func(alert string) ([]string, error) {
		out, err := r.container().get("/api/ausguck/alerting/routes?labels=" + url.QueryEscape(fmt.Sprintf(`{"alertname":%q}`, alert)))
		if err != nil {
			return nil, err
		}
		var tree route
		err = json.Unmarshal([]byte(out), &tree)
		return tree.receivers(), err
	}
	within(r.t, time.Minute, "the new route", func() error {
		names, err := receivers("TargetDown")
		if err == nil && !slices.Equal(names, []string{"team"}) {
			err = fmt.Errorf("goes to %v", names)
		}
		return err
	})
	names, err := receivers("Watchdog")
	require.NoError(r.t, err)
	require.Equal(r.t, []string{"nobody"}, names)
	require.Empty(r.t, troubles(r.must("docker logs --since 1m agent-ausguck")))
}

// failedBackupLeavesNothing requires that a failed backup leaves no file, under the final name or another, and that
// the exit code reports the failure.
func (r *reader) failedBackupLeavesNothing(string) {
	before, err := os.ReadDir(r.dir)
	require.NoError(r.t, err)
	for _, name := range []string{"failed.tar.gz", "-"} {
		out, err := r.run("ausguck backup " + name + " --storage.path=monitoring >standard-output")
		require.Error(r.t, err, out)
		content, err := os.ReadFile(r.path("standard-output"))
		require.NoError(r.t, err)
		require.Empty(r.t, content)
		require.NoError(r.t, os.Remove(r.path("standard-output")))
	}
	after, err := os.ReadDir(r.dir)
	require.NoError(r.t, err)
	require.Len(r.t, after, len(before))
}

// restored requires that the earlier users and samples exist.
func (r *reader) restored(string) {
	r.ready()
	before, err := r.container().query(`sum(count_over_time(up[1h]))`)
	require.NoError(r.t, err)
	require.NotEmpty(r.t, before, "samples of the installation that was backed up")
}

// originals has the volumes of the separate programs, and stand-ins for the programs.
const originals = `
services:
  prometheus: {image: ausguck-testservice, volumes: ["prometheus-data:/prometheus"]}
  loki: {image: ausguck-testservice, volumes: ["loki-data:/loki"]}
  alertmanager: {image: ausguck-testservice, volumes: ["alertmanager-data:/alertmanager"]}
  grafana: {image: ausguck-testservice, volumes: ["grafana-data:/var/lib/grafana"]}
volumes:
  prometheus-data:
  loki-data:
  alertmanager-data:
  grafana-data:
`

// startOriginals runs containers with the names and volumes of the separate programs in a separate folder, and fills
// the volumes with what they would contain.
func (r *reader) startOriginals() {
	r.down()
	r.dir = filepath.Join(r.home, "old", "monitoring")
	r.folder(filepath.Dir(r.dir))
	r.folder(r.dir)
	r.must("ausguck compose")
	require.NoError(r.t, os.WriteFile(r.path("docker-compose.monitoring.yml"), []byte(originals), 0o644))
	r.must("docker compose -f docker-compose.monitoring.yml up -d")

	volume := func(name string) string {
		v, err := docker.cli.VolumeInspect(r.t.Context(), "monitoring_"+name, client.VolumeInspectOptions{})
		require.NoError(r.t, err)
		return v.Volume.Mountpoint
	}
	a := startAusguckOn(r.t, docker, filepath.Join(r.home, "originals"), "")
	within(r.t, 30*time.Second, "samples", func() error { return a.some("up") })
	a.silence(r.t, "Migrated")
	within(r.t, 30*time.Second, "the silence on the disk", func() error {
		_, err := os.Stat(filepath.Join(r.home, "originals", "alertmanager", "silences"))
		return err
	})
	a.kill(r.t)
	for _, name := range []string{"prometheus", "loki", "alertmanager"} {
		out, err := exec.Command("cp", "-a", filepath.Join(r.home, "originals", name)+"/.", volume(name+"-data")).CombinedOutput()
		require.NoError(r.t, err, string(out))
	}
	statements, err := os.ReadFile("../testdata/grafana/v12.sql")
	require.NoError(r.t, err)
	db, err := sql.Open("sqlite", filepath.Join(volume("grafana-data"), "grafana.db"))
	require.NoError(r.t, err)
	_, err = db.Exec(string(statements))
	require.NoError(r.t, err)
	require.NoError(r.t, db.Close())
}

// migrated adds --write, as the page says.
func (r *reader) migrated(out string) {
	require.NoDirExists(r.t, r.path("data"), "nothing is written without --write:\n%s", out)
	commands, _ := commandsOf(r.t, root+"/docs/migrate.md")
	for _, c := range commands {
		if strings.HasPrefix(c.text, "docker compose") {
			r.must(strings.Replace(c.text, "migrate ", "migrate --write ", 1))
		}
	}
	require.DirExists(r.t, r.path("data/prometheus"))
	require.DirExists(r.t, r.path("data/loki"))
}

// startMigrated starts the container with the folder to which the data was migrated.
func (r *reader) startMigrated(string) {
	r.must("docker compose -f docker-compose.monitoring.yml down --volumes")
	content, err := os.ReadFile(r.path("ausguck.yml"))
	require.NoError(r.t, err)
	changed := strings.Replace(string(content), "ausguck-data:/data", "./data:/data", 1)
	require.NotEqual(r.t, string(content), changed)
	require.NoError(r.t, os.WriteFile(r.path("ausguck.yml"), []byte(changed), 0o644))
	r.must("GF_SECURITY_ADMIN_PASSWORD=$PASSWORD docker compose -f ausguck.yml up -d")
	r.ready()
	a := r.container()
	within(r.t, time.Minute, "the silence", func() error {
		out, err := a.get("/api/v2/silences")
		if err == nil && !strings.Contains(out, "Migrated") {
			err = fmt.Errorf("not among %s", out)
		}
		return err
	})
	within(r.t, time.Minute, "dashboards of Grafana", func() error {
		out, err := a.get("/api/search?type=dash-db")
		if err == nil && !strings.Contains(out, "Deep") {
			err = fmt.Errorf("not among %s", out)
		}
		return err
	})
}

// silence mutes an alert for an hour.
func (a *ausguck) silence(t *testing.T, alert string) {
	t.Helper()
	body := fmt.Sprintf(`{"matchers":[{"name":"alertname","value":%q,"isRegex":false}],"startsAt":%q,"endsAt":%q,"createdBy":"e2e","comment":"e2e"}`,
		alert, time.Now().Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339))
	resp, err := http.Post(a.url+"/api/v2/silences", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}
