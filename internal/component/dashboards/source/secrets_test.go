package source_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
	"github.com/ausguck/ausguck/internal/database"
)

// asksWith returns a data source and a function for the password of the last request it received.
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
	r := dashtest.Start(t, nil)
	r.OK("POST", "/api/datasources", `{"name":"Mine","uid":"mine","type":"prometheus","url":"`+url+`","basicAuth":true,"basicAuthUser":"me","secureJsonData":{"basicAuthPassword":"streng geheim"}}`)
	require.Equal(t, http.StatusOK, r.Admin("GET", query, "").Code)
	require.Equal(t, "streng geheim", last())
	r.Stop()

	info, err := os.Stat(r.KeyFile())
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	require.EqualValues(t, 32, info.Size())
	files, err := filepath.Glob(filepath.Join(filepath.Dir(r.KeyFile()), "*"))
	require.NoError(t, err)
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil {
			require.NotContains(t, string(content), "streng geheim", file)
		}
	}

	r.Run()
	require.Equal(t, http.StatusOK, r.Admin("GET", query, "").Code)
	require.Equal(t, "streng geheim", last(), "after a restart")
}

func TestSecretsWithAnotherKey(t *testing.T) {
	url, last := asksWith(t)
	r := dashtest.Start(t, nil)
	body := `{"name":"Mine","uid":"mine","type":"prometheus","url":"` + url + `","basicAuth":true,"basicAuthUser":"me","secureJsonData":{"basicAuthPassword":"geheim"}}`
	r.OK("POST", "/api/datasources", body)
	r.Stop()
	require.NoError(t, os.Remove(r.KeyFile()))
	notices := r.Damaged()
	require.Len(t, notices, 1)
	require.Equal(t, "the secrets of Mine were encrypted with another key", notices[0].Cause)
	require.Contains(t, r.Log.String(), "encrypted with another key")
	require.Empty(t, dashtest.At(t, r.OK("GET", "/api/datasources/uid/mine", ""), "secureJsonFields"))
	r.OK("PUT", "/api/datasources/uid/mine", body)
	require.Equal(t, http.StatusOK, r.Admin("GET", query, "").Code)
	require.Equal(t, "geheim", last())
	r.Stop()

	require.NoError(t, os.WriteFile(r.KeyFile(), []byte("short"), 0o600))
	notices = r.Damaged()
	require.Len(t, notices, 1)
	require.Equal(t, "it has 5 bytes, not 32", notices[0].Cause)
	r.OK("PUT", "/api/datasources/uid/mine", body)
	require.Equal(t, http.StatusOK, r.Admin("GET", query, "").Code)
	require.Equal(t, "geheim", last())
}

func TestSecretsOfAnotherDatasourceStayShut(t *testing.T) {
	url, last := asksWith(t)
	r := dashtest.Start(t, nil)
	for _, uid := range []string{"mine", "other"} {
		r.OK("POST", "/api/datasources", `{"name":"`+uid+`","uid":"`+uid+`","type":"prometheus","url":"`+url+`","basicAuth":true,"basicAuthUser":"me","secureJsonData":{"basicAuthPassword":"of `+uid+`"}}`)
	}
	r.Stop()
	exec(r, "UPDATE datasources SET secure = (SELECT secure FROM datasources WHERE uid = 'other') WHERE uid = 'mine'")
	r.Run()
	require.Equal(t, http.StatusOK, r.Admin("GET", query, "").Code)
	require.Empty(t, last())
	require.Contains(t, r.Log.String(), "uid=mine")
}

func TestSecretsOfOlderVersionsAreEncrypted(t *testing.T) {
	url, last := asksWith(t)
	r := dashtest.Start(t, nil)
	r.Stop()
	exec(r, `INSERT INTO datasources (uid, name, body, secure) VALUES ('mine', 'Mine', '{"type":"prometheus","access":"proxy","url":"`+url+`","basicAuth":true,"basicAuthUser":"me","jsonData":{},"version":1}', '{"basicAuthPassword":"old"}')`)
	r.Run()
	require.Equal(t, http.StatusOK, r.Admin("GET", query, "").Code)
	require.Equal(t, "old", last())
	r.Stop()
	require.Equal(t, 1, count(r, "SELECT count(*) FROM datasources WHERE secure LIKE 'aes256gcm:%'"))
}

func exec(r *dashtest.Rig, statement string) {
	r.T.Helper()
	db, err := database.Open(filepath.Join(filepath.Dir(r.Dir), "ausguck.db"))
	require.NoError(r.T, err)
	_, err = db.Exec(statement)
	require.NoError(r.T, err)
	require.NoError(r.T, db.Close())
}

func count(r *dashtest.Rig, query string) int {
	r.T.Helper()
	db, err := database.Open(filepath.Join(filepath.Dir(r.Dir), "ausguck.db"))
	require.NoError(r.T, err)
	var n int
	require.NoError(r.T, db.QueryRow(query).Scan(&n))
	require.NoError(r.T, db.Close())
	return n
}
