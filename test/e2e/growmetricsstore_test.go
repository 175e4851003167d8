package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// store is the host of the stores of docs/grow.md, with the folders of the page in a folder of the test.
type store struct {
	*host
	page   growPage
	folder string
}

func newStore(t *testing.T, l lan, number int) *store {
	t.Helper()
	s := &store{host: l.host(t, number), page: readGrowPage(t), folder: t.TempDir()}
	writeFile(t, filepath.Join(s.folder, "etc/thanos/bucket.yml"), s.page.section(t, "Thanos Receive").file(t, "bucket.yml"))
	return s
}

// moved replaces the absolute paths of the page.
func (s *store) moved(args []string) (moved []string) {
	for _, arg := range args {
		for _, path := range []string{"/var/lib/", "/etc/thanos/"} {
			arg = strings.ReplaceAll(arg, path, s.folder+path)
		}
		moved = append(moved, arg)
	}
	return moved
}

// start starts the program with the flags of the page, and waits until it is ready. It is started again if it ends, as a service is:
// Thanos Receive ends if its bucket does not answer, and panics if it opens its folder in the minute in which it prunes.
func (s *store) start(t *testing.T, section string, port int, flags []string, name string, command ...string) (started *server) {
	t.Helper()
	args := append(command, s.moved(s.page.section(t, section).command(t, append([]string{name}, command...)...))...)
	require.NoError(t, os.MkdirAll(filepath.Join(s.folder, "var/lib"), 0o755))
	eventually(t, 2*time.Minute, func() error {
		if started == nil || started.ended() {
			started = s.program(t, port, exec.Command(stockBinary(t, name), append(args, flags...)...))
		}
		return started.answers("/-/ready")
	})
	return started
}

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (s *store) victoriaMetrics(t *testing.T) *server {
	t.Helper()
	return s.start(t, "VictoriaMetrics", 8428, nil, "victoria-metrics")
}

func (s *store) thanosReceive(t *testing.T) *server {
	t.Helper()
	return s.start(t, "Thanos Receive", 10902, nil, "thanos", "receive")
}

// thanosStore starts the Store Gateway.
func (s *store) thanosStore(t *testing.T) *server {
	t.Helper()
	return s.start(t, "Thanos Receive", 10912, nil, "thanos", "store")
}

// prometheusYML merges configurations: lists are appended, and maps united.
func prometheusYML(t *testing.T, parts ...string) string {
	t.Helper()
	merged := map[string]any{}
	for _, part := range parts {
		var file map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(part), &file))
		for name, value := range file {
			switch before := merged[name].(type) {
			case []any:
				merged[name] = append(before, value.([]any)...)
			case map[string]any:
				maps.Copy(before, value.(map[string]any))
			default:
				merged[name] = value
			}
		}
	}
	text, err := yaml.Marshal(merged)
	require.NoError(t, err)
	return string(text)
}

// script runs the commands of a section on a host. Pairs of strings are what differs here from the page.
func (s *store) script(t *testing.T, section string, on *host, differs ...string) {
	t.Helper()
	script := strings.NewReplacer(append(differs, "/var/lib/", s.folder+"/var/lib/", "/etc/thanos/", s.folder+"/etc/thanos/")...).
		Replace(s.page.section(t, section).script())
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(ausguckBinary(t))+":"+filepath.Dir(stockBinary(t, "thanos"))+":"+os.Getenv("PATH"))
	var p *process
	on.do(func() { p = startProcess(t, cmd) })
	require.Zero(t, p.exitCode(t, time.Minute), "%s\n%s", script, p.output)
}

// metas returns the blocks of the bucket for metrics.
func (s *objectStore) metas(t *testing.T) (blocks []string) {
	t.Helper()
	for _, name := range s.objects(t, "metrics", "") {
		if block, found := strings.CutSuffix(name, "/meta.json"); found && !strings.Contains(block, "/") {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

// bucketBlock is what the bucket says about a block.
type bucketBlock struct {
	MinTime, MaxTime int64
	Thanos           struct {
		Labels     map[string]string
		Downsample struct {
			Resolution int64
		}
	}
	marked bool // for deletion
}

// blocks returns the blocks of the bucket for metrics by name.
func (s *objectStore) blocks(t *testing.T) map[string]bucketBlock {
	t.Helper()
	found := map[string]bucketBlock{}
	for _, name := range s.metas(t) {
		folder := filepath.Join(s.folder, "metrics", name)
		content, err := os.ReadFile(filepath.Join(folder, "meta.json"))
		require.NoError(t, err)
		var block bucketBlock
		require.NoError(t, json.Unmarshal(content, &block))
		_, err = os.Stat(filepath.Join(folder, "deletion-mark.json"))
		block.marked = err == nil
		found[name] = block
	}
	return found
}
