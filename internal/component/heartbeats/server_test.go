package heartbeats_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func TestPings(t *testing.T) {
	w := start(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")), config)
	require.Equal(t, "new", w.heartbeat(t, "backup")["status"])

	answer := w.ask(http.MethodGet, "/hb/"+token+"/start", "")
	require.Equal(t, http.StatusOK, answer.Code)
	require.Equal(t, "text/plain; charset=utf-8", answer.Header().Get("Content-Type"))
	require.Equal(t, "1024", answer.Header().Get("Ping-Body-Limit"))
	require.Equal(t, "running", w.heartbeat(t, "backup")["status"])
	w.ping(t, "/hb/"+token+"/7", "disk full\n"+strings.Repeat("x", 4000))
	got := w.heartbeat(t, "backup")
	require.Equal(t, "failed", got["status"])
	require.EqualValues(t, 7, got["lastExitCode"])
	require.NotNil(t, got["lastDuration"])
	require.Equal(t, http.StatusOK, w.ask(http.MethodHead, "/ping/"+strings.ToUpper(token)+"/", "").Code)
	require.Equal(t, "up", w.heartbeat(t, "backup")["status"])
	require.Equal(t, map[string]any{"start": 1.0, "fail": 1.0, "success": 1.0}, w.heartbeat(t, "backup")["pings"])
	require.Equal(t, "new", w.heartbeat(t, "other")["status"], "the other has nothing to do with it")

	lines := w.loki.waitFor(t, 3)
	require.Regexp(t, `^level=info result=start client=192.0.2.1$`, lines[0])
	require.Regexp(t, `^level=error result=fail exit_code=7 duration=\S+ client=192.0.2.1 text="disk full\\nx+"$`, lines[1])
	require.True(t, strings.HasSuffix(lines[1], `"disk full\n`+strings.Repeat("x", 1024-len("disk full\n"))+`"`), "the first KiB of the body")
	require.Equal(t, map[string]string{"job": "heartbeats", "heartbeat": "backup", "group": "nightly", "team": "storage"}, w.loki.labels[0])
}

func TestAnswersToBadRequests(t *testing.T) {
	w := start(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")), config)
	for _, c := range []struct {
		method, path string
		code         int
		text         string
	}{
		{"GET", "/hb/" + token + "/256", 400, "invalid url format"},
		{"GET", "/hb/" + token + "/stop", 400, "invalid url format"},
		{"GET", "/hb/" + token + "?rid=1", 400, "invalid uuid format"},
		{"PUT", "/hb/" + token, 405, "send GET, HEAD or POST"},
		{"GET", "/hb/" + token + "/start/again", 404, "not found"},
		{"GET", "/hb/", 404, "not found"},
		{"GET", "/hb/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea279", 404, "not found"},
		{"POST", "/ping/unknown/start", 404, "not found"},
		{"GET", "/ping/a/b/c/d", 404, "not found"},
		{"GET", "/elsewhere/" + token, 404, "not found"},
	} {
		answer := w.ask(c.method, c.path, "")
		require.Equal(t, c.code, answer.Code, c.path)
		require.Equal(t, c.text, answer.Body.String(), c.path)
		require.Empty(t, answer.Header().Get("Ping-Body-Limit"))
	}
	large := w.ask(http.MethodPost, "/hb/"+token, "", func(r *http.Request) { r.ContentLength = 16<<20 + 1 })
	require.Equal(t, http.StatusRequestEntityTooLarge, large.Code)
	endless := w.ask(http.MethodPost, "/hb/"+token, "", func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 16<<20+1)), -1
	})
	require.Equal(t, http.StatusRequestEntityTooLarge, endless.Code)
	broken := w.ask(http.MethodPost, "/hb/"+token, "", func(r *http.Request) {
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("text"), failing{}))
	})
	require.Equal(t, http.StatusBadRequest, broken.Code)
	require.Empty(t, w.heartbeat(t, "backup")["pings"], "none of them counts")
	require.NoError(t, testutil.GatherAndCompare(w.reg, strings.NewReader(`
# HELP ausguck_heartbeats_requests_total Requests to the URLs of heartbeats, by status code: 404 for unknown tokens, 429 for rate limits.
# TYPE ausguck_heartbeats_requests_total counter
ausguck_heartbeats_requests_total{code="400"} 4
ausguck_heartbeats_requests_total{code="404"} 6
ausguck_heartbeats_requests_total{code="405"} 1
ausguck_heartbeats_requests_total{code="413"} 2
`), "ausguck_heartbeats_requests_total"))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestMetrics(t *testing.T) {
	w := start(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")), config)
	w.ping(t, "/hb/"+token+"/3", "")
	w.ping(t, "/hb/another-token-12345/start", "")
	require.NoError(t, testutil.GatherAndCompare(w.reg, strings.NewReader(`
# HELP ausguck_heartbeat_failed Whether the last run that ended has failed.
# TYPE ausguck_heartbeat_failed gauge
ausguck_heartbeat_failed{group="",heartbeat="other",team=""} 0
ausguck_heartbeat_failed{group="nightly",heartbeat="backup",team="storage"} 1
# HELP ausguck_heartbeat_last_exit_code Exit code of the last run that ended; absent if it failed without one.
# TYPE ausguck_heartbeat_last_exit_code gauge
ausguck_heartbeat_last_exit_code{group="nightly",heartbeat="backup",team="storage"} 3
# HELP ausguck_heartbeat_max_duration_seconds How long a run may take, as configured.
# TYPE ausguck_heartbeat_max_duration_seconds gauge
ausguck_heartbeat_max_duration_seconds{group="nightly",heartbeat="backup",team="storage"} 7200
# HELP ausguck_heartbeat_pings_total Pings, by result. The number survives restarts.
# TYPE ausguck_heartbeat_pings_total counter
ausguck_heartbeat_pings_total{group="",heartbeat="other",result="fail",team=""} 0
ausguck_heartbeat_pings_total{group="",heartbeat="other",result="log",team=""} 0
ausguck_heartbeat_pings_total{group="",heartbeat="other",result="start",team=""} 1
ausguck_heartbeat_pings_total{group="",heartbeat="other",result="success",team=""} 0
ausguck_heartbeat_pings_total{group="nightly",heartbeat="backup",result="fail",team="storage"} 1
ausguck_heartbeat_pings_total{group="nightly",heartbeat="backup",result="log",team="storage"} 0
ausguck_heartbeat_pings_total{group="nightly",heartbeat="backup",result="start",team="storage"} 0
ausguck_heartbeat_pings_total{group="nightly",heartbeat="backup",result="success",team="storage"} 0
# HELP ausguck_heartbeat_running Whether a run has started and not ended.
# TYPE ausguck_heartbeat_running gauge
ausguck_heartbeat_running{group="",heartbeat="other",team=""} 1
ausguck_heartbeat_running{group="nightly",heartbeat="backup",team="storage"} 0
# HELP ausguck_heartbeat_up Whether the heartbeat reported the end of its last run in time: 0 from the due timestamp on.
# TYPE ausguck_heartbeat_up gauge
ausguck_heartbeat_up{group="",heartbeat="other",team=""} 1
ausguck_heartbeat_up{group="nightly",heartbeat="backup",team="storage"} 1
`), "ausguck_heartbeat_failed", "ausguck_heartbeat_last_exit_code", "ausguck_heartbeat_max_duration_seconds", "ausguck_heartbeat_pings_total",
		"ausguck_heartbeat_running", "ausguck_heartbeat_up"))
	n, err := testutil.GatherAndCount(w.reg, "ausguck_heartbeat_due_timestamp_seconds", "ausguck_heartbeat_last_ping_timestamp_seconds", "ausguck_heartbeat_running_since_timestamp_seconds")
	require.NoError(t, err)
	require.Equal(t, 2+2+1, n)
}

// A server that starts again has the state and the lines that it acknowledged, also under another configuration.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ausguck.db")
	db := open(t, path)
	w := start(t, db, config)
	w.loki.answer(http.StatusServiceUnavailable)
	w.ping(t, "/hb/"+token+"/start?rid=123e4567-e89b-12d3-a456-426614174000", "")
	w.ping(t, "/hb/"+token+"/log", "line")
	before := w.heartbeat(t, "backup")
	w.stop()
	require.Equal(t, http.StatusServiceUnavailable, w.ask(http.MethodGet, "/hb/"+token, "").Code, "it is stopped")
	require.Empty(t, w.Missing())

	w.loki.answer(0)
	w.run(t) // the same server again
	require.Equal(t, before, w.heartbeat(t, "backup"))
	w.loki.waitFor(t, 2)
	w.ping(t, "/hb/"+token+"/0?rid=123E4567-e89b-12d3-a456-426614174000", "")
	require.NotNil(t, w.heartbeat(t, "backup")["lastDuration"], "the start is known")
	w.loki.waitFor(t, 3)
	before = w.heartbeat(t, "backup")
	w.stop()

	w = start(t, db, config)
	require.Equal(t, before, w.heartbeat(t, "backup"))
	require.NoError(t, w.ApplyConfig(parse(t, "heartbeats: []")))
	require.Equal(t, http.StatusNotFound, w.ask(http.MethodGet, "/hb/"+token, "").Code)
	require.NoError(t, w.ApplyConfig(parse(t, strings.Replace(config, token, "a-rotated-token-1", 1))))
	require.Equal(t, before["pings"], w.heartbeat(t, "backup")["pings"], "it has its history under a new token")
	w.ping(t, "/hb/a-rotated-token-1", "")
	require.Equal(t, "up", w.heartbeat(t, "backup")["status"])
	require.Len(t, w.loki.waitFor(t, 1), 1, "lines are not sent twice")
}

