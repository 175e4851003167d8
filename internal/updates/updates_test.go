package updates_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/updates"
)

// serve returns the URL of a server on loopback.
func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func source(t *testing.T, address, own string) *updates.Source {
	t.Helper()
	s, err := updates.NewSource(address, own)
	require.NoError(t, err)
	return s
}

const github = `{"tag_name": "v1.3.0", "html_url": "https://forge.example/ausguck/releases/v1.3.0", "published_at": "2026-11-20T10:00:00Z", "draft": false, "assets": [{"name": "ausguck.deb"}]}`

func TestAnswers(t *testing.T) {
	published := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	full := updates.Release{Version: "1.3.0", URL: "https://forge.example/ausguck/releases/v1.3.0", Published: published}
	for name, tt := range map[string]struct {
		own, body string
		want      updates.Release
		newer     bool
	}{
		"GitHub, Gitea, Forgejo":    {"1.2.9", github, full, true},
		"GitLab":                    {"1.2.9", `{"tag_name": "v1.3.0", "released_at": "2026-11-20T11:00:00+01:00", "_links": {"self": "https://forge.example/ausguck/releases/v1.3.0"}}`, full, true},
		"the same":                  {"1.3.0", github, full, false},
		"an older one":              {"1.10.0", github, full, false},
		"a build of the next one":   {"1.3.0-dev", github, full, true},
		"a build after it":          {"1.4.0-dev", github, full, false},
		"a plain version":           {"0.9.0", "0.10.0\n", updates.Release{Version: "0.10.0"}, true},
		"a plain version with v":    {"0.10.0", "v0.10.0", updates.Release{Version: "0.10.0"}, false},
		"build metadata":            {"1.3.0+deb1", "1.3.0+deb2", updates.Release{Version: "1.3.0+deb2"}, false},
		"a link that is not one":    {"1.0.0", `{"tag_name": "1.3.0", "html_url": "javascript:alert(1)", "published_at": "soon"}`, updates.Release{Version: "1.3.0"}, true},
		"a link without a host":     {"1.0.0", `{"tag_name": "1.3.0", "html_url": "/releases"}`, updates.Release{Version: "1.3.0"}, true},
		"a release before a stable": {"1.3.0", `{"tag_name": "1.3.1-rc.1"}`, updates.Release{Version: "1.3.1-rc.1"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
			got, newer, err := source(t, address, tt.own).Newest(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.newer, newer)
		})
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	large := `{"tag_name": "1.3.0", "body": "` + strings.Repeat("x", 1<<20) + `"}`
	for name, tt := range map[string]struct{ own, body, want string }{
		"a page":            {"1.0.0", "<!doctype html>", `the response is not a version such as 1.2.3: "<!doctype html>"`},
		"no tag":            {"1.0.0", `{"message": "Not Found"}`, `tag_name is not a version such as 1.2.3: ""`},
		"a name":            {"1.0.0", `{"tag_name": "nightly"}`, `tag_name is not a version such as 1.2.3: "nightly"`},
		"two numbers":       {"1.0.0", "1.3", "not a version"},
		"broken JSON":       {"1.0.0", `{"tag_name": `, "the response is not valid JSON"},
		"nothing":           {"1.0.0", "", "not a version"},
		"too much":          {"1.0.0", large, "the response is larger than 1048576 bytes"},
		"a long version":    {"1.0.0", "1.3.0-" + strings.Repeat("a", 99), "not a version"},
		"terminal control":  {"1.0.0", "1.3.0\x1b[2J", `"1.3.0\x1b[2J"`},
		"no version of own": {"devel", github, `this build has no version to compare ("devel")`},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
			_, _, err := source(t, address, tt.own).Newest(t.Context())
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// The request says which version asks, and nothing else, also after a redirect.
func TestRequestTellsTheVersionOnly(t *testing.T) {
	var seen []http.Header
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/latest", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "1.3.0")
	})
	_, _, err := source(t, address, "1.2.0").Newest(t.Context())
	require.NoError(t, err)
	require.Len(t, seen, 2)
	for _, header := range seen {
		require.Equal(t, http.Header{
			"User-Agent": {"Ausguck/1.2.0"}, "Accept": {"application/json, text/plain;q=0.9"}, "Accept-Encoding": {"gzip"}, "Connection": {"close"},
		}, header)
	}
}

func TestFailures(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/secure":
			http.Redirect(w, r, "https://"+r.Host+"/", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	})
	host := strings.TrimPrefix(address, "http://")
	for path, want := range map[string]string{
		"/secure": "redirected from http to https, which is not followed",
		"/file":   "redirected from http to file, which is not followed",
		"/round":  "redirected more than 5 times",
		"/none":   "the response is 404 Not Found",
	} {
		_, _, err := source(t, address+path, "1.0.0").Newest(t.Context())
		require.EqualError(t, err, "ask "+host+" for the newest version: "+want)
	}
	// Messages are shown to everyone who may see the Status page, so they must not contain credentials.
	secret := strings.Replace(address, "http://", "http://user:s3cret@", 1) + "/none?token=s3cret"
	for _, broken := range []string{secret, strings.Replace(secret, "http", "https", 1)} {
		_, _, err := source(t, broken, "1.0.0").Newest(t.Context())
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func TestAddresses(t *testing.T) {
	for _, address := range []string{"", "forge.example/latest", "ftp://forge.example", "file:///etc/passwd", "https://", "http://user:s3cret@%zz"} {
		_, err := updates.NewSource(address, "1.0.0")
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

// transport answers requests of a Checker in a synctest bubble, where there is no network.
type transport struct {
	answers []string // an empty one is a failure; the last one repeats
	asked   []time.Duration
	start   time.Time
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	tr.asked = append(tr.asked, time.Since(tr.start))
	answer := tr.answers[min(len(tr.asked), len(tr.answers))-1]
	if answer == "" {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// checker runs a Checker for a while and returns when it asked and its state.
func checker(t *testing.T, duration time.Duration, answers ...string) (asked []time.Duration, state updates.State, reg *prometheus.Registry) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := source(t, "https://forge.example/latest", "1.2.0")
		tr := &transport{answers: answers, start: time.Now()}
		updates.SetTransport(s, tr)
		reg = prometheus.NewRegistry()
		c := updates.NewChecker(s, slog.New(slog.DiscardHandler), reg)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		ready := make(chan struct{})
		go func() { done <- c.Run(ctx, func() { close(ready) }) }()
		<-ready
		time.Sleep(duration)
		cancel()
		require.NoError(t, <-done)
		asked, state = tr.asked, c.State()
	})
	return asked, state, reg
}

func TestCheckerAsksOnceADay(t *testing.T) {
	asked, state, reg := checker(t, 10*24*time.Hour, "1.2.0", "1.3.0")
	require.GreaterOrEqual(t, asked[0], 5*time.Second)
	require.Less(t, asked[0], 15*time.Second)
	for i := range asked[1:] {
		require.GreaterOrEqual(t, asked[i+1]-asked[i], 24*time.Hour)
		require.LessOrEqual(t, asked[i+1]-asked[i], 29*time.Hour)
	}
	require.GreaterOrEqual(t, len(asked), 8)
	require.True(t, state.Newer)
	require.Equal(t, "1.3.0", state.Newest.Version)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(`
# HELP ausguck_updates_available Whether the last check found a newer version of Ausguck.
# TYPE ausguck_updates_available gauge
ausguck_updates_available 1
# HELP ausguck_updates_last_check_timestamp_seconds When the newest version was last known, in seconds since 1970; 0 if it never was.
# TYPE ausguck_updates_last_check_timestamp_seconds gauge
ausguck_updates_last_check_timestamp_seconds %d
`, state.Checked.Unix()))))
}

