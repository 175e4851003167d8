package heartbeats

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const testUUID = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"

func TestActionOf(t *testing.T) {
	code := func(n int) *int { return &n }
	for action, want := range map[string]struct {
		result Result
		exit   *int
	}{
		"": {Succeeded, nil}, "start": {Started, nil}, "fail": {Failed, nil}, "log": {Logged, nil},
		"0": {Succeeded, code(0)}, "1": {Failed, code(1)}, "255": {Failed, code(255)},
	} {
		result, exit, known := actionOf(action)
		require.True(t, known, action)
		require.Equal(t, want.result, result, action)
		require.Equal(t, want.exit, exit, action)
	}
	for _, action := range []string{"256", "-1", "+1", "1.0", "stop", "START", "99999999999999999999", "0x1"} {
		_, _, known := actionOf(action)
		require.False(t, known, action)
	}
}

func TestAliases(t *testing.T) {
	h := Aliases(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.RequestURI())) }))
	for path, want := range map[string]string{
		"/" + testUUID:                       "/hb/" + testUUID,
		"/" + strings.ToUpper(testUUID):      "/hb/" + strings.ToUpper(testUUID),
		"/" + testUUID + "/start?rid=1":      "/hb/" + testUUID + "/start?rid=1",
		"/fqOOd6-F4MMNuCEnzTU01w/backup/0":   "/hb/fqOOd6-F4MMNuCEnzTU01w/backup/0",
		"/fqOOd6-F4MMNuCEnzTU01w":            "/fqOOd6-F4MMNuCEnzTU01w",
		"/fqOOd6-F4MMNuCEnzTU01w/":           "/fqOOd6-F4MMNuCEnzTU01w/",
		"/hb/" + testUUID:                    "/hb/" + testUUID,
		"/d/" + testUUID + "/title":          "/d/" + testUUID + "/title",
		"/api/v2/silence/" + testUUID:        "/api/v2/silence/" + testUUID,
		"/":                                  "/",
		"/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea": "/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		h.ServeHTTP(w, r)
		require.Equal(t, want, w.Body.String(), path)
		require.Equal(t, path, r.URL.RequestURI(), "the caller's request is unchanged")
	}
}

func TestHideToken(t *testing.T) {
	for path, want := range map[string]string{
		"/hb/" + testUUID:                 "/hb/<token>",
		"/hb/my-own-token-1234/start":     "/hb/<token>/start",
		"//hb///my-own-token-1234/1":      "/hb/<token>/1",
		"/x/../hb/my-own-token-1234":      "/hb/<token>",
		"/ping/" + testUUID + "/fail":     "/ping/<token>/fail",
		"/ping/" + testUUID + "/":         "/ping/<token>",
		"/" + testUUID:                    "/<token>",
		"/" + testUUID + "/7":             "/<token>/7",
		"/fqOOd6-F4MMNuCEnzTU01w/backup":  "/<token>/backup",
		"/d/" + testUUID:                  "/d/" + testUUID,
		"/":                               "/",
		"/api/v1/query":                   "/api/v1/query",
		"/static/x/../../other/something": "/static/x/../../other/something",
	} {
		require.Equal(t, want, HideToken(path), path)
	}
}

// No path makes the parser fail, and no log shows the token in it.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/hb/" + testUUID, "/ping/" + testUUID + "/start", "/" + testUUID + "/1", "/fqOOd6-F4MMNuCEnzTU01w/backup/fail", "/hb/", "//", "/hb/%2f"} {
		f.Add(seed)
	}
	cfg, problems := LoadConfig(Source{Name: "heartbeats.yml", Content: []byte("heartbeats:\n" +
		"  - {name: a, token: " + testUUID + ", every: 1d}\n  - {name: b, token: fqOOd6-F4MMNuCEnzTU01w/backup, every: 1d}\n")})
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://x", nil)
		r.URL.Path = path
		Aliases(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if h, action := lookUp(cfg, r.URL.Path); h != nil {
				actionOf(action)
				hidden := strings.ToLower(HideToken(path))
				require.NotContains(t, hidden, testUUID)
				require.NotContains(t, hidden, "fqood6-f4mmnucenztu01w")
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}
