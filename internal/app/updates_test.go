package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/common/version"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/updates"
)

func TestNewerVersionIsOnStatus(t *testing.T) {
	version.Version = "1.0.0" // a test binary has none
	t.Cleanup(func() { version.Version = "" })
	agents := make(chan string, 10)
	releases := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents <- r.UserAgent()
		_, _ = io.WriteString(w, `{"tag_name": "v999.1.0", "html_url": "https://forge.example/v999.1.0"}`)
	}))
	t.Cleanup(releases.Close)
	r := start(t, testOptions(t, "--update.url="+releases.URL))
	var update *updates.State
	require.Eventually(t, func() bool {
		code, body := r.do(t, http.MethodGet, "/api/ausguck/status")
		var answer struct {
			Update *updates.State `json:"update"`
		}
		require.Equal(t, http.StatusOK, code, body)
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		update = answer.Update
		require.Empty(t, update.Error)
		return !update.Checked.IsZero()
	}, 30*time.Second, 100*time.Millisecond)
	require.Equal(t, &updates.Release{Version: "999.1.0", URL: "https://forge.example/v999.1.0"}, update.Newest)
	require.True(t, update.Newer)
	require.WithinDuration(t, time.Now(), update.Checked, time.Minute)
	require.Equal(t, "Ausguck/1.0.0", <-agents)
	_, metrics := r.do(t, http.MethodGet, "/metrics")
	require.Contains(t, metrics, "\nausguck_updates_available 1\n")
	require.Contains(t, metrics, "ausguck_part_ready{part=\"updates\"} 1\n")
}

func TestNothingIsAskedWithoutTheFlag(t *testing.T) {
	r := start(t, testOptions(t))
	_, body := r.do(t, http.MethodGet, "/api/ausguck/status")
	require.Contains(t, body, `"update":null`)
	_, metrics := r.do(t, http.MethodGet, "/metrics")
	require.NotContains(t, metrics, "ausguck_updates_")
}

func TestUpdateURLIsChecked(t *testing.T) {
	options := testOptions(t, "--update.url=forge.example")
	_, err := app.Check(options)
	require.ErrorContains(t, err, "--update.url: not an http or https URL with a host")
}
