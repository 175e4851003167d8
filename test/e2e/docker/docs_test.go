package docker_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

const root = "../../.."

// composeTools are the two tools in use, each as a replacement for `docker compose` in the docs.
var composeTools = []string{"docker compose", "docker-compose"}

// reader is a user who does what the pages say: a member of the group docker with a folder and the installed
// program.
type reader struct {
	t       *testing.T
	compose string
	dir     string // where commands run
	home    string // parent of dir
	env     []string
	uid     uint32
	gid     uint32
	swaps   []string // text in a page, and its replacement here
	used    map[string]bool
	slack   *fakeSlack
	native  *exec.Cmd // the one that uses /var/lib/ausguck
	address string    // of native, as the container uses the port in the pages
}

func newReader(t *testing.T, compose string) *reader {
	t.Helper()
	socket := strings.TrimPrefix(docker.endpoint, "unix://")
	info, err := os.Stat(socket)
	require.NoError(t, err)
	if docker.dir != "" {
		require.NoError(t, os.Chmod(docker.dir, 0o755), "others may use the socket")
	}
	home, err := os.MkdirTemp("", "ausguck-reader") // other users may not enter that of a test
	require.NoError(t, err)
	require.NoError(t, os.Chmod(home, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(home)) })
	r := &reader{
		t: t, compose: compose, dir: filepath.Join(home, "watch"), home: home,
		uid: 1000, gid: info.Sys().(*syscall.Stat_t).Gid, used: map[string]bool{},
		address: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
	}
	programs, config := filepath.Join(home, "bin"), filepath.Join(home, "config")
	for source, target := range map[string]string{
		"ausguck": programs, "stock/logcli": programs, "stock/amtool": programs, "docker-compose": filepath.Join(config, "cli-plugins"),
	} {
		copyFile(t, filepath.Join(root, "bin", source), filepath.Join(target, filepath.Base(source)), 0o755)
	}
	r.folder(r.dir)
	copyFile(t, root+"/bin/ausguck.image.tar", filepath.Join(r.dir, "ausguck_0.1.0_linux_amd64.image.tar"), 0o644)
	r.folder(r.path("own"))
	own := r.path("own/prometheus.yml")
	require.NoError(t, os.WriteFile(own, []byte("global: {}\n"), 0o644))
	require.NoError(t, os.Chown(own, int(r.uid), -1))
	engine, err := docker.cli.Info(t.Context(), client.InfoOptions{})
	require.NoError(t, err)
	r.env = []string{
		"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + r.dir, "DOCKER_CONFIG=" + config, "DOCKER_HOST=" + docker.endpoint,
		"DOCKER_SOCK=" + socket, "PASSWORD=secret",
	}
	r.swaps = []string{
		"docker compose ", compose + " ",
		"'…'", "secret",
		`"…"`, `"a long password"`,
		"-u admin ", `-u "admin:$PASSWORD" `, // curl would prompt for it
		"/var/run/docker.sock:/var/run", socket + ":/var/run",
		"/var/lib/docker", engine.Info.DockerRootDir,
		"/var/lib/ausguck", filepath.Join(home, "lib"),
		"/etc/ausguck", filepath.Join(home, "etc"),
		"ausguck backup backup.tar.gz", "ausguck backup backup.tar.gz --web.listen-address=" + r.address,
		"chown -R ausguck:", "chown -R 1000",
		"-o ausguck", "-o 1000",
		"--storage.path=DIR", "--storage.path=" + filepath.Join(home, "lib"),
		"--config.dir=DIR", "--config.dir=monitoring",
		"--diff DIR", "--diff monitoring",
		"--add rules,containers DIR", "--add rules,containers own",
		"--add containers DIR", "--add containers own",
		"--add probes,container-probes DIR", "--add probes,container-probes own",
		"init DIR", `init "$(mktemp -d -p .)/written"`, // a new one each time
		"notify-test RECEIVER", "notify-test team",
		`logcli query --tail '{container="api"}'`, `(timeout 2 logcli query --tail '{container="api"}' || [ $? -eq 124 ])`, // it never ends
	}
	return r
}

