package e2e

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rotation is a method of rotating log files.
type rotation func(t *testing.T, path string, generations int)

// renamed shifts path to path.1, path.1 to path.2 and so on, as logrotate does with "create".
func renamed(t *testing.T, path string, generations int) {
	t.Helper()
	for n := generations; n > 0; n-- {
		from := fmt.Sprintf("%s.%d", path, n-1)
		if n == 1 {
			from = path
		}
		if err := os.Rename(from, fmt.Sprintf("%s.%d", path, n)); err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
}

// copytruncated copies path to path.1 after shifting the others, and truncates it in place.
func copytruncated(t *testing.T, path string, generations int) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := generations; n > 1; n-- {
		if err := os.Rename(fmt.Sprintf("%s.%d", path, n-1), fmt.Sprintf("%s.%d", path, n)); err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
	require.NoError(t, os.WriteFile(path+".1", content, 0o600))
	require.NoError(t, os.Truncate(path, 0))
}

// logWriter writes lines of one kind to a file, and rotates it every second.
type logWriter struct {
	path        string
	line        func(r *rand.Rand, n int) string // may be several lines
	rotate      rotation
	generations int
	perSecond   int // bytes

	lines, bytes, entries atomic.Int64 // entries counts the calls of line
}

// run writes until stop is closed or most bytes are written.
func (w *logWriter) run(t *testing.T, seed uint64, most int64, stop <-chan struct{}) {
	const tick = 20 * time.Millisecond
	random := rand.New(rand.NewPCG(seed, 0))
	flags := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	file, err := os.OpenFile(w.path, flags, 0o600)
	require.NoError(t, err)
	out := bufio.NewWriterSize(file, 4096) // lines are split between two writes, as in real logs
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	rotated, begun := time.Now(), time.Now()
	for w.bytes.Load() < most {
		select {
		case <-stop:
			most = 0
		case <-ticker.C:
		}
		due := min(int64(time.Since(begun).Seconds()*float64(w.perSecond)), most)
		for w.bytes.Load() < due {
			text := w.line(random, int(w.entries.Load())) + "\n"
			_, err := out.WriteString(text)
			require.NoError(t, err)
			w.entries.Add(1)
			w.lines.Add(int64(strings.Count(text, "\n")))
			w.bytes.Add(int64(len(text)))
		}
		if time.Since(rotated) < time.Second {
			continue
		}
		rotated = time.Now()
		require.NoError(t, out.Flush())
		w.rotate(t, w.path, w.generations)
		next, err := os.OpenFile(w.path, flags, 0o600)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		file = next
		out.Reset(file)
	}
	require.NoError(t, out.Flush())
	require.NoError(t, file.Close())
}

// writeAll runs all writers; the returned function waits for them.
func writeAll(t *testing.T, writers map[string]*logWriter, seed uint64, most int64, stop <-chan struct{}) (wait func()) {
	t.Helper()
	var wg sync.WaitGroup
	for _, w := range writers {
		seed++
		wg.Go(func() { w.run(t, seed, most, stop) })
	}
	t.Cleanup(wg.Wait)
	return wg.Wait
}

var (
	users  = []string{"anna", "Jürgen", "Zoë", "李雷", "Ольга", "نور", "🦊 fox"}
	levels = []string{"debug", "info", "info", "info", "warn", "error"}
	paths  = []string{"/", "/api/v1/orders", "/api/v1/orders/{id}", "/healthz", "/static/app.js", "/login"}
)

func of[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func syslogLine(r *rand.Rand, n int) string {
	at := time.Now().Format("Jan _2 15:04:05")
	switch r.IntN(3) {
	case 0:
		return fmt.Sprintf("%s web1 sshd[%d]: Failed password for invalid user %s from 10.%d.%d.%d port %d ssh2 seq=%d", at, r.IntN(30000), of(r, users), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(65536), n)
	case 1:
		return fmt.Sprintf("%s web1 kernel: [%d.%06d] eth0: link is up, 1000 Mbps full duplex seq=%d", at, r.IntN(1e6), r.IntN(1e6), n)
	}
	return fmt.Sprintf("%s web1 CRON[%d]: (root) CMD (cd / && run-parts --report /etc/cron.hourly) seq=%d", at, r.IntN(30000), n)
}

func jsonLine(r *rand.Rand, n int) string {
	return fmt.Sprintf(`{"ts":%q,"level":%q,"msg":"request served","seq":%d,"user":%q,"path":%q,"status":%d,"took_ms":%d,"trace":"%016x","note":%q}`,
		time.Now().Format(time.RFC3339Nano), of(r, levels), n, of(r, users), of(r, paths), 200+100*r.IntN(4), r.IntN(2000), r.Uint64(), strings.Repeat("é", r.IntN(40)))
}

func logfmtLine(r *rand.Rand, n int) string {
	return fmt.Sprintf(`ts=%s level=%s caller=server.go:%d msg="slow \"query\"" seq=%d user=%q duration=%dms rows=%d`,
		time.Now().Format(time.RFC3339Nano), of(r, levels), r.IntN(900), n, of(r, users), r.IntN(9000), r.IntN(1e6))
}

// traceLines is an event with a stack trace on separate lines; the first begins with a date.
func traceLines(r *rand.Rand, n int) string {
	head := time.Now().Format("2006-01-02 15:04:05.000")
	if r.IntN(2) == 0 {
		text := fmt.Sprintf("%s ERROR order %d failed\njava.lang.IllegalStateException: no stock for %s\n", head, n, of(r, users))
		for depth := range 3 + r.IntN(20) {
			text += fmt.Sprintf("\tat org.example.shop.Layer%d.call(Layer%d.java:%d)\n", depth, depth, r.IntN(900))
		}
		return text + "Caused by: java.net.SocketTimeoutException: Read timed out\n\t... 12 more"
	}
	return fmt.Sprintf("%s panic: runtime error: index out of range [%d] with length %d\n\ngoroutine %d [running]:\nmain.(*Server).handle(0xc%08x, {0x%x, 0x10})\n\t/src/server.go:%d +0x%x\nmain.main()\n\t/src/main.go:%d +0x1d\nexit status 2",
		head, n, r.IntN(n+1), r.IntN(400), r.Uint32(), r.Uint32(), r.IntN(900), r.IntN(4096), r.IntN(99))
}

// rubbishLine is what a crashed program or a wrong character set leaves in a log: bytes that are not valid
// text.
func rubbishLine(r *rand.Rand, n int) string {
	b := []byte(fmt.Sprintf("%d ", n))
	for range 20 + r.IntN(300) {
		if c := byte(r.IntN(256)); c != '\n' && c != '\r' {
			b = append(b, c)
		}
	}
	return string(b)
}

// everyKind returns the writers of every kind of log; for blocks, entries count and not lines.
func everyKind(dir string, generations, perSecond int) map[string]*logWriter {
	return map[string]*logWriter{
		"json":    {path: dir + "/app.log", line: jsonLine, rotate: renamed, generations: generations, perSecond: perSecond * 2 / 6},
		"logfmt":  {path: dir + "/worker.log", line: logfmtLine, rotate: copytruncated, generations: generations, perSecond: perSecond / 6},
		"syslog":  {path: dir + "/syslog", line: syslogLine, rotate: renamed, generations: generations, perSecond: perSecond / 6},
		"rubbish": {path: dir + "/rubbish.log", line: rubbishLine, rotate: copytruncated, generations: generations, perSecond: perSecond / 6},
		"blocks":  {path: dir + "/trace.log", line: traceLines, rotate: renamed, generations: generations, perSecond: perSecond / 6},
	}
}

// promtailFor collects what everyKind writes, with one job per kind.
func promtailFor(dir string) string {
	return strings.ReplaceAll(`
clients: [{url: http://loki:3100/loki/api/v1/push}]
scrape_configs:
  - job_name: files
    static_configs:
      - {labels: {job: json, __path__: DIR/app.log}}
      - {labels: {job: logfmt, __path__: DIR/work*.log}}
      - {labels: {job: syslog, __path__: DIR/syslog}}
      - {labels: {job: rubbish, __path__: DIR/rubbish.log}}
  - job_name: blocks
    static_configs:
      - {labels: {job: blocks, __path__: DIR/trace.log}}
    pipeline_stages:
      - multiline: {firstline: '^\d{4}-\d{2}-\d{2} ', max_wait_time: 3s}
`, "DIR", dir)
}
