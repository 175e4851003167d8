package subscribers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOptIn(t *testing.T) {
	w := newWorld(t)
	w.enter(t, " Ann@Example.com ")
	require.Empty(t, w.addresses(t), "nobody is subscribed without a mail")
	mails := w.sent(t)
	require.Len(t, mails, 1)
	require.Equal(t, "ann@example.com", mails[0].To)
	require.NotContains(t, mails[0].Headers, "List-Unsubscribe")
	confirm := linkIn(t, mails[0])

	code, body, header := w.ask(t, http.MethodGet, confirm, "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `<form method="post" action="/a/status-page/example/`+confirm+`">`)
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "no-referrer", header.Get("Referrer-Policy"))
	require.Contains(t, header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.Empty(t, w.addresses(t), "a mail scanner follows links")
	code, body, _ = w.ask(t, http.MethodPost, confirm, "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "You are subscribed.")
	require.Equal(t, []string{"ann@example.com"}, w.addresses(t))
	code, _, _ = w.ask(t, http.MethodPost, confirm, "")
	require.Equal(t, http.StatusNotFound, code, "a link is used once")
}

func TestLinksExpire(t *testing.T) {
	w := newWorld(t)
	w.enter(t, "ann@example.com")
	confirm := linkIn(t, w.sent(t)[0])
	w.after(24*time.Hour + time.Second)
	code, body, _ := w.ask(t, http.MethodPost, confirm, "")
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, body, "older than 24 hours")
	require.Empty(t, w.addresses(t))
	require.NoError(t, w.store.forget(t.Context(), w.now))
	for _, table := range []string{"confirmation", "mail", "notice", "subscriber"} {
		require.Zero(t, w.rows(t, table), table)
	}
}

func (w *world) rows(t *testing.T, table string) (n int) {
	t.Helper()
	require.NoError(t, w.options.DB.QueryRowContext(t.Context(), "SELECT count(*) FROM statuspage_"+table).Scan(&n))
	return n
}

// The link works for a day after the mail, even if the mail server was down before, and a mail that arrives twice has the same link.
func TestConfirmationIsRetried(t *testing.T) {
	w := newWorld(t)
	w.broken = errors.New("connection refused")
	w.enter(t, "ann@example.com")
	for range 30 {
		require.Empty(t, w.sent(t))
		w.after(30 * time.Minute)
	}
	w.broken = nil
	w.after(time.Hour)
	mails := w.sent(t)
	require.Len(t, mails, 1)
	w.after(23 * time.Hour)
	code, _, _ := w.ask(t, http.MethodPost, linkIn(t, mails[0]), "")
	require.Equal(t, http.StatusOK, code)
}

// Whether an address is known, was entered before or was sent enough, visitors get the same answer.
func TestSameAnswers(t *testing.T) {
	w := newWorld(t)
	w.subscribe(t, "ann@example.com")
	known := w.enter(t, "ann@example.com")
	require.Equal(t, known, w.enter(t, "new@example.com"))
	require.Len(t, w.sent(t), 1, "only the new one gets a mail")
	for range 4 {
		require.Equal(t, known, w.enter(t, "new@example.com"))
	}
	require.Len(t, w.sent(t), 2, "three in a day")
	w.after(25 * time.Hour)
	require.Equal(t, known, w.enter(t, "new@example.com"))
	require.Len(t, w.sent(t), 1)

	// Links to unsubscribe, too, do not say whether there is such a subscriber.
	w.announce(t, Notice{Title: "Delays", State: "Investigating"})
	right := linkIn(t, w.sent(t)[0])
	wrong := "unsubscribe?token=" + strings.Repeat("A", 26)
	code, body, _ := w.ask(t, http.MethodGet, wrong, "")
	_, other, _ := w.ask(t, http.MethodGet, right, "")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, strings.ReplaceAll(other, right, wrong), body)
	code, body, _ = w.ask(t, http.MethodPost, wrong, "")
	require.Equal(t, http.StatusOK, code)
	require.Len(t, w.addresses(t), 1)
	_, other, _ = w.ask(t, http.MethodPost, right, "")
	require.Equal(t, other, body)
	require.Empty(t, w.addresses(t))
}

