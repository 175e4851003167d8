package app_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/page"
)

// user is a login with a password; the empty one sends no credentials.
type user struct{ login, password string }

var (
	nobody = user{}
	admin  = user{"admin", adminPassword}
	viewer = user{"eve", "password of eve"}
	editor = user{"bob", "password of bob"}
)

// ask returns the status, header and body of a response; it does not follow redirects.
func (r *running) ask(t *testing.T, who user, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if who != nobody {
		req.SetBasicAuth(who.login, who.password)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header, string(content)
}

// addUsers creates the viewer and the editor.
func (r *running) addUsers(t *testing.T) {
	t.Helper()
	for _, u := range []user{viewer, editor} {
		code, _, body := r.ask(t, admin, http.MethodPost, "/api/admin/users", `{"login":"`+u.login+`","password":"`+u.password+`"}`)
		require.Equal(t, http.StatusOK, code, body)
	}
	code, _, body := r.ask(t, admin, http.MethodPatch, "/api/org/users/3", `{"role":"Editor"}`)
	require.Equal(t, http.StatusOK, code, body)
}

// Every URL, with its response to an admin and to others.
func TestEveryRoute(t *testing.T) {
	r := start(t, testOptions(t, "--no-cadvisor", "--web.enable-lifecycle", "--web.enable-remote-write-receiver", "--web.enable-admin-api"))
	r.addUsers(t)
	const no, not = http.StatusUnauthorized, http.StatusForbidden
	table := newRoleMux(r.Tables()["main"])
	missing := maps.Clone(table.roles)
	for line, want := range map[string]struct {
		nobody, viewer, editor, admin int
		text                          string // in the admin's answer
	}{
		"GET /-/healthy":          {200, 200, 200, 200, "healthy"},
		"GET /-/ready":            {200, 200, 200, 200, "ready"},
		"GET /metrics":            {200, 200, 200, 200, `ausguck_part_ready{part="promserver"} 1`},
		"GET /login":              {200, 200, 200, 200, "Log in"},
		"GET /static/status.css":  {200, 200, 200, 200, "body {"},
		"GET /static/login.css":   {200, 200, 200, 200, "body {"},
		"GET /favicon.ico":        {200, 200, 200, 200, "<svg"},
		"GET /robots.txt":         {200, 200, 200, 200, "Disallow"},
		"GET /public/none.js":     {404, 404, 404, 404, ""},
		"GET /public/../status":   {307, 307, 307, 307, ""},
		"GET /status":             {no, 200, 200, 200, "<title>Ausguck on "},
		"GET /docs":               {no, 302, 302, 302, ""},
		"GET /runbooks":           {no, 302, 302, 302, ""},
		"GET /docs/":              {no, 200, 200, 200, `<a href="alerting">Alerting</a>`},
		"GET /docs/secure":        {no, 200, 200, 200, `<h2 id="dockers-socket">`},
		"GET /docs/secure.md":     {no, 200, 200, 200, `<h2 id="dockers-socket">`},
		"GET /docs/page.css":      {no, 200, 200, 200, "body {"},
		"GET /docs/none":          {no, 404, 404, 404, ""},
		"GET /docs/runbooks/host": {no, 404, 404, 404, ""},
		"GET /docs/../status":     {307, 307, 307, 307, ""},
		"POST /docs/":             {no, 404, 404, 404, ""},
		"GET /runbooks/":          {no, 200, 200, 200, `<a href="host#hostdiskfull">`},
		"GET /runbooks/host":      {no, 200, 200, 200, `<h2 id="hostdiskfull">`},
		"GET /runbooks/host.md":   {no, 200, 200, 200, `<h2 id="hostdiskfull">`},
		"GET /runbooks/page.css":  {no, 200, 200, 200, "body {"},
		"GET /runbooks/none":      {no, 404, 404, 404, ""},
		"GET /metrics/node":       {no, 200, 200, 200, "node_"},
		"GET /metrics/cadvisor":   {no, 404, 404, 404, "switched off"},
		"GET /version":            {no, 200, 200, 200, "goVersion"},
		"GET /federate?match[]=a": {no, 200, 200, 200, ""},
		"GET /no-such-page":       {no, 404, 404, 404, ""},
		"POST /":                  {no, 404, 404, 404, ""},
		"GET /consoles/none.html": {no, 404, 404, 404, ""},

		"GET /loki/api/v1/labels":           {no, 200, 200, 200, "success"},
		"GET /loki/api/v1/status/buildinfo": {no, 200, 200, 200, `"version"`},
		"POST /loki/api/v1/push":            {no, not, 400, 400, ""},
		"POST /otlp/v1/logs":                {no, not, 400, 400, ""},
		"POST /v1/metrics":                  {no, not, 415, 415, ""},
		"POST /v1/logs":                     {no, not, 415, 415, "application/x-protobuf or application/json"},
		"GET /v1/traces":                    {no, not, 405, 405, ""},
		"POST /opentelemetry.proto.collector.metrics.v1.MetricsService/Export": {no, not, 415, 415, "content-type"},
		"POST /opentelemetry.proto.collector.logs.v1.LogsService/Export":       {no, not, 415, 415, ""},
		"POST /opentelemetry.proto.collector.trace.v1.TraceService/Export":     {no, not, 415, 415, ""},
		"GET /loki/api/v1/delete":      {no, not, not, 200, ""},
		"POST /loki/api/v1/rules/x":    {no, not, 400, 400, ""},
		"GET /prometheus/api/v1/rules": {no, 200, 200, 200, "success"},
		"GET /api/prom/label":          {no, 200, 200, 200, ""},
		"POST /api/prom/push":          {no, not, 400, 400, ""},
		"POST /flush":                  {no, 404, 404, 404, ""},
		"POST /ingester/shutdown":      {no, 404, 404, 404, ""},

		"GET /hb/unknown":                              {404, 404, 404, 404, "not found"},
		"POST /ping/unknown/start":                     {404, 404, 404, 404, "not found"},
		"GET /api/ausguck/heartbeats":                  {no, 200, 200, 200, `"heartbeats":[]`},
		"POST /api/ausguck/heartbeats":                 {no, not, 400, 400, "JSON object"},
		"PUT /api/ausguck/heartbeats?name=none":        {no, not, 400, 400, "JSON object"},
		"DELETE /api/ausguck/heartbeats?name=none":     {no, not, 404, 404, "no heartbeat with this name"},
		"POST /api/ausguck/heartbeats/token?name=none": {no, not, 404, 404, "no heartbeat with this name"},

		"GET /debug/pprof/cmdline":                            {no, not, not, 200, ""},
		"GET /login/generic_oauth":                            {404, 404, 404, 404, "--auth.oidc.issuer"},
		"GET /login/password":                                 {302, 302, 302, 302, ""},
		"GET /api/v1/status/flags":                            {no, 200, 200, 200, "success"},
		"POST /api/v1/query query=up":                         {no, 200, 200, 200, "success"},
		"GET /api/v1/rules":                                   {no, 200, 200, 200, "success"},
		"GET /api/v2/status":                                  {no, 200, 200, 200, "receiver: nobody"},
		"GET /api/v2/silences":                                {no, 200, 200, 200, ""},
		"DELETE /api/v2/silence/none":                         {no, not, 422, 422, ""},
		"GET /api/ausguck/alerting/receivers":                 {no, 200, 200, 200, `"sendsNowhere":true`},
		"GET /api/ausguck/alerting/routes":                    {no, 200, 200, 200, `"receiver":"nobody"`},
		"GET /api/ausguck/status":                             {no, 200, 200, 200, `"name":"promserver","phase":"ready"`},
		"GET /api/ausguck/containers":                         {no, 200, 200, 200, `"docker":{"enabled":`},
		"GET /status-page/":                                   {404, 404, 404, 404, "not found"},
		"GET /status-page/none":                               {404, 404, 404, 404, "not found"},
		"POST /status-page/none":                              {405, 405, 405, 405, ""},
		"POST /status-page/none/subscribe":                    {405, 405, 405, 405, ""},
		"GET /api/ausguck/status-pages":                       {no, 200, 200, 200, `"pages":[]`},
		"POST /api/ausguck/status-pages/none/incidents":       {no, not, 404, 404, "has no page"},
		"DELETE /api/ausguck/status-pages/none/events/1":      {no, not, 404, 404, "has no page"},
		"GET /api/ausguck/status-pages/none/subscribers":      {no, not, 404, 404, "has no page"},
		"DELETE /api/ausguck/status-pages/none/subscribers/1": {no, not, 404, 404, "has no page"},
		"GET /probe?target=http://127.0.0.1:1/":               {no, not, 200, 200, "\nprobe_success 0\n"},
		"GET /api/ausguck/probes":                             {no, 200, 200, 200, `"probes":[]`},
		"POST /api/ausguck/probes":                            {no, not, 400, 400, "JSON object"},
		"PUT /api/ausguck/probes?name=none":                   {no, not, 400, 400, "JSON object"},
		"DELETE /api/ausguck/probes?name=none":                {no, not, 404, 404, "no probe with this name"},
		"GET /api/ausguck/querylog":                           {no, not, not, 200, `"entries":[]`},
		"POST /api/ausguck/query":                             {no, 400, 400, 400, "bad request data"},
		"DELETE /api/ausguck/query/none?request=0":            {no, 200, 200, 200, "not waited for"},
		"POST /api/ausguck/reload":                            {no, not, not, 200, `"reloaded":true`},
		"POST /api/ausguck/alerting/test":                     {no, not, 400, 400, "the body is"},
		"GET /api/ausguck/configuration":                      {no, not, not, 200, "retention_period: 15d"},
		"GET /api/ausguck/backup":                             {no, not, not, 200, ""},
		"GET /api/v1/no-such-thing":                           {no, 404, 404, 404, ""},
		"POST /api/v1/write":                                  {no, not, 400, 400, ""},
		"POST /api/v1/admin/tsdb/snapshot":                    {no, not, not, 200, "success"},
		"PUT /api/v1/admin/tsdb/snapshot":                     {no, not, not, 200, "success"},
		"POST /-/reload":                                      {no, not, not, 200, ""},
		"PUT /-/reload":                                       {no, not, not, 200, ""},
		"GET /-/quit":                                         {no, not, not, 405, ""},
		"GET /api/health":                                     {200, 200, 200, 200, `"database"`},
		"GET /api/search":                                     {no, 200, 200, 200, ""},
		"GET /api/datasources":                                {no, not, not, 200, `"prometheus"`},
		"POST /api/datasources":                               {no, not, not, 400, ""},
		"POST /api/dashboards/db":                             {no, not, 400, 400, ""},
		"GET /api/user":                                       {no, 200, 200, 200, `"login":"admin"`},
		"GET /api/user/orgs":                                  {no, 200, 200, 200, `"role":"Admin"`},
		"GET /api/login/ping":                                 {no, 200, 200, 200, "Logged in"},
		"GET /api/access-control/user/actions":                {no, 200, 200, 200, `"users:read":true`},
		"GET /api/users":                                      {no, not, not, 200, `"login":"eve"`},
		"GET /api/org/users":                                  {no, not, not, 200, `"role":"Editor"`},
		"GET /api/serviceaccounts/search":                     {no, not, not, 200, `"totalCount":0`},
		"GET /api/auth/keys":                                  {no, 404, 404, 404, "service accounts"},
		"GET /api/admin/stats":                                {no, not, not, 200, `"users":3`},
		"GET /api/admin/settings":                             {no, not, not, 200, `"root_url"`},
		"GET /api/teams/search":                               {no, 200, 200, 200, `"teams":[]`},
		"GET /api/user/teams":                                 {no, 200, 200, 200, `[]`},
		"POST /api/admin/provisioning/dashboards/reload":      {no, not, not, 200, "Dashboards config reloaded"},
		"POST /api/admin/provisioning/datasources/reload":     {no, not, not, 200, "Datasources config reloaded"},
		"GET /api/admin/users":                                {no, 404, 404, 404, ""},
		"DELETE /api/admin/users/99":                          {no, not, not, 404, "user not found"},
		"GET /api/users/99":                                   {no, not, not, 404, "user not found"},
		"PATCH /api/org/users/99":                             {no, not, not, 404, "user not found"},
		"POST /api/serviceaccounts":                           {no, not, not, 400, ""},
		"PUT /api/user/password":                              {no, 400, 400, 400, "bad request data"},
		"GET /api/auth/keys/1":                                {no, 404, 404, 404, "service accounts"},
		"GET /goto/none":                                      {no, 404, 404, 404, ""},
		"GET /-/reload":                                       {no, not, not, 405, ""},
		"POST /api/v1/otlp/v1/metrics":                        {no, not, 404, 404, "otlp write receiver needs to be enabled"},
		"GET /user/none":                                      {no, 404, 404, 404, ""},
		"DELETE /loki/api/v1/rules/none":                      {no, not, 500, 500, ""},
		"POST /api/prom/rules/x":                              {no, not, 400, 400, ""},
		"DELETE /api/prom/rules/none":                         {no, not, 500, 500, ""},
		"GET /prometheus/api/v1/alerts":                       {no, 200, 200, 200, "success"},
		"GET /logout":                                         {303, 303, 303, 303, ""},
		"POST /logout":                                        {303, 303, 303, 303, ""},
		"POST /login/password":                                {303, 303, 303, 303, ""},
		"POST /login":                                         {401, 401, 401, 401, "Invalid username or password"},
		"GET /logs":                                           {no, 302, 302, 302, "/d/ausguck-logs"},
		"GET /logs/":                                          {no, 302, 302, 302, "/d/ausguck-logs"},
		"GET /alerting":                                       {no, 302, 302, 302, `"/alerts"`},
		"GET /alerting/":                                      {no, 302, 302, 302, `"/alerts"`},
		"GET /alerting/list":                                  {no, 302, 302, 302, "/alerts/rules"},
		"GET /alerting/list/":                                 {no, 302, 302, 302, "/alerts/rules"},
		"GET /alerting/silences":                              {no, 302, 302, 302, "/alerts/silences"},
		"GET /alerting/silences/":                             {no, 302, 302, 302, "/alerts/silences"},
		"GET /alerting/notifications":                         {no, 302, 302, 302, "/alerts/receivers"},
		"GET /alerting/notifications/":                        {no, 302, 302, 302, "/alerts/receivers"},
		"GET /api/no-such-thing":                              {no, 404, 404, 404, `{"message":"Not found"}`},
		"PUT /api/no-such-thing":                              {no, 404, 404, 404, `"message"`},
	} {
		method, rest, _ := strings.Cut(line, " ")
		path, form, _ := strings.Cut(rest, " ")
		pattern, _, _ := table.role(t, method, path)
		delete(missing, pattern)
		for _, c := range []struct {
			who  user
			want int
			text string
		}{{nobody, want.nobody, ""}, {viewer, want.viewer, ""}, {editor, want.editor, ""}, {admin, want.admin, want.text}} {
			header := []string{}
			if form != "" {
				header = append(header, "Content-Type", "application/x-www-form-urlencoded")
			}
			code, h, body := r.ask(t, c.who, method, path, form, header...)
			require.Equal(t, c.want, code, "%s as %q: %s", line, c.who.login, body)
			require.Contains(t, body, c.text, line)
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), line)
			require.Equal(t, "deny", h.Get("X-Frame-Options"), line)
		}
	}
	for pattern := range missing {
		method, path := pathsOf(pattern)
		if method[0] != http.MethodGet {
			continue
		}
		if code, h, _ := r.ask(t, viewer, http.MethodGet, path, ""); strings.Contains(h.Get("Content-Security-Policy"), "script-src 'self'") {
			require.Contains(t, []int{http.StatusOK, http.StatusNotImplemented}, code, pattern) // the page, or a message about it
			code, _, _ = r.ask(t, nobody, http.MethodGet, path, "")
			require.Equal(t, no, code, pattern)
			delete(missing, pattern)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		for _, who := range []user{nobody, viewer, editor} { // an admin would end the test
			code, _, _ := r.ask(t, who, method, "/-/quit", "")
			require.Equal(t, map[bool]int{true: no, false: not}[who == nobody], code)
		}
		delete(missing, method+" /-/quit")
	}
	require.Empty(t, slices.Sorted(maps.Keys(missing)), "routes without a row above")
}