func (r *reader) folder(dir string) {
	require.NoError(r.t, os.MkdirAll(dir, 0o755))
	require.NoError(r.t, os.Chown(dir, int(r.uid), -1))
}

// copyFile also creates the folder of the target.
func copyFile(t *testing.T, source, target string, mode os.FileMode) {
	t.Helper()
	in, err := os.Open(source)
	require.NoError(t, err, "build it first, in the root of the repository: make image stock bin/docker-compose")
	defer in.Close()
	require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o755))
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}

// prelude makes failed requests errors, and makes sudo work for root.
const prelude = `set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body "$@"; }
sudo() { "$@"; }
`

// run executes a command from a page, as root if it uses sudo, and returns its output.
func (r *reader) run(command string) (string, error) {
	script := command
	for i := 0; i < len(r.swaps); i += 2 {
		if strings.Contains(script, r.swaps[i]) {
			script, r.used[r.swaps[i]] = strings.ReplaceAll(script, r.swaps[i], r.swaps[i+1]), true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", prelude+script)
	cmd.Dir, cmd.Env = r.dir, r.env
	if !strings.Contains(script, "sudo ") {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: r.uid, Gid: r.gid}}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must runs a command that is not in a page, and requires that it succeeds.
func (r *reader) must(command string) string {
	r.t.Helper()
	out, err := r.run(command)
	require.NoError(r.t, err, "%s:\n%s", command, out)
	return out
}

func (r *reader) path(name string) string { return filepath.Join(r.dir, name) }

// container returns the Ausguck that the compose file starts.
func (r *reader) container() *ausguck {
	i := slices.IndexFunc(r.env, func(v string) bool { return strings.HasPrefix(v, "PASSWORD=") })
	return &ausguck{url: "http://admin:" + strings.TrimPrefix(r.env[i], "PASSWORD=") + "@127.0.0.1:3000", exit: make(chan error, 1)}
}

func (r *reader) ready() {
	r.t.Helper()
	within(r.t, time.Minute, "ready", func() error {
		_, err := r.container().get("/-/ready")
		return err
	})
}

// step is what a command in a page needs before it, and what it must have done.
type step struct {
	page, command string // command: its first words, enough to be unique
	elsewhere     string // why it is not run here
	before        func(r *reader)
	after         func(r *reader, out string)
}

const (
	inRelease = "it needs systemd; test/e2e/release installs the package in a Debian of its own and asks systemd about the unit"
	mention   = "what is said of it, not what to do"
	inCI      = "CI runs it"

	asMovedOver = "TestMoveOverWithData does it with a stack that it starts"
)

var steps = []step{
	{page: "README.md", command: "make run ", elsewhere: inCI},
	{page: "README.md", command: "curl -s 'http://127.0.0.1:9090", after: func(r *reader, _ string) {
		within(r.t, 30*time.Second, "a value", func() error {
			out, err := r.run(blockOf(r.t, "README.md", "curl "))
			if err == nil && !regexp.MustCompile(`"value":\[[\d.]+,"[\d.]+"\]`).MatchString(out) {
				err = fmt.Errorf("no value: %s", out)
			}
			return err
		})
	}},
	{page: "README.md", command: "ausguck compose --from", elsewhere: asMovedOver},

	{page: "docs/install.md", command: "docker load", after: (*reader).installed},
	{page: "docs/install.md", command: "docker exec agent-ausguck /ausguck reset-password", after: (*reader).newPassword},
	{page: "docs/install.md", command: "docker kill -s HUP", elsewhere: mention},
	{page: "docs/install.md", command: "sudo dpkg -i", elsewhere: inRelease},
	{page: "docs/install.md", command: "sudo systemctl", elsewhere: inRelease},
	{page: "docs/install.md", command: "sudo ausguck init /etc/ausguck"},
	{page: "docs/install.md", command: "tar -xzf", elsewhere: inRelease},

	{page: "docs/run.md", command: "docker kill -s HUP", elsewhere: mention},
	{page: "docs/run.md", command: "systemctl reload ausguck", elsewhere: inRelease},
	{page: "docs/run.md", command: "kill -HUP PID", elsewhere: "test/e2e/signals_test.go sends the signal"},
	{page: "docs/run.md", command: "ausguck reset-password --storage.path=DIR", before: (*reader).startNative},

	{page: "docs/alerting.md", command: "ausguck notify-test RECEIVER", elsewhere: "the page has it below, with a receiver"},
	{page: "docs/alerting.md", command: "promtool test rules", elsewhere: "the tests of monitoring run the same files"},
	{page: "docs/alerting.md", command: `echo "$WEBHOOK_URL" >`, before: (*reader).startSlack},
	{page: "docs/alerting.md", command: "ausguck notify-test team", before: (*reader).configureSlack, after: (*reader).slackAnswers},
	{page: "docs/alerting.md", command: "docker exec agent-ausguck /ausguck notify-test team", after: (*reader).slackAnswers},
	{page: "docs/alerting.md", command: "curl -u", before: (*reader).slackIsRouted},

	{page: "docs/logs.md", command: "sudo systemctl edit", elsewhere: inRelease},
	{page: "docs/logs.md", command: "ausguck migrate --from-loki", elsewhere: "docs/migrate.md has it in full"},

	{page: "docs/heartbeats.md", command: "heartbeat=http", elsewhere: "TestCommandsOfHeartbeats runs it, with heartbeats that are configured"},

	{page: "docs/secure.md", command: "ausguck --web.external-url", elsewhere: "it never ends; TestTrustedProxies has what it does"},
	{page: "docs/secure.md", command: "systemd-analyze", elsewhere: inRelease},

	{page: "docs/troubleshoot.md", command: "journalctl", elsewhere: inRelease},
	{page: "docs/troubleshoot.md", command: "ausguck notify-test", before: func(r *reader) {
		if r.slack == nil {
			r.startSlack()
			r.must(`echo "$WEBHOOK_URL" >monitoring/secrets/slack_url`)
			r.configureSlack()
		}
	}},
	{page: "docs/troubleshoot.md", command: "ausguck reset-password", before: (*reader).startNative},
	{page: "docs/troubleshoot.md", command: "docker network connect", before: func(r *reader) { r.must("docker network create proj_default") }, after: func(r *reader, _ string) {
		r.must("docker network disconnect proj_default agent-ausguck && docker network rm proj_default")
	}},
	{page: "docs/troubleshoot.md", command: "docker compose -f", after: func(r *reader, _ string) { r.ready() }},
	{page: "docs/troubleshoot.md", command: "docker exec agent-ausguck /ausguck reset-password", after: (*reader).newPassword},

	{page: "docs/backup.md", command: "sudo ausguck backup", before: (*reader).startNative, after: (*reader).failedBackupLeavesNothing},
	{page: "docs/backup.md", command: "docker exec agent-ausguck /ausguck backup", before: func(r *reader) { r.must("sudo rm backup.tar.gz") }},
	{page: "docs/backup.md", command: "sudo ausguck restore", before: func(r *reader) {
		r.end(r.native)
		require.NoError(r.t, os.Rename(filepath.Join(r.home, "lib"), filepath.Join(r.home, "lib.before")))
	}, after: func(r *reader, _ string) {
		require.DirExists(r.t, filepath.Join(r.home, "lib", "prometheus"))
	}},
	{page: "docs/backup.md", command: "docker compose -f ausguck.yml run", after: (*reader).restored},

	{page: "docs/backup.md", command: "ausguck version --check", elsewhere: "it asks a forge; test/script runs it with a server of its own"},

	{page: "docs/status-page.md", command: "curl -u admin:… http://127.0.0.1:3000/api/ausguck/status-pages", elsewhere: "TestStatusPage of test/e2e sends such requests to a page of that name"},

	{page: "docs/migrate.md", command: "ausguck compose --from", elsewhere: asMovedOver},
	{page: "docs/migrate.md", command: "docker run --rm", elsewhere: asMovedOver},
	{page: "docs/migrate.md", command: "docker compose -f docker-compose.monitoring.yml stop", before: (*reader).startOriginals, after: (*reader).migrated},
	{page: "docs/migrate.md", command: "sudo chown -R 65532:65532 data", after: (*reader).startMigrated},
}

func stepOf(t *testing.T, page string, c documented) step {
	t.Helper()
	var found []step
	for _, s := range steps {
		if s.page == page && strings.HasPrefix(c.text, s.command) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return step{}
	}
	return slices.MaxFunc(found, func(a, b step) int { return cmp.Compare(len(a.command), len(b.command)) })
}

// follow runs the commands of a page, in order.
func (r *reader) follow(page string) {
	commands, _ := commandsOf(r.t, filepath.Join(root, page))
	for _, c := range commands {
		s := stepOf(r.t, page, c)
		if s.elsewhere != "" {
			continue
		}
		if s.before != nil {
			s.before(r)
		}
		begun := time.Now()
		out, err := r.run(c.text)
		require.NoError(r.t, err, "%s:%d: %s\n%s", page, c.line, c.text, out)
		r.t.Logf("%s:%d: %s %s", page, c.line, strings.TrimSpace(strings.Split(c.text, "\n")[0]), time.Since(begun).Round(10*time.Millisecond))
		if s.after != nil {
			s.after(r, out)
		}
	}
}

// Every command in the pages is run as it is written there, by a user in the group docker, or steps contains a
// reason why it is not. Pages with Compose commands are followed with both of its versions.
func TestCommandsOfDocs(t *testing.T) {
	used := map[string]bool{}
	t.Run("README.md", func(t *testing.T) {
		r := newReader(t, composeTools[0])
		r.startFromSource()
		r.follow("README.md")
		for k := range r.used {
			used[k] = true
		}
	})
	pages := []string{"install", "run", "alerting", "logs", "heartbeats", "probes", "status-page", "traefik", "instrument", "opentelemetry", "secure", "tune", "explore", "dashboards", "damage", "troubleshoot", "codeagent", "backup", "migrate"}
	for _, compose := range composeTools {
		t.Run(compose, func(t *testing.T) {
			r := newReader(t, compose)
			t.Cleanup(r.down)
			for _, name := range pages {
				page := "docs/" + name + ".md"
				content, err := os.ReadFile(filepath.Join(root, page))
				require.NoError(t, err)
				if compose != composeTools[0] && !bytes.Contains(content, []byte(composeTools[0]+" -f")) {
					continue
				}
				r.follow(page)
			}
			for k := range r.used {
				used[k] = true
			}
			for i := 0; i < len(r.swaps); i += 2 {
				require.True(t, used[r.swaps[i]], "no page has %s any more", r.swaps[i])
			}
		})
	}
	for _, s := range steps { // an unused one hides a command that was meant
		commands, _ := commandsOf(t, filepath.Join(root, s.page))
		require.True(t, slices.ContainsFunc(commands, func(c documented) bool {
			return strings.HasPrefix(c.text, s.command)
		}), "%s has no command %s any more", s.page, s.command)
	}
	written, err := filepath.Glob(root + "/docs/*.md")
	require.NoError(t, err)
	for _, file := range written {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		if commands, _ := commandsOf(t, file); len(commands) > 0 && name != "architecture" && name != "benchmarks" && name != "grow" { // test/e2e runs those of grow.md on hosts
			require.Contains(t, pages, name, "a page whose commands nobody runs")
		}
	}
}

// down removes everything that the reader has started in the folder.
func (r *reader) down() {
	for _, file := range []string{r.path("docker-compose.monitoring.yml"), r.path("ausguck.yml")} {
		if _, err := os.Stat(file); err == nil {
			if out, err := r.run("docker compose -f " + file + " down --volumes"); err != nil {
				r.t.Errorf("down: %v\n%s", err, out)
			}
		}
	}
}
