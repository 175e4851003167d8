package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/database"
)

// world is the lists of a page, with a mail server and a clock.
type world struct {
	*Lists
	path string
	list List

	mtx    sync.Mutex
	now    time.Time
	mails  []Mail
	broken error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		path: filepath.Join(t.TempDir(), "ausguck.db"), now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC),
		list: List{Page: "example", Title: "Example", Language: "en", Receiver: "team", URL: "https://example.org/a/status-page/example", Path: "/a/status-page/example"},
	}
	w.open(t)
	return w
}

// open starts the program, or another one with the same data.
func (w *world) open(t *testing.T) {
	t.Helper()
	db, err := database.Open(w.path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w.Lists = New(Options{
		Logger: slog.New(slog.DiscardHandler), DB: db, Network: func(a string) string { return a }, Lists: func() []List { return []List{w.list} },
		Now: func() time.Time { w.mtx.Lock(); defer w.mtx.Unlock(); return w.now },
		Send: func(_ context.Context, receiver string, m Mail) error {
			w.mtx.Lock()
			defer w.mtx.Unlock()
			if receiver != "team" {
				return errors.New("no such receiver")
			}
			if w.broken == nil {
				w.mails = append(w.mails, m)
			}
			return w.broken
		},
	})
	require.NoError(t, w.Prepare(t.Context()))
}

func (w *world) after(d time.Duration) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	w.now = w.now.Add(d)
}

// sent sends what is due and returns the mails since the last call.
func (w *world) sent(t *testing.T) []Mail {
	t.Helper()
	if w.begin("example") {
		w.send(t.Context(), w.list)
		w.end("example")
	}
	mails := w.mails
	w.mails = nil
	return mails
}

func (w *world) ask(t *testing.T, method, path, body string) (int, string, http.Header) {
	t.Helper()
	action, _, _ := strings.Cut(path, "?")
	r := httptest.NewRequestWithContext(t.Context(), method, "/status-page/example/"+path, strings.NewReader(body))
	a := httptest.NewRecorder()
	w.Serve(a, r, w.list, action)
	return a.Code, a.Body.String(), a.Header()
}

func (w *world) enter(t *testing.T, address string) string {
	t.Helper()
	code, body, _ := w.ask(t, http.MethodPost, actionSubscribe, url.Values{"email": {address}}.Encode())
	require.Equal(t, http.StatusOK, code, body)
	return body
}

func (w *world) addresses(t *testing.T) (all []string) {
	t.Helper()
	subscribers, err := w.All(t.Context(), "example")
	require.NoError(t, err)
	for _, s := range subscribers {
		all = append(all, s.Address)
	}
	return all
}

func (w *world) announce(t *testing.T, n Notice) {
	t.Helper()
	require.NoError(t, w.store.inTx(t.Context(), func(tx *sql.Tx) error { return w.Announce(t.Context(), tx, "example", n) }))
}

var anyLink = regexp.MustCompile(`https://example\.org/a/status-page/example/((?:confirm|unsubscribe)\?token=[A-Z2-7]{26})`)

// linkIn returns the path of the link in a mail.
func linkIn(t *testing.T, m Mail) string {
	t.Helper()
	found := anyLink.FindStringSubmatch(m.Text)
	require.NotNil(t, found, m.Text)
	require.Contains(t, m.HTML, found[0])
	return found[1]
}

func (w *world) subscribe(t *testing.T, address string) {
	t.Helper()
	w.enter(t, address)
	mails := w.sent(t)
	require.Len(t, mails, 1)
	code, body, _ := w.ask(t, http.MethodPost, linkIn(t, mails[0]), "")
	require.Equal(t, http.StatusOK, code, body)
}