func TestCheckerBacksOff(t *testing.T) {
	asked, state, reg := checker(t, 20*24*time.Hour, "")
	wait := 15 * time.Minute
	for i := range asked[1:] {
		require.GreaterOrEqual(t, asked[i+1]-asked[i], wait, "after %d failures", i+1)
		require.LessOrEqual(t, asked[i+1]-asked[i], wait+wait/5, "after %d failures", i+1)
		wait = min(2*wait, 24*time.Hour)
	}
	require.Greater(t, len(asked), 15)
	require.Equal(t, updates.State{Error: "ask forge.example for the newest version: connection refused"}, state)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP ausguck_updates_available Whether the last check found a newer version of Ausguck.
# TYPE ausguck_updates_available gauge
ausguck_updates_available 0
`), "ausguck_updates_available"))
}

// A check that fails does not hide what is known, and the one after it begins a new back-off.
func TestCheckerKeepsWhatItKnows(t *testing.T) {
	_, state, _ := checker(t, 30*time.Hour, "1.3.0", "")
	require.True(t, state.Newer)
	require.Equal(t, "1.3.0", state.Newest.Version)
	require.NotEmpty(t, state.Error)

	asked, state, _ := checker(t, 40*time.Hour, "", "1.3.0", "", "1.2.0")
	require.Len(t, asked, 4)
	require.Less(t, asked[1]-asked[0], 20*time.Minute)
	require.Less(t, asked[3]-asked[2], 20*time.Minute)
	require.False(t, state.Newer)
	require.Empty(t, state.Error)
}
