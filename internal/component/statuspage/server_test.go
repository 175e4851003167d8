package statuspage

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/ausguck/ausguck/internal/component/statuspage/subscribers"
	"github.com/ausguck/ausguck/internal/database"
)

const pages = `
pages:
  - name: public
    title: Example <status>
    public: true
    logo: logo.svg
    url: https://www.example.org/
    subscribers: {receiver: internal-mail}
    groups:
      - name: Website
        components:
          - {name: Shop, probe: shop-internal, description: "buy & pay"}
          - {name: Payments, job: payments-internal}
      - components:
          - {name: Search, expr: min(secret_metric)}
  - name: plain
    public: true
    groups: [{components: [{name: Outside, job: outside}]}]
  - name: hidden
    subscribers: {receiver: internal-mail}
    groups: [{components: [{name: Inside, job: inside}]}]
`

// world is a server with the values that its queries get.
type world struct {
	*Server
	values   map[string]float64 // by a part of the query
	silences map[string]string
	failing  bool
	mails    chan subscribers.Mail
}

func newWorld(t *testing.T, text string) *world {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "logo.svg"), []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), 0o600))
	db, err := database.Open(filepath.Join(dir, "ausguck.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := &world{values: map[string]float64{"shop": 1, "payments": 1, "secret": 1}, silences: map[string]string{}, mails: make(chan subscribers.Mail, 100)}
	w.Server = New(Options{
		Logger: slog.New(slog.DiscardHandler), DB: db, Base: "https://ausguck.example", StoredDays: func() int { return 15 },
		Query: func(_ context.Context, expr string, _ time.Time) (float64, bool, error) {
			for part, value := range w.values {
				if strings.Contains(expr, part) {
					return value, true, nil
				}
			}
			return 0, false, nil
		},
		Silence: func(_ context.Context, e Event, m []Matcher, by string) (string, error) {
			if w.failing {
				return "", errors.New("no Alertmanager")
			}
			id := fmt.Sprint("silence-", len(w.silences))
			w.silences[id] = fmt.Sprint(e.Title, m, by)
			return id, nil
		},
		Network: func(a string) string { return a },
		Send: func(_ context.Context, receiver string, m subscribers.Mail) error {
			if receiver != "internal-mail" {
				return errors.New("no such receiver")
			}
			w.mails <- m
			return nil
		},
		Unsilence: func(_ context.Context, id string) error { delete(w.silences, id); return nil },
	}, loadConfig(t, dir, text))
	require.NoError(t, w.store.prepare(t.Context()))
	require.NoError(t, w.subscribers.Prepare(t.Context()))
	w.renderAll(t.Context())
	return w
}

func (w *world) ask(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := httptest.NewRecorder()
	w.ServeHTTP(a, r)
	return a.Result()
}

func (w *world) get(t *testing.T, path string) string {
	t.Helper()
	a := w.ask(t, http.MethodGet, path)
	require.Equal(t, http.StatusOK, a.StatusCode, path)
	body, err := io.ReadAll(a.Body)
	require.NoError(t, err)
	return string(body)
}

func (w *world) call(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	a := httptest.NewRecorder()
	w.API(func(*http.Request) string { return "ed" }).ServeHTTP(a, httptest.NewRequestWithContext(t.Context(), method, "/api/ausguck/status-pages"+path, strings.NewReader(body)))
	w.renderAll(t.Context())
	return a.Code, a.Body.String()
}

// What an attacker may try gives nothing but the documents of the public page, and one answer for all else.
func TestOnlyPublicDocuments(t *testing.T) {
	w := newWorld(t, pages)
	documents := []string{"", "/style.css", "/logo", "/status.json", "/feed.atom", "/feed.rss", "/badge.svg", "/badge/1.svg", "/badge/2.svg", "/badge/3.svg"}
	for _, d := range documents {
		require.NotEmpty(t, w.get(t, "/status-page/public"+d))
		require.Equal(t, http.StatusOK, w.ask(t, http.MethodHead, "/status-page/public"+d).StatusCode)
	}
	nothing := ""
	for _, path := range []string{
		"", "none", "hidden", "hidden/status.json", "hidden/badge.svg", "public/", "public//", "public/none", "public/badge/0.svg", "public/badge/4.svg", "public/badge/", "public/../hidden",
		"public/logo/x", "public/status-pages.yml", "public/page.html", "Public", "public.json", "public/api/ausguck/status", "%70ublic/none", "hidden/logo", "public/feed.atom/", ".", "..", "public/%2e%2e/hidden",
	} {
		a := w.ask(t, http.MethodGet, "/status-page/"+path)
		if path == "public/" { // the page itself, with a slash
			require.Equal(t, http.StatusOK, a.StatusCode)
			continue
		}
		body, err := io.ReadAll(a.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, a.StatusCode, path)
		if nothing == "" {
			nothing = fmt.Sprint(a.Header, string(body))
		}
		require.Equal(t, nothing, fmt.Sprint(a.Header, string(body)), path)
	}
	// Forms are taken only where visitors can subscribe.
	for _, action := range []string{"subscribe", "confirm", "unsubscribe"} {
		for _, page := range []string{"plain", "hidden", "none", "public/badge", "public/" + action} {
			path := "/status-page/" + page + "/" + action + "?token=" + strings.Repeat("A", 26)
			a := w.ask(t, http.MethodGet, path)
			body, err := io.ReadAll(a.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusNotFound, a.StatusCode, path)
			require.Equal(t, "not found\n", string(body), path)
			require.Equal(t, http.StatusMethodNotAllowed, w.ask(t, http.MethodPost, path).StatusCode, path)
		}
	}
	for path, code := range map[string]int{
		"subscribe": 405, "subscribe/": 404, "confirm": 404, "unsubscribe": 404, "confirm?token=x": 404, "unsubscribe/../../hidden": 404, "subscribers": 404, "subscribers/1": 404,
	} {
		require.Equal(t, code, w.ask(t, http.MethodGet, "/status-page/public/"+path).StatusCode, path)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
		require.Equal(t, http.StatusMethodNotAllowed, w.ask(t, method, "/status-page/public").StatusCode)
		require.Equal(t, http.StatusMethodNotAllowed, w.ask(t, method, "/status-page/hidden").StatusCode)
	}
}

func TestPagesTellNothingElse(t *testing.T) {
	w := newWorld(t, pages)
	w.values["payments"] = 0
	w.renderAll(t.Context())
	for _, d := range []string{"", "/status.json", "/feed.atom", "/feed.rss", "/badge.svg", "/badge/1.svg", "/badge/3.svg"} {
		text := w.get(t, "/status-page/public"+d)
		for _, word := range []string{"internal", "secret_metric", "probe", "inside", "Inside", "hidden", "localhost", "127.0.0.1"} {
			require.NotContains(t, text, word, d)
		}
	}
}

func TestPage(t *testing.T) {
	w := newWorld(t, pages)
	text := w.get(t, "/status-page/public")
	require.Contains(t, text, "All systems are operational")
	require.Contains(t, text, "Example &lt;status&gt;")
	require.Contains(t, text, "buy &amp; pay")
	require.NotContains(t, text, "<script")
	require.Contains(t, text, `<form method="post" action="/status-page/public/subscribe">`)
	require.Contains(t, w.ask(t, "GET", "/status-page/public").Header.Get("Content-Security-Policy"), "form-action 'self'")
	require.NotContains(t, w.get(t, "/status-page/plain"), "<form")
	require.Contains(t, w.ask(t, "GET", "/status-page/plain").Header.Get("Content-Security-Policy"), "form-action 'none'")
	doc, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	require.NotNil(t, doc)
	for value, want := range map[float64]string{0: "Some systems are down", 0.5: "Some systems are degraded", 1: "All systems are operational"} {
		w.values["payments"] = value
		w.renderAll(t.Context())
		require.Contains(t, w.get(t, "/status-page/public"), want)
	}
	delete(w.values, "payments")
	w.renderAll(t.Context())
	text = w.get(t, "/status-page/public")
	require.Contains(t, text, "All systems are operational", "what is unknown hides nothing")
	require.Contains(t, text, `<span class="state unknown">Unknown</span>`)
}

// Behind a path prefix, the page finds its style and its logo.
func TestPathPrefix(t *testing.T) {
	w := newWorld(t, pages)
	w.options.Root = "/ausguck"
	w.renderAll(t.Context())
	text := w.get(t, "/status-page/public")
	require.Contains(t, text, `href="/ausguck/status-page/public/style.css"`)
	require.Contains(t, text, `src="/ausguck/status-page/public/logo"`)
	require.NotContains(t, text, `"/status-page/`)
}

func TestCaching(t *testing.T) {
	w := newWorld(t, pages)
	a := w.ask(t, http.MethodGet, "/status-page/public", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", a.Header.Get("Content-Encoding"))
	require.Equal(t, "public, max-age=15", a.Header.Get("Cache-Control"))
	z, err := gzip.NewReader(a.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, w.get(t, "/status-page/public"), string(body))
	again := w.ask(t, http.MethodGet, "/status-page/public", "If-None-Match", a.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.StatusCode)
}

func TestHistory(t *testing.T) {
	w := newWorld(t, pages)
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	p := w.page("public")
	require.NoError(t, w.store.putDay(t.Context(), "public", "Shop", dayOf(now)-80, 0.5))
	require.NoError(t, w.store.putDay(t.Context(), "public", "Shop", dayOf(now)-3, 0.98))
	w.values["shop"] = 0.9999
	require.NoError(t, w.keepDays(t.Context(), p, now))
	days, err := w.store.days(t.Context(), "public", dayOf(now)-89)
	require.NoError(t, err)
	require.Len(t, days["Shop"], 17, "16 from samples, and one that is older than they are")
	require.Equal(t, 0.98, days["Shop"][dayOf(now)-3], "what is stored of a day that is over stays")
	require.Equal(t, 0.9999, days["Shop"][dayOf(now)])
	snap, err := w.observe(t.Context(), p, now)
	require.NoError(t, err)
	v := snap.componentView(p.component("Shop"), languages["en"])
	require.Len(t, v.Bars, 90)
	require.Equal(t, "less", v.Bars[9].Class)
	require.Equal(t, "most", v.Bars[86].Class)
	require.Equal(t, "full", v.Bars[89].Class)
	require.Equal(t, "none", v.Bars[0].Class)
	require.Equal(t, "2026-11-29: 99.99 % available", v.Bars[89].Text, "rounded down")
	require.NoError(t, w.store.forget(t.Context(), now.Add(20*24*time.Hour)))
	days, err = w.store.days(t.Context(), "public", 0)
	require.NoError(t, err)
	require.Len(t, days["Shop"], 16)
}

func TestIncidents(t *testing.T) {
	w := newWorld(t, pages)
	code, body := w.call(t, "POST", "/public/incidents", `{"title": "Payments <fail>", "components": ["Payments"], "text": "We look into it."}`)
	require.Equal(t, 200, code, body)
	text := w.get(t, "/status-page/public")
	require.Contains(t, text, "Payments &lt;fail&gt;")
	require.Contains(t, text, `<article class="event open">`)
	require.Contains(t, text, "<strong>Investigating</strong> We look into it.")
	code, _ = w.call(t, "POST", "/public/incidents/1/updates", `{"stage": "resolved", "text": "It works again."}`)
	require.Equal(t, 200, code)
	text = w.get(t, "/status-page/public")
	require.NotContains(t, text, `event open`)
	require.Contains(t, text, "<strong>Resolved</strong> It works again.")
	var feed atomFeed
	require.NoError(t, xml.Unmarshal([]byte(w.get(t, "/status-page/public/feed.atom")), &feed))
	require.Equal(t, "Payments <fail>", feed.Entries[0].Title)
	require.Equal(t, "https://ausguck.example/status-page/public#1", feed.Entries[0].ID)
	require.Contains(t, feed.Entries[0].Content.Text, "It works again.")
	var rss rssFeed
	require.NoError(t, xml.Unmarshal([]byte(w.get(t, "/status-page/public/feed.rss")), &rss))
	require.Len(t, rss.Channel.Items, 1)
	var state jsonPage
	require.NoError(t, json.Unmarshal([]byte(w.get(t, "/status-page/public/status.json")), &state))
	require.Equal(t, "operational", state.Status)
	require.Len(t, state.Incidents[0].Updates, 2)

	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/none/incidents", `{}`, "404 has no page"},
		{"POST", "/public/incidents", `{"text": "x"}`, "400 the title is missing"},
		{"POST", "/public/incidents", `{"title": "x"}`, "400 the text is missing"},
		{"POST", "/public/incidents", `{"title": "x", "text": "x", "components": ["Inside"]}`, "400 has no component"},
		{"POST", "/public/incidents", `{"title": "x", "text": "x", "stage": "y"}`, "400 stage"},
		{"POST", "/public/incidents", `{"title": "x", "text": "x", "extra": 1}`, "400 JSON"},
		{"POST", "/public/incidents", `{"title": "` + strings.Repeat("x", 201) + `", "text": "x"}`, "400 longer"},
		{"POST", "/public/incidents/9/updates", `{"text": "x"}`, "404 no such"},
		{"POST", "/hidden/incidents/1/updates", `{"text": "x"}`, "404 no such"},
		{"DELETE", "/hidden/events/1", ``, "404 no such"},
		{"DELETE", "/public/events/x", ``, "404 no such"},
	} {
		code, answer := w.call(t, c.method, c.path, c.body)
		status, text, _ := strings.Cut(c.want, " ")
		require.Equal(t, status, fmt.Sprint(code), "%s %s: %s", c.path, c.body, answer)
		require.Contains(t, answer, text, c.body)
	}
	code, _ = w.call(t, "DELETE", "/public/events/1", "")
	require.Equal(t, 200, code)
	require.Contains(t, w.get(t, "/status-page/public"), "No incidents.")
}

func TestMaintenance(t *testing.T) {
	w := newWorld(t, pages)
	w.values["payments"] = 0
	plan := func(starts, ends time.Duration, components string) (int, string) {
		now := time.Now()
		return w.call(t, "POST", "/public/maintenance", fmt.Sprintf(`{"title": "Move", "text": "To new disks.", "components": [%s], "starts": %q, "ends": %q}`,
			components, now.Add(starts).Format(time.RFC3339), now.Add(ends).Format(time.RFC3339)))
	}
	for _, c := range [][2]time.Duration{{time.Hour, time.Hour}, {-2 * time.Hour, -time.Hour}, {0, 31 * 24 * time.Hour}} {
		code, answer := plan(c[0], c[1], `"Shop"`)
		require.Equal(t, 400, code, answer)
	}
	code, _ := plan(0, time.Hour, "")
	require.Equal(t, 400, code)
	w.failing = true
	code, answer := plan(-time.Minute, time.Hour, `"Payments"`)
	require.Equal(t, 500, code, answer)
	require.Contains(t, w.get(t, "/status-page/public"), "Some systems are down", "nothing was saved")
	w.failing = false
	code, answer = plan(-time.Minute, time.Hour, `"Payments", "Search"`)
	require.Equal(t, 200, code, answer)
	require.Equal(t, map[string]string{"silence-0": "Move[{job payments-internal}]ed"}, w.silences, "PromQL of a component names no alert")
	text := w.get(t, "/status-page/public")
	require.Contains(t, text, "Maintenance is in progress")
	require.Contains(t, text, "To new disks.")
	require.NotContains(t, text, "payments-internal")
	code, _ = w.call(t, "POST", "/public/incidents/1/updates", `{"text": "x"}`)
	require.Equal(t, 400, code)
	code, _ = plan(time.Hour, 2*time.Hour, `"Shop"`)
	require.Equal(t, 200, code)
	require.Contains(t, w.get(t, "/status-page/public"), "Planned maintenance")
	for _, id := range []string{"1", "2"} {
		code, _ = w.call(t, "DELETE", "/public/events/"+id, "")
		require.Equal(t, 200, code)
	}
	require.Empty(t, w.silences)
	require.Contains(t, w.get(t, "/status-page/public"), "Some systems are down")
}

// Each language has every text.
func TestLanguages(t *testing.T) {
	for code := range languages {
		w := newWorld(t, strings.Replace(pages, "public: true", "public: true\n    language: "+code, 1))
		text := w.get(t, "/status-page/public")
		require.Contains(t, text, `<html lang="`+code+`">`)
		content, err := json.Marshal(languages[code])
		require.NoError(t, err)
		var texts map[string]string
		require.NoError(t, json.Unmarshal(content, &texts))
		for name, s := range texts {
			require.NotEmpty(t, s, "%s: %s", code, name)
		}
	}
}

func TestBadge(t *testing.T) {
	var svg struct {
		Label string `xml:"aria-label,attr"`
	}
	require.NoError(t, xml.NewDecoder(bytes.NewReader(badge(`A & "B"`, down, languages["en"]))).Decode(&svg))
	require.Equal(t, `A & "B": Down`, svg.Label)
}

// A visitor costs no query and no rendering.
func BenchmarkVisitors(b *testing.B) {
	dir := b.TempDir()
	cfg, problems := Load(Source{Name: "x", Dir: dir, Content: []byte(strings.Replace(pages, "logo: logo.svg", "", 1))}, checkExpr)
	require.Empty(b, problems)
	snap := &snapshot{page: cfg.Pages[0], at: time.Now(), conditions: map[string]condition{}}
	s := New(Options{Logger: slog.New(slog.DiscardHandler)}, cfg)
	s.rendered.Store(&map[string]*document{"public": render(snap, "", "")})
	server := httptest.NewServer(s)
	defer server.Close()
	for b.Loop() {
		response, err := http.Get(server.URL + "/status-page/public")
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(b, err)
		require.NoError(b, response.Body.Close())
	}
}
