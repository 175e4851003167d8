package app_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/heartbeats"
)

// The URLs of healthchecks.io have no prefix; none of ours is taken for one of them.
func TestHeartbeatsShadowNoRoute(t *testing.T) {
	r := start(t, testOptions(t, "--no-cadvisor"))
	for pattern := range r.Tables()["main"] {
		_, path := pathsOf(pattern)
		if strings.HasPrefix(path, heartbeats.Prefix) || strings.HasPrefix(path, heartbeats.OtherPrefix) {
			continue
		}
		require.Equal(t, path, heartbeats.HideToken(path), pattern)
	}
}

func TestHeartbeatsBelowAPrefixAndAfterAReload(t *testing.T) {
	const uuid = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
	dir := t.TempDir()
	file := filepath.Join(dir, "heartbeats.yml")
	writeFile(t, file, "heartbeats: [{name: backup, token: "+uuid+", every: 1d}]\n")
	r := start(t, testOptions(t, "--no-cadvisor", "--config.dir="+dir, "--web.external-url=https://example.org/ausguck/"))
	for _, path := range []string{"/ausguck/hb/" + uuid, "/hb/" + uuid, "/ausguck/" + uuid + "/start", "/" + uuid + "/0", "/ping/" + uuid} {
		code, _, body := r.ask(t, nobody, http.MethodPost, path, "text")
		require.Equal(t, http.StatusOK, code, path)
		require.Equal(t, "OK", body)
	}
	code, _, body := r.ask(t, admin, http.MethodGet, "/api/ausguck/heartbeats", "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `"pings":{"start":1,"success":4}`)

	writeFile(t, file, "heartbeats: [{name: backup, token: short, every: soon}]\n")
	err := r.Reload()
	require.ErrorContains(t, err, file+":1: heartbeats[0].every: ")
	require.ErrorContains(t, err, file+":1: heartbeats[0].token: ")
	code, _, _ = r.ask(t, nobody, http.MethodGet, "/hb/"+uuid, "")
	require.Equal(t, http.StatusOK, code, "a file that does not load changes nothing")
	writeFile(t, file, "heartbeats: [{name: backup, token: a-rotated-token-1, every: 1d}]\n")
	require.NoError(t, r.Reload())
	code, _, _ = r.ask(t, nobody, http.MethodGet, "/hb/"+uuid, "")
	require.Equal(t, http.StatusNotFound, code)
	code, _, _ = r.ask(t, nobody, http.MethodGet, "/hb/a-rotated-token-1", "")
	require.Equal(t, http.StatusOK, code)
}