func TestRequestsAreLimited(t *testing.T) {
	w := newWorld(t)
	for n := range requestBurst {
		w.enter(t, fmt.Sprintf("a%d@example.com", n))
	}
	code, body, header := w.ask(t, http.MethodPost, actionSubscribe, "email=b@example.com")
	require.Equal(t, http.StatusTooManyRequests, code)
	require.Contains(t, body, "too many requests")
	require.Equal(t, "120", header.Get("Retry-After"))
	require.Len(t, w.sent(t), requestBurst)

	_, err := w.options.DB.ExecContext(t.Context(), `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < ?)
		INSERT INTO statuspage_confirmation (token, page, address, made) SELECT randomblob(32), 'example', n, ? FROM c`, maxUnconfirmed-requestBurst, w.now.Unix())
	require.NoError(t, err)
	w.after(time.Hour)
	w.enter(t, "late@example.com")
	require.Empty(t, w.sent(t), "too many are unconfirmed")
	w.after(24 * time.Hour)
	require.NoError(t, w.store.forget(t.Context(), w.now))
	w.enter(t, "late@example.com")
	require.Len(t, w.sent(t), 1)
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"ann@example.com": "ann@example.com", "Ann.B+c@Mail.Example.COM": "ann.b+c@mail.example.com", "{{x}}@example.com": "{{x}}@example.com", "a@xn--bcher-kva.example": "a@xn--bcher-kva.example",
		"": "", "ann": "", "@example.com": "", "ann@": "", "ann@localhost": "", "ann@127.0.0.1": "", "ann@[127.0.0.1]": "", "ann@example.com, bob@example.com": "", "ann@example.com bob@example.com": "",
		"Ann <ann@example.com>": "", "\"a b\"@example.com": "", "ann@example.com\r\nBcc: bob@example.com": "", "ann@example.com\nbcc:x": "", "ann\x00@example.com": "", "ann..b@example.com": "",
		".ann@example.com": "", "ann@-example.com": "", "ann@example..com": "", "änn@example.com": "", "ann@b@example.com": "", "(x)ann@example.com": "", "ann@example.com>": "", "<ann@example.com": "",
		strings.Repeat("a", 65) + "@example.com": "", "ann@" + strings.Repeat("a.", 130) + "com": "",
	} {
		got, ok := parseAddress(text)
		require.Equal(t, want != "", ok, text)
		require.Equal(t, want, got, text)
	}
	w := newWorld(t)
	code, body, _ := w.ask(t, http.MethodPost, actionSubscribe, url.Values{"email": {"ann@example.com\r\nBcc: bob@example.com"}}.Encode())
	require.Equal(t, http.StatusBadRequest, code)
	require.NotContains(t, body, "bob")
	require.Empty(t, w.sent(t))
}

func TestNotices(t *testing.T) {
	w := newWorld(t)
	w.subscribe(t, "ann@example.com")
	w.subscribe(t, "bob@example.com")
	w.announce(t, Notice{Title: "Delays\r\nBcc: <x@example.com>", State: "Investigating", Details: []string{"Affected: A & B"}, Text: "We <b>look</b> {{ .Title }}."})
	mails := w.sent(t)
	require.Len(t, mails, 2)
	m := mails[0]
	require.Equal(t, "ann@example.com", m.To)
	require.NotContains(t, m.Text+m.HTML, "bob", "nobody sees the addresses of others")
	require.Equal(t, "[Example] Investigating: Delays  Bcc: <x@example.com>", m.Subject)
	require.Contains(t, m.Text, "We <b>look</b> {{ .Title }}.")
	require.Contains(t, m.HTML, "We &lt;b&gt;look&lt;/b&gt; {{ .Title }}.")
	require.Contains(t, m.HTML, "A &amp; B")
	require.Equal(t, "List-Unsubscribe=One-Click", m.Headers["List-Unsubscribe-Post"])
	require.Equal(t, "auto-generated", m.Headers["Auto-Submitted"])
	leave := linkIn(t, m)
	require.Equal(t, "<https://example.org/a/status-page/example/"+leave+">", m.Headers["List-Unsubscribe"])
	require.NotEqual(t, leave, linkIn(t, mails[1]))
	require.Zero(t, w.rows(t, "mail"))
	require.Zero(t, w.rows(t, "notice"))

	// A provider of mail unsubscribes with one request, as in RFC 8058.
	w.announce(t, Notice{Title: "Delays", State: "Resolved"})
	code, _, _ := w.ask(t, http.MethodPost, leave, "List-Unsubscribe=One-Click")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, []string{"bob@example.com"}, w.addresses(t))
	mails = w.sent(t)
	require.Len(t, mails, 1, "what was queued for others is not sent any more")
	require.Equal(t, "bob@example.com", mails[0].To)

	all, err := w.All(t.Context(), "example")
	require.NoError(t, err)
	for _, page := range []string{"other", "example"} {
		removed, err := w.Remove(t.Context(), page, all[0].ID)
		require.NoError(t, err)
		require.Equal(t, page == "example", removed)
	}
	w.announce(t, Notice{Title: "Nobody"})
	require.Zero(t, w.rows(t, "notice"))
}

