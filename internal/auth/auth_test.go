package auth_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/database"
)

const password = "correct horse"

// remoteHeader contains the remote address of a request in these tests.
const remoteHeader = "X-Test-Remote"

func from(address string) func(*http.Request) { return header(remoteHeader, address) }

// house is a Service in front of pages that return who is logged in.
type house struct {
	*auth.Service
	url string
	reg *prometheus.Registry
	db  *sql.DB
}

func newHouse(t testing.TB, change func(*auth.Options)) *house {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "ausguck.db"))
	require.NoError(t, err)
	h := &house{reg: prometheus.NewRegistry(), db: db}
	o := auth.Options{
		DB: db, Registerer: h.reg, AdminPassword: password,
		Logger:    slog.New(slog.NewTextHandler(t.Output(), nil)),
		LoginPage: template.Must(template.New("").Parse(`{{.Prefix}}|{{.Login}}|{{.RedirectTo}}|{{.Error}}{{if .NewPassword}}|new|{{.Later}}{{end}}`)),
	}
	if change != nil {
		change(&o)
	}
	h.Service = auth.New(o)
	require.NoError(t, h.Prepare(t.Context()))
	require.NoError(t, h.Bootstrap(t.Context()))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", h.LoginPage)
	mux.HandleFunc("POST /login", h.Login)
	mux.HandleFunc("GET /login/generic_oauth", h.SignIn)
	mux.HandleFunc("GET /login/password", h.NewPasswordPage)
	mux.HandleFunc("POST /login/password", h.NewPassword)
	mux.HandleFunc("/logout", h.Logout)
	mux.Handle("/api/", h.Require(auth.Viewer, h.API()))
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		_, _ = io.WriteString(w, id.Login+" "+string(id.Role)+" by "+string(id.By))
	})
	mux.Handle("/", h.Require(auth.Viewer, who))
	mux.Handle("/edit", h.Require(auth.Editor, who))
	mux.Handle("/admin", h.Require(auth.Admin, who))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if remote := r.Header.Get(remoteHeader); remote != "" {
			r.RemoteAddr = remote + ":1234" // as httpserver determines it
		}
		mux.ServeHTTP(w, r)
	}))
	h.url = server.URL
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, db.Close())
	})
	return h
}

// answer is a response; redirects are not followed.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T) (value map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), &value), a.body)
	return value
}

func (h *house) do(t *testing.T, method, path, body string, edit ...func(*http.Request)) answer {
	t.Helper()
	return h.with(t, nil, method, path, body, edit...)
}

func (h *house) with(t *testing.T, jar http.CookieJar, method, path, body string, edit ...func(*http.Request)) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for _, e := range edit {
		e(req)
	}
	client := http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, string(content)}
}

func as(login, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(login, password) }
}

var admin = as("admin", password)

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func bearer(token string) func(*http.Request) { return header("Authorization", "Bearer "+token) }

var form = header("Content-Type", "application/x-www-form-urlencoded")

// login returns the cookies of a new session.
func (h *house) login(t *testing.T, login, password string) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	a := h.with(t, jar, http.MethodPost, "/login", "user="+login+"&password="+password, form)
	require.Equal(t, http.StatusSeeOther, a.code, a.body)
	return jar
}

// addUser creates a user and returns its id.
func (h *house) addUser(t *testing.T, login, password string, role auth.Role) string {
	t.Helper()
	a := h.do(t, http.MethodPost, "/api/admin/users", `{"login":"`+login+`","password":"`+password+`"}`, admin)
	require.Equal(t, http.StatusOK, a.code, a.body)
	id := jsonNumber(t, a, "id")
	a = h.do(t, http.MethodPatch, "/api/org/users/"+id, `{"role":"`+string(role)+`"}`, admin)
	require.Equal(t, http.StatusOK, a.code, a.body)
	return id
}

func jsonNumber(t *testing.T, a answer, field string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.UseNumber()
	var value map[string]any
	require.NoError(t, dec.Decode(&value), a.body)
	number, ok := value[field].(json.Number)
	require.True(t, ok, a.body)
	return number.String()
}

func (h *house) logins(t *testing.T, ok, wrong, throttled string) {
	t.Helper()
	require.NoError(t, testutil.GatherAndCompare(h.reg, strings.NewReader(`
# HELP ausguck_auth_logins_total Password checks at login or with a request, by result.
# TYPE ausguck_auth_logins_total counter
ausguck_auth_logins_total{result="ok"} `+ok+`
ausguck_auth_logins_total{result="throttled"} `+throttled+`
ausguck_auth_logins_total{result="wrong"} `+wrong+`
`), "ausguck_auth_logins_total"))
}

// initial returns the content of the file with the generated password, or "" if the file does not exist.
func initial(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	require.NoError(t, err)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "only who runs the program can read it")
	return strings.TrimSpace(string(content))
}