// Neither the database nor the files beside it have a token.
func TestTokensAreNotStored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ausguck.db")
	w := start(t, open(t, path), config)
	w.ping(t, "/hb/"+token+"/start", "the text")
	w.ping(t, "/hb/"+token+"/1", "the text")
	w.loki.waitFor(t, 2)
	isNotStored(t, path, token, "backup")
}

// A committed ping survives a power failure: SQLite waits for the disk.
func TestCommitsWaitForTheDisk(t *testing.T) {
	var synchronous int
	require.NoError(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")).QueryRow("PRAGMA synchronous").Scan(&synchronous))
	require.GreaterOrEqual(t, synchronous, 2, "FULL")
}

// A ping that cannot be stored is not acknowledged and changes nothing.
func TestDatabaseFails(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "ausguck.db"))
	w := start(t, db, config)
	_, err := db.Exec("ALTER TABLE heartbeats_record RENAME TO elsewhere")
	require.NoError(t, err)
	answer := w.ask(http.MethodGet, "/hb/"+token, "")
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Equal(t, "5", answer.Header().Get("Retry-After"))
	require.Empty(t, w.heartbeat(t, "backup")["pings"])
	require.ErrorContains(t, w.ApplyConfig(parse(t, config)), "store which heartbeats there are: ")
	_, err = db.Exec("ALTER TABLE elsewhere RENAME TO heartbeats_record")
	require.NoError(t, err)
	w.ping(t, "/hb/"+token, "")
	require.Equal(t, map[string]any{"success": 1.0}, w.heartbeat(t, "backup")["pings"])
}