// The permissions that clients are told are those that the routes grant: a user with the permission does not get a 403.
func TestAdvertisedPermissionsAreThoseOfTheRoutes(t *testing.T) {
	r := start(t, testOptions(t, "--no-cadvisor"))
	r.addUsers(t)
	for who, role := range map[user]grafana.Role{viewer: grafana.Viewer, editor: grafana.Editor, admin: grafana.Admin} {
		var advertised map[grafana.Permission]bool
		code, _, body := r.ask(t, who, http.MethodGet, "/api/access-control/user/actions", "")
		require.Equal(t, http.StatusOK, code)
		require.NoError(t, json.Unmarshal([]byte(body), &advertised))
		asked := 0
		for _, routes := range r.GrafanaRoutes() {
			for _, route := range routes {
				if route.Needs == grafana.SignedIn || route.Needs == grafana.Public {
					continue
				}
				require.Equal(t, role.Includes(route.Needs.Role()), advertised[route.Needs], "%s as %s", route.Pattern, role)
				methods, path := pathsOf(route.Pattern)
				if who == admin || methods[0] != http.MethodGet { // requests that change state are covered by TestRolesOfEveryRoute
					continue
				}
				code, _, _ := r.ask(t, who, http.MethodGet, path, "")
				require.Equal(t, advertised[route.Needs], code != http.StatusForbidden, "%s as %s: %d", path, role, code)
				asked++
			}
		}
		require.True(t, who == admin || asked > 30, asked)
	}
}