// status sends a request that requires a role to a Service without a server.
func status(s *auth.Service, role auth.Role, edit func(*http.Request)) int {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	edit(r)
	w := httptest.NewRecorder()
	s.Require(role, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	return w.Code
}

func TestWhoMayDoWhat(t *testing.T) {
	h := newHouse(t, nil)
	h.addUser(t, "eve", "password of eve", auth.Viewer)
	h.addUser(t, "bob", "password of bob", auth.Editor)
	for name, tt := range map[string]struct {
		who               func(*http.Request)
		view, edit, admin int
	}{
		"nobody":         {form, 401, 401, 401},
		"viewer":         {as("eve", "password of eve"), 200, 403, 403},
		"editor":         {as("bob", "password of bob"), 200, 200, 403},
		"admin":          {admin, 200, 200, 200},
		"other case":     {as("ADMIN", password), 200, 200, 200},
		"wrong password": {as("admin", "guess"), 401, 401, 401},
		"no password":    {as("bob", ""), 401, 401, 401},
	} {
		t.Run(name, func(t *testing.T) {
			for path, want := range map[string]int{"/": tt.view, "/edit": tt.edit, "/admin": tt.admin} {
				// Each request has its own address; otherwise attempts would be throttled.
				remote := from("192.0.2." + strconv.Itoa(len(name)) + strconv.Itoa(len(path)))
				require.Equal(t, want, h.do(t, http.MethodGet, path, "", tt.who, remote).code, path)
			}
		})
	}
	a := h.do(t, http.MethodGet, "/admin", "", as("eve", "password of eve"))
	require.Contains(t, a.body, "Role needed: Admin")
	a = h.do(t, http.MethodGet, "/api/users", "", as("eve", "password of eve"))
	require.Equal(t, "Access denied", a.json(t)["title"])
	require.Contains(t, a.json(t)["message"], "Permissions needed: users:read")
	a = h.do(t, http.MethodGet, "/api/user", "")
	require.Equal(t, "Unauthorized", a.json(t)["message"])
}

func TestAdminPasswordOfEveryStart(t *testing.T) {
	db, err := database.Open(filepath.Join(t.TempDir(), "ausguck.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	file := filepath.Join(t.TempDir(), "initial-admin-password")
	start := func(login, password string) (*auth.Service, string) {
		s := auth.New(auth.Options{
			DB: db, Logger: slog.New(slog.DiscardHandler), AdminLogin: login, AdminPassword: password,
			LoginPage: template.Must(template.New("").Parse("")), InitialPasswordFile: file,
		})
		require.NoError(t, s.Prepare(t.Context()))
		require.NoError(t, s.Bootstrap(t.Context()))
		return s, initial(t, file)
	}
	may := func(s *auth.Service, edit func(*http.Request)) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		edit(r)
		w := httptest.NewRecorder()
		s.Require(auth.Admin, http.NotFoundHandler()).ServeHTTP(w, r)
		return w.Code
	}
	const in, out = http.StatusNotFound, http.StatusUnauthorized

	s, generated := start("", "")
	require.Len(t, generated, 26)
	require.Equal(t, in, may(s, as("admin", generated)))
	s, again := start("", "")
	require.Equal(t, generated, again, "until it is changed")
	require.Equal(t, in, may(s, as("admin", generated)), "kept")

	s, again = start("", "first")
	require.Empty(t, again, "gone with the password")
	require.Equal(t, in, may(s, as("admin", "first")))
	require.Equal(t, out, may(s, as("admin", generated)))
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("user=admin&password=first"))
	form(r)
	s.Login(w, r)
	cookie := func(r *http.Request) { r.AddCookie(w.Result().Cookies()[0]) }
	s, _ = start("", "first")
	require.Equal(t, in, may(s, cookie), "the same password leaves sessions")
	s, _ = start("", "second")
	require.Equal(t, out, may(s, cookie), "another ends them")
	require.Equal(t, in, may(s, as("admin", "second")))

	s, _ = start("chief", "third")
	require.Equal(t, in, may(s, as("chief", "third")))
	require.Equal(t, in, may(s, as("admin", "second")))
	reset, err := s.ResetPassword(t.Context(), "admin")
	require.NoError(t, err)
	require.Equal(t, in, may(s, as("admin", reset)))
	require.Equal(t, out, may(s, as("admin", "second")), "also where it was remembered")
	_, err = s.ResetPassword(t.Context(), "stranger")
	require.ErrorContains(t, err, "not found")
}

func TestUsersOfWebConfig(t *testing.T) {
	users := map[string]string{"ops": "$2a$04$pFX3.RxGKzqwHSlPdFGvOOTe8L6RAqgUy2/5fxlmzZv2p5Jl5VoIO"}
	users["ops"] = bcryptOf(t, "secret")
	h := newHouse(t, func(o *auth.Options) {
		o.UserHash = func(login string) (string, bool) {
			if hash, ok := users[login]; ok {
				return hash, true
			}
			return bcryptOf(t, "x"), false
		}
	})
	require.Equal(t, "ops Admin by password", h.do(t, http.MethodGet, "/admin", "", as("ops", "secret")).body)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("ops", "guess")).code)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("root", "x")).code, "what others are compared with opens nothing")
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", admin).code, "the users of the database are still there")
	require.Equal(t, true, h.do(t, http.MethodGet, "/api/user", "", as("ops", "secret")).json(t)["isExternal"])
	for path, body := range map[string]string{
		"/api/user/password": `{"oldPassword":"secret","newPassword":"another"}`,
		"/api/user":          `{"login":"else"}`,
	} {
		a := h.do(t, http.MethodPut, path, body, as("ops", "secret"))
		require.Equal(t, 403, a.code, path)
		require.Contains(t, a.body, "web.yml", path)
	}
	jar := h.login(t, "ops", "secret")
	require.Equal(t, "ops Admin by session", h.with(t, jar, http.MethodGet, "/", "").body)
	users["ops"] = bcryptOf(t, "changed")
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("ops", "secret")).code, "also where it was remembered")
	delete(users, "ops")
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("ops", "changed")).code)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code, "the session ends with the line in the file")
}