// Many clients at once: each ping counts once.
func TestConcurrentPings(t *testing.T) {
	const jobs, pings = 20, 15
	var content strings.Builder
	content.WriteString("heartbeats:\n")
	for n := range jobs {
		fmt.Fprintf(&content, "  - {name: job-%d, token: token-of-job-%05d, every: 1h}\n", n, n)
	}
	w := start(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")), content.String())
	var wg sync.WaitGroup
	codes := make(chan int, jobs*pings)
	for n := range jobs * pings {
		wg.Go(func() { codes <- w.ask(http.MethodGet, fmt.Sprintf("/hb/token-of-job-%05d", n%jobs), "").Code })
	}
	wg.Wait()
	close(codes)
	for code := range codes {
		require.Equal(t, http.StatusOK, code)
	}
	for n := range jobs {
		require.Equal(t, map[string]any{"success": float64(pings)}, w.heartbeat(t, fmt.Sprintf("job-%d", n))["pings"])
	}
	w.loki.waitFor(t, jobs*pings)
}

// Loki's problems are not those of a ping: lines wait, and one that Loki rejects does not hold up the others.
func TestLinesThatLokiRejects(t *testing.T) {
	w := start(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")), config)
	w.loki.answer(http.StatusTooManyRequests)
	w.ping(t, "/hb/"+token+"/log", "one")
	w.ping(t, "/hb/"+token+"/log", "poison")
	w.ping(t, "/hb/"+token+"/log", "three \x1b[31m\xff")
	w.loki.answer(0)
	lines := w.loki.waitFor(t, 2)
	require.Contains(t, lines[0], "text=one")
	require.Contains(t, lines[1], "text=\"three \ufffd[31m\ufffd\"", "without control characters")
	require.Eventually(t, func() bool {
		var waiting int
		require.NoError(t, w.db.QueryRow("SELECT count(*) FROM heartbeats_line").Scan(&waiting))
		return waiting == 0
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, testutil.GatherAndCompare(w.reg, strings.NewReader(`
# HELP ausguck_heartbeats_log_lines_lost_total Log lines of heartbeats that are not in Loki: it rejected them, or was down for too long. The pings are recorded.
# TYPE ausguck_heartbeats_log_lines_lost_total counter
ausguck_heartbeats_log_lines_lost_total 1
`), "ausguck_heartbeats_log_lines_lost_total"))
}

func TestRateLimitOfAToken(t *testing.T) {
	w := start(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")), config)
	accepted := 0
	var refused *httptest.ResponseRecorder
	for n := range 100 { // from many addresses, which does not help
		answer := w.ask(http.MethodGet, "/hb/"+token, "", from(fmt.Sprintf("192.0.2.%d", n)))
		if answer.Code == http.StatusOK {
			accepted++
			continue
		}
		refused = answer
		break
	}
	require.GreaterOrEqual(t, accepted, 30)
	require.NotNil(t, refused, "100 in a moment are too many")
	require.Equal(t, http.StatusTooManyRequests, refused.Code)
	require.Equal(t, "rate limited", refused.Body.String())
	require.Equal(t, "1", refused.Header().Get("Retry-After"))
	require.EqualValues(t, accepted, w.heartbeat(t, "backup")["pings"].(map[string]any)["success"])
	w.ping(t, "/hb/another-token-12345", "") // others are not affected
}

// Who guesses tokens has to wait, and does not learn whether one was right. Nobody else does, and no heartbeat that has reported
// from the same address before.
func TestGuessesOfTokens(t *testing.T) {
	w := start(t, open(t, filepath.Join(t.TempDir(), "ausguck.db")), config)
	guesser := from("198.51.100.7")
	require.Equal(t, http.StatusOK, w.ask(http.MethodGet, "/hb/"+token, "", guesser).Code)
	refused := 0
	for n := range 40 {
		answer := w.ask(http.MethodGet, fmt.Sprintf("/hb/guessed-token-%05d", n), "", guesser)
		if answer.Code == http.StatusTooManyRequests {
			refused++
			continue
		}
		require.Equal(t, http.StatusNotFound, answer.Code)
	}
	require.GreaterOrEqual(t, refused, 15)
	answer := w.ask(http.MethodGet, "/hb/another-token-12345", "", guesser)
	require.Equal(t, http.StatusTooManyRequests, answer.Code, "a right one that was never used from there")
	require.NotEmpty(t, answer.Header().Get("Retry-After"))
	require.Equal(t, http.StatusOK, w.ask(http.MethodGet, "/hb/"+token, "", guesser).Code, "one that was")
	require.Equal(t, http.StatusOK, w.ask(http.MethodGet, "/hb/another-token-12345", "", from("203.0.113.9")).Code, "from elsewhere")
}
