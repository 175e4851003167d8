package prober

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func (p *Prober) call(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	p.API().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func (p *Prober) targets(t *testing.T) (names []string) {
	t.Helper()
	w := httptest.NewRecorder()
	p.Targets(w, nil)
	var groups []targetGroup
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &groups))
	for _, g := range groups {
		require.Equal(t, []string{Address}, g.Targets)
		names = append(names, g.Labels["probe"]+" "+g.Labels["__param_module"]+" "+g.Labels["__scrape_interval__"]+" "+g.Labels["__scrape_timeout__"])
	}
	return names
}

type refusedChange struct {
	code int
	text string
}

// Probes of the page are kept, come after those of the file, and give way to it.
func TestProbesOfThePage(t *testing.T) {
	p, _ := newProber(t, "probes: [{name: file, url: 'http://127.0.0.1:1/', interval: 5s}]")
	code, body := p.call(t, "POST", "/api/ausguck/probes", `{"name": "page", "url": "tcp://127.0.0.1:2", "interval": "1m", "labels": {"team": "a"}, "depends_on": ["file"]}`)
	require.Equal(t, 200, code, body)
	require.Equal(t, []string{"file probes/file 5s 5s", "page probes/page 1m 10s"}, p.targets(t))
	for body, want := range map[string]refusedChange{
		`{"name": "page", "url": "tcp://127.0.0.1:2"}`:                       {409, "exists"},
		`{"name": "file", "url": "tcp://127.0.0.1:2"}`:                       {409, "exists"},
		`{"name": "x", "url": "tcp://127.0.0.1"}`:                            {400, "names no port"},
		`{"name": "x", "url": "http://169.254.169.254/"}`:                    {400, "link-local"},
		`{"name": "x", "url": "http://127.0.0.1/", "color": 1}`:              {400, "unknown field"},
		`{"name": "x", "url": "http://127.0.0.1/", "depends_on": ["y"]}`:     {400, "there is no probe"},
		`{"name": "x", "url": "http://127.0.0.1/", "module": "y"}`:           {400, "has no module"},
		`{"name": "x", "url": "http://127.0.0.1/", "expect": {"text": "("}}`: {400, "error parsing regexp"},
		`[]`: {400, "JSON"},
	} {
		code, answer := p.call(t, "POST", "/api/ausguck/probes", body)
		require.Equal(t, want.code, code, "%s: %s", body, answer)
		require.Contains(t, answer, want.text, body)
	}
	code, _ = p.call(t, "PUT", "/api/ausguck/probes?name=page", `{"name": "other", "url": "http://127.0.0.1:3/"}`)
	require.Equal(t, 200, code)
	code, _ = p.call(t, "PUT", "/api/ausguck/probes?name=file", `{"name": "file", "url": "http://127.0.0.1:3/"}`)
	require.Equal(t, 404, code, "the file is not changed")

	again, err := New(Options{Logger: p.o.Logger, Registerer: prometheus.NewRegistry(), DB: p.o.DB}, configOf(t, "probes: [{name: other, url: 'http://127.0.0.1:4/'}]"))
	require.NoError(t, err)
	require.NoError(t, again.reread(t.Context()))
	require.Equal(t, []string{"other probes/other 15s 10s"}, again.targets(t), "the file decides")
	require.Equal(t, "http://127.0.0.1:4/", again.state.Load().probes[0].URL)
	require.NoError(t, again.ApplyConfig(configOf(t, "")))
	require.Equal(t, "http://127.0.0.1:3/", again.state.Load().probes[0].URL, "and it is back when the file has none")

	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/ausguck/probes", nil)
	r.Header.Set("Accept", "application/yaml")
	w := httptest.NewRecorder()
	p.API().ServeHTTP(w, r)
	probes, problems := ParseProbes("probes.yml", w.Body.Bytes())
	require.Empty(t, problems, w.Body.String())
	require.Equal(t, "other", probes[0].Name)

	code, _ = p.call(t, "DELETE", "/api/ausguck/probes?name=other", "")
	require.Equal(t, 200, code)
	code, _ = p.call(t, "DELETE", "/api/ausguck/probes?name=other", "")
	require.Equal(t, 404, code)
	code, body = p.call(t, "DELETE", "/api/ausguck/probes", "")
	require.Equal(t, 400, code)
	require.Contains(t, body, "?name=NAME")
	require.Equal(t, []string{"file probes/file 5s 5s"}, p.targets(t))
}

// Of two users who add a probe with the same name at the same time, one is told that it exists, and no probe is left out of the state.
func TestConcurrentAdditions(t *testing.T) {
	p, _ := newProber(t, "")
	const probes = 20
	answers := make(chan int, 2*probes)
	for i := range 2 * probes {
		go func() {
			code, _ := p.call(t, "POST", "/api/ausguck/probes", fmt.Sprintf(`{"name": "p%02d", "url": "tcp://127.0.0.1:2"}`, i/2))
			answers <- code
		}()
	}
	count := map[int]int{}
	for range 2 * probes {
		count[<-answers]++
	}
	require.Equal(t, map[int]int{200: probes, 409: probes}, count)
	require.Len(t, p.state.Load().probes, probes)
}

// What is stored also applies if the client does not wait for the answer.
func TestAdditionWithoutClient(t *testing.T) {
	p, _ := newProber(t, "")
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/ausguck/probes", nil)
	require.NoError(t, p.added.put(ctx, "", Probe{Name: "a", URL: "tcp://127.0.0.1:2", Module: "tcp_connect"}))
	leave()
	p.respond(httptest.NewRecorder(), r, nil)
	require.Len(t, p.state.Load().probes, 1)
}

// The page says why a probe fails, as long as it does.
func TestReasons(t *testing.T) {
	var down atomic.Bool
	address, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	p, _ := newProber(t, `probes: [{name: a, url: "`+address+`"}, {name: b, url: "http://127.0.0.1:1/"}, {name: c, url: "http://169.254.169.254/"}]`)
	reasons := func() (found []string) {
		for _, e := range p.state.Load().probes {
			p.ask(t, e.moduleName(), e.address)
			found = append(found, p.reason(e))
		}
		return found
	}
	refused := "Error for HTTP request: Get \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused"
	linkLocal := "probe refused: 169.254.169.254 is a link-local address, where clouds serve the credentials of a machine; allow it with --prober.allowed-networks=169.254.169.254/32"
	require.Equal(t, []string{"", refused, linkLocal}, reasons())
	down.Store(true)
	require.Equal(t, []string{"Invalid HTTP response status code, wanted 2xx", refused, linkLocal}, reasons())
	p.ask(t, "http_2xx", "http://127.0.0.1:2/")
	kept := 0
	p.reasons.Range(func(any, any) bool { kept++; return true })
	require.Equal(t, 3, kept, "only of probes")
	down.Store(false)
	require.Empty(t, reasons()[0])
}