// What is queued outlives the program; a mail server that is down delays mails, for a day at most.
func TestQueue(t *testing.T) {
	w := newWorld(t)
	w.subscribe(t, "ann@example.com")
	w.subscribe(t, "bob@example.com")
	w.broken = errors.New("connection refused")
	w.announce(t, Notice{Title: "Delays", State: "Investigating"})
	require.Empty(t, w.sent(t))
	require.False(t, w.begin("example"), "one attempt in ten seconds")
	w.after(firstPause)
	require.True(t, w.begin("example"))
	w.end("example")

	w.open(t)
	w.broken = nil
	require.Len(t, w.sent(t), 1, "bob's, which was not tried yet")
	w.after(firstRetry)
	require.Len(t, w.sent(t), 1)
	require.Empty(t, w.sent(t))

	w.announce(t, Notice{Title: "Delays", State: "Resolved"})
	w.broken = errors.New("connection refused")
	for range 24 * 6 {
		require.Empty(t, w.sent(t))
		w.after(10 * time.Minute)
	}
	require.Equal(t, 2, w.rows(t, "mail"))
	w.after(time.Hour)
	require.Empty(t, w.sent(t))
	require.Zero(t, w.rows(t, "mail"), "dropped after a day")
	w.broken = nil
	require.Empty(t, w.sent(t))
}

// Run sends what is queued, and ends with the program.
func TestRun(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	w.enter(t, "ann@example.com")
	require.Eventually(t, func() bool { w.mtx.Lock(); defer w.mtx.Unlock(); return len(w.mails) == 1 }, 10*time.Second, 10*time.Millisecond)
	cancel()
	<-done
}

func TestActionsAndMethods(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"GET", "subscribe", 405, "POST"}, {"PUT", "subscribe", 405, "POST"}, {"DELETE", "confirm", 405, "GET, HEAD, POST"}, {"OPTIONS", "unsubscribe", 405, "GET, HEAD, POST"},
		{"GET", "confirm", 404, ""}, {"GET", "confirm?token=short", 404, ""}, {"GET", "unsubscribe?token=" + strings.Repeat("a", 26), 404, ""},
		{"GET", "confirm?token=" + strings.Repeat("A", 26) + "%22%3E%3Cscript%3E", 404, ""}, {"POST", "unsubscribe", 404, ""},
		{"HEAD", "confirm?token=" + strings.Repeat("A", 26), 200, ""}, {"POST", "subscribe", 400, ""},
	} {
		code, body, header := w.ask(t, c.method, c.path, "")
		require.Equal(t, c.code, code, "%s %s", c.method, c.path)
		require.Equal(t, c.allow, header.Get("Allow"))
		require.NotContains(t, body, "<script")
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/status-page/example/subscribe", io.LimitReader(neverEnds{}, 64<<20))
	a := httptest.NewRecorder()
	w.Serve(a, r, w.list, actionSubscribe)
	require.Equal(t, http.StatusRequestEntityTooLarge, a.Code)
}

type neverEnds struct{}

func (neverEnds) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// Each language has every text, with the same places for names.
func TestLanguages(t *testing.T) {
	for code := range languages {
		w := newWorld(t)
		w.list.Language = code
		w.subscribe(t, "ann@example.com")
		w.announce(t, Notice{Title: "T", State: "S"})
		m := w.sent(t)[0]
		require.Contains(t, m.Text, fmt.Sprintf(languages[code].Because, "Example"))
		require.NotContains(t, m.Text+m.HTML+m.Subject, "%!")
		require.Contains(t, m.HTML, `<html lang="`+code+`">`)
		fields := reflect.ValueOf(languages[code])
		for i := range fields.NumField() {
			require.NotEmpty(t, fields.Field(i).String(), "%s: %s", code, fields.Type().Field(i).Name)
			require.Equal(t, strings.Count(reflect.ValueOf(languages["en"]).Field(i).String(), "%s"), strings.Count(fields.Field(i).String(), "%s"), code)
		}
	}
}