func TestPageWithoutAndWithTheBuiltUI(t *testing.T) {
	r := start(t, testOptions(t))
	for _, path := range []string{"/", "/d/abc/some-title", "/dashboards", "/dashboard/import", "/explore", "/graph", "/query", "/alerts/silences/new"} {
		code, header, body := r.ask(t, admin, http.MethodGet, path, "")
		require.Contains(t, header.Get("Content-Security-Policy"), "script-src 'self';", path)
		require.Equal(t, "no-store", header.Get("Cache-Control"))
		if code == http.StatusNotImplemented {
			require.Contains(t, body, "built without the UI: run <code>make build</code>")
			continue
		}
		require.Equal(t, http.StatusOK, code, path)
		require.Contains(t, body, `"login":"admin"`)
		require.Contains(t, body, `"orgRole":"Admin"`)
		// A page includes the dashboard of its URL, and the names of the files that dashboards need.
		require.Equal(t, path == "/", strings.Contains(body, `"dashboard":{"uid":"ausguck-overview","home":true,"answer":{"meta":`), path)
		require.Equal(t, path == "/" || strings.HasPrefix(path, "/d/") || strings.HasPrefix(path, "/dashboard/"), strings.Contains(body, `data-for="dashboard"`), path)
	}
	if code, _, body := r.ask(t, viewer, http.MethodGet, "/d/ausguck-host/any", ""); code == http.StatusOK {
		require.Contains(t, body, `"dashboard":{"uid":"ausguck-host","home":false`)
	}
}

