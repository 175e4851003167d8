package app_test

import (
	"encoding/json"
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

// Who adds a heartbeat on the page gets its token; nobody reads it afterwards.
func TestViewersGetNoToken(t *testing.T) {
	r := start(t, testOptions(t, "--no-cadvisor", "--web.external-url=https://example.org/ausguck/"))
	r.addUsers(t)
	const path = "/api/ausguck/heartbeats"
	code, _, body := r.ask(t, editor, http.MethodPost, path, `{"name": "dump/main", "every": "1d"}`)
	require.Equal(t, http.StatusOK, code, body)
	var added struct{ Token string }
	require.NoError(t, json.Unmarshal([]byte(body), &added))
	code, _, _ = r.ask(t, nobody, http.MethodGet, "/ausguck/hb/"+added.Token+"/0", "")
	require.Equal(t, http.StatusOK, code)
	for _, who := range []user{viewer, editor, admin} {
		code, header, body := r.ask(t, who, http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, "no-store", header.Get("Cache-Control"))
		require.Contains(t, body, `"name":"dump/main"`)
		require.NotContains(t, strings.ToLower(body), "token")
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		code, _, _ = r.ask(t, viewer, method, path+"?name=dump/main", `{"name": "dump/main", "every": "2d"}`)
		require.Equal(t, http.StatusForbidden, code, method)
	}
	code, _, body = r.ask(t, viewer, http.MethodPost, path+"/token?name=dump/main", "")
	require.Equal(t, http.StatusForbidden, code)
	require.NotContains(t, body, `"token"`)

	code, _, body = r.ask(t, editor, http.MethodPost, path+"/token?name=dump/main", "")
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, body, added.Token)
	code, _, _ = r.ask(t, nobody, http.MethodGet, "/hb/"+added.Token, "")
	require.Equal(t, http.StatusNotFound, code)
	code, _, body = r.ask(t, editor, http.MethodDelete, path+"?name=dump/main", "")
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, body, "dump")
}
