package dashboards_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/database"
)

// asksWith counts nothing: it answers with the password that it was asked with.
func asksWith(t *testing.T) (url string, last func() string) {
	t.Helper()
	password := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ = r.BasicAuth()
		_, _ = w.Write([]byte(`{"status":"success","data":[]}`))
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string { return password }
}

const query = "/api/datasources/proxy/uid/mine/api/v1/labels"

func TestSecretsAreEncryptedAtRest(t *testing.T) {
	url, last := asksWith(t)
	r := start(t, nil)
	r.ok("POST", "/api/datasources", `{"name":"Mine","uid":"mine","type":"prometheus","url":"`+url+`","basicAuth":true,"basicAuthUser":"me","secureJsonData":{"basicAuthPassword":"streng geheim"}}`)
	require.Equal(t, http.StatusOK, r.admin("GET", query, "").code)
	require.Equal(t, "streng geheim", last())
	r.stop()

	info, err := os.Stat(r.keyFile())
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	require.EqualValues(t, 32, info.Size())
	files, err := filepath.Glob(filepath.Join(filepath.Dir(r.keyFile()), "*"))
	require.NoError(t, err)
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil {
			require.NotContains(t, string(content), "streng geheim", file)
		}
	}

	r.run()
	require.Equal(t, http.StatusOK, r.admin("GET", query, "").code)
	require.Equal(t, "streng geheim", last(), "after a restart")
}

func TestSecretsWithAnotherKey(t *testing.T) {
	url, last := asksWith(t)
	r := start(t, nil)
	body := `{"name":"Mine","uid":"mine","type":"prometheus","url":"` + url + `","basicAuth":true,"basicAuthUser":"me","secureJsonData":{"basicAuthPassword":"geheim"}}`
	r.ok("POST", "/api/datasources", body)
	r.stop()
	require.NoError(t, os.Remove(r.keyFile()))
	notices := r.damaged()
	require.Len(t, notices, 1)
	require.Equal(t, "the secrets of Mine were encrypted with another key", notices[0].Cause)
	require.Contains(t, r.log.String(), "encrypted with another key")
	require.Empty(t, at(t, r.ok("GET", "/api/datasources/uid/mine", ""), "secureJsonFields"))
	r.ok("PUT", "/api/datasources/uid/mine", body)
	require.Equal(t, http.StatusOK, r.admin("GET", query, "").code)
	require.Equal(t, "geheim", last())
	r.stop()

	require.NoError(t, os.WriteFile(r.keyFile(), []byte("short"), 0o600))
	notices = r.damaged()
	require.Len(t, notices, 1)
	require.Equal(t, "it has 5 bytes, not 32", notices[0].Cause)
	r.ok("PUT", "/api/datasources/uid/mine", body)
	require.Equal(t, http.StatusOK, r.admin("GET", query, "").code)
	require.Equal(t, "geheim", last())
}

func TestSecretsOfAnotherDatasourceStayShut(t *testing.T) {
	url, last := asksWith(t)
	r := start(t, nil)
	for _, uid := range []string{"mine", "other"} {
		r.ok("POST", "/api/datasources", `{"name":"`+uid+`","uid":"`+uid+`","type":"prometheus","url":"`+url+`","basicAuth":true,"basicAuthUser":"me","secureJsonData":{"basicAuthPassword":"of `+uid+`"}}`)
	}
	r.stop()
	r.exec("UPDATE datasources SET secure = (SELECT secure FROM datasources WHERE uid = 'other') WHERE uid = 'mine'")
	r.run()
	require.Equal(t, http.StatusOK, r.admin("GET", query, "").code)
	require.Empty(t, last())
	require.Contains(t, r.log.String(), "uid=mine")
}

func TestSecretsOfOlderVersionsAreEncrypted(t *testing.T) {
	url, last := asksWith(t)
	r := start(t, nil)
	r.stop()
	r.exec(`INSERT INTO datasources (uid, name, body, secure) VALUES ('mine', 'Mine', '{"type":"prometheus","access":"proxy","url":"` + url + `","basicAuth":true,"basicAuthUser":"me","jsonData":{},"version":1}', '{"basicAuthPassword":"old"}')`)
	r.run()
	require.Equal(t, http.StatusOK, r.admin("GET", query, "").code)
	require.Equal(t, "old", last())
	r.stop()
	require.Equal(t, 1, r.count("SELECT count(*) FROM datasources WHERE secure LIKE 'aes256gcm:%'"))
}

func (r *rig) exec(statement string) {
	r.t.Helper()
	db, err := database.Open(filepath.Join(filepath.Dir(r.dir), "ausguck.db"))
	require.NoError(r.t, err)
	_, err = db.Exec(statement)
	require.NoError(r.t, err)
	require.NoError(r.t, db.Close())
}

func (r *rig) count(query string) int {
	r.t.Helper()
	db, err := database.Open(filepath.Join(filepath.Dir(r.dir), "ausguck.db"))
	require.NoError(r.t, err)
	var n int
	require.NoError(r.t, db.QueryRow(query).Scan(&n))
	require.NoError(r.t, db.Close())
	return n
}