func TestBrowsersAreLedToTheLogin(t *testing.T) {
	r := start(t, testOptions(t, "--web.external-url=https://example.org/ausguck/"))
	code, header, _ := r.ask(t, nobody, http.MethodGet, "/ausguck/d/a/b?var-x=1&y=2", "", "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
	require.Equal(t, http.StatusFound, code)
	require.Equal(t, "/ausguck/login?redirectTo=%2Fd%2Fa%2Fb%3Fvar-x%3D1%26y%3D2", header.Get("Location"))
	require.Empty(t, header.Get("WWW-Authenticate"))

	code, header, _ = r.ask(t, nobody, http.MethodGet, "/api/user", "", "Accept", "text/html", "Sec-Fetch-Mode", "cors")
	require.Equal(t, http.StatusUnauthorized, code, "a script")
	require.Empty(t, header.Get("WWW-Authenticate"), "no dialog in the middle of a page")
	code, header, _ = r.ask(t, nobody, http.MethodGet, "/api/v1/labels", "")
	require.Equal(t, http.StatusUnauthorized, code)
	require.Contains(t, header.Get("WWW-Authenticate"), "Basic realm=")
}

func TestPreflightOnlyWhenAnOriginIsAllowed(t *testing.T) {
	preflight := func(flags ...string) (int, http.Header) {
		code, header, _ := start(t, testOptions(t, flags...)).ask(t, nobody, http.MethodOptions, "/api/v1/query", "", "Origin", "https://grafana.example.org")
		return code, header
	}
	code, _ := preflight()
	require.Equal(t, http.StatusUnauthorized, code)
	code, header := preflight("--web.cors.origin=https://grafana.example.org")
	require.Equal(t, http.StatusNoContent, code)
	require.Equal(t, "https://grafana.example.org", header.Get("Access-Control-Allow-Origin"))
}

func TestAdminPasswordMustBeClear(t *testing.T) {
	o := testOptions(t)
	t.Setenv("GF_SECURITY_ADMIN_PASSWORD", "another")
	_, err := app.New(o)
	require.ErrorContains(t, err, "the admin's password is set by GF_SECURITY_ADMIN_PASSWORD and by --auth.admin-password-file; use only one of them")
	o.Auth.AdminPasswordFile = ""
	t.Setenv("GF_USERS_ALLOW_SIGN_UP", "true")
	warnings, err := app.Check(o)
	require.NoError(t, err)
	require.Len(t, warnings, 2)
	require.Contains(t, warnings[0], "self-registration is not supported")
	require.Contains(t, warnings[1], "alerts are not delivered")
	t.Setenv("GF_USERS_ALLOW_SIGN_UP", "false")
	t.Setenv("GF_SECURITY_ADMIN_PASSWORD", "")
	t.Setenv("GF_SECURITY_ADMIN_PASSWORD__FILE", "/nowhere/password")
	_, err = app.Check(o)
	require.ErrorContains(t, err, "GF_SECURITY_ADMIN_PASSWORD__FILE: read the admin's password: open /nowhere/password")
}

// Prometheus's status page is /status: browsers are redirected to the UI's page, if there is a UI, also below the prefix.
func TestStatusOfPrometheusLeadsToTheUI(t *testing.T) {
	r := start(t, testOptions(t, "--no-cadvisor", "--web.external-url=https://monitoring.example.org/ausguck/"))
	code, header, body := r.ask(t, admin, http.MethodGet, "/status", "", "Accept", "text/html,*/*;q=0.8")
	if page.Built() {
		require.Equal(t, http.StatusFound, code)
		require.Equal(t, "/ausguck/admin/status", header.Get("Location"))
	} else {
		require.Equal(t, http.StatusOK, code)
		require.Contains(t, body, "<title>Ausguck on ")
	}
	code, _, body = r.ask(t, admin, http.MethodGet, "/status", "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "<title>Ausguck on ")
	for _, from := range []string{"/docs", "/runbooks"} {
		code, header, _ = r.ask(t, admin, http.MethodGet, from, "")
		require.Equal(t, http.StatusFound, code)
		require.Equal(t, "/ausguck"+from+"/", header.Get("Location"))
	}
}
