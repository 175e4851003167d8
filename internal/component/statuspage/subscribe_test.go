package statuspage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/statuspage/subscribers"
)

// post sends a form of a visitor.
func (w *world) post(t *testing.T, path, form string) int {
	t.Helper()
	a := httptest.NewRecorder()
	w.ServeHTTP(a, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form)))
	return a.Code
}

func (w *world) mail(t *testing.T) subscribers.Mail {
	t.Helper()
	select {
	case m := <-w.mails:
		return m
	case <-time.After(20 * time.Second):
		require.Fail(t, "no mail")
	}
	return subscribers.Mail{}
}

var link = regexp.MustCompile(`https://ausguck\.example(/status-page/public/(?:confirm|unsubscribe)\?token=\w+)`)

// subscribed returns a world in which an address is subscribed, and mails are sent.
func subscribed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, pages)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.subscribers.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	require.Equal(t, http.StatusOK, w.post(t, "/status-page/public/subscribe", "email=ann@example.com"))
	require.Equal(t, http.StatusOK, w.post(t, link.FindStringSubmatch(w.mail(t).Text)[1], ""))
	return w
}

func TestSubscribersAreToldOfIncidents(t *testing.T) {
	w := subscribed(t)
	code, body := w.call(t, "POST", "/public/incidents", `{"title": "Payments <fail>", "components": ["Payments"], "text": "We look into it."}`)
	require.Equal(t, 200, code, body)
	require.NotContains(t, body, "ann@", "addresses are not in the list, which Viewers see")
	m := w.mail(t)
	require.Equal(t, "ann@example.com", m.To)
	require.Equal(t, "[Example <status>] Investigating: Payments <fail>", m.Subject)
	require.Contains(t, m.Text, "Affected: Payments\n")
	require.Contains(t, m.Text, "We look into it.")
	require.NotContains(t, m.Text+m.HTML, "internal")
	code, _ = w.call(t, "POST", "/public/incidents/1/updates", `{"stage": "resolved", "text": "It works again."}`)
	require.Equal(t, 200, code)
	m = w.mail(t)
	require.Contains(t, m.Subject, "Resolved: Payments <fail>")
	require.Contains(t, m.Text, "It works again.")
	require.NotContains(t, m.Text, "look into it", "only the news")

	for _, page := range []string{"plain", "hidden"} {
		code, body = w.call(t, "POST", "/"+page+"/incidents", `{"title": "Other", "text": "x"}`)
		require.Equal(t, 200, code, body)
	}
	require.Equal(t, http.StatusOK, w.post(t, link.FindStringSubmatch(m.Text)[1], "List-Unsubscribe=One-Click"))
	code, _ = w.call(t, "POST", "/public/incidents/1/updates", `{"text": "Again."}`)
	require.Equal(t, 200, code)
	code, body = w.call(t, "GET", "/public/subscribers", "")
	require.Equal(t, 200, code)
	require.JSONEq(t, `{"subscribers": []}`, body)
	require.Empty(t, w.mails)
}

func TestSubscribersAreToldOfMaintenance(t *testing.T) {
	w := subscribed(t)
	now := time.Now()
	plan := fmt.Sprintf(`{"title": "Move", "text": "To new disks.", "components": ["Shop"], "starts": %q, "ends": %q}`, now.Add(time.Hour).Format(time.RFC3339), now.Add(2*time.Hour).Format(time.RFC3339))
	code, body := w.call(t, "POST", "/public/maintenance", plan)
	require.Equal(t, 200, code, body)
	m := w.mail(t)
	require.Equal(t, "[Example <status>] Maintenance is planned: Move", m.Subject)
	require.Contains(t, m.Text, "From "+clock(now.Add(time.Hour)))
	require.Contains(t, m.Text, "To new disks.")
	p := w.page("public")
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{time.Hour + time.Minute, "Maintenance is in progress: Move"}, {3 * time.Hour, "Maintenance is over: Move"}} {
		for range 2 { // once each
			snap, err := w.observe(t.Context(), p, now.Add(c.after))
			require.NoError(t, err)
			w.tellProgress(t.Context(), p, snap)
		}
		require.Contains(t, w.mail(t).Subject, c.want)
	}
	// One that was removed in the meantime is not announced.
	snap, err := w.observe(t.Context(), p, now.Add(time.Hour+time.Minute))
	require.NoError(t, err)
	code, _ = w.call(t, "DELETE", "/public/events/1", "")
	require.Equal(t, 200, code)
	w.tellProgress(t.Context(), p, snap)
	queued := 0
	require.NoError(t, w.store.db.QueryRowContext(t.Context(), "SELECT count(*) FROM statuspage_mail").Scan(&queued))
	require.Zero(t, queued)
	require.Empty(t, w.mails)
}

func TestSubscribersAPI(t *testing.T) {
	w := subscribed(t)
	code, body := w.call(t, "GET", "", "")
	require.Equal(t, 200, code)
	var list struct {
		Pages []struct {
			Name        string
			Subscribers *int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.Equal(t, 1, *list.Pages[0].Subscribers)
	require.Nil(t, list.Pages[1].Subscribers)
	code, body = w.call(t, "GET", "/public/subscribers", "")
	require.Equal(t, 200, code)
	require.Contains(t, body, `"address":"ann@example.com"`)
	for path, want := range map[string]int{"/public/subscribers/9": 404, "/public/subscribers/x": 404, "/hidden/subscribers/1": 404, "/none/subscribers/1": 404} {
		code, _ = w.call(t, "DELETE", path, "")
		require.Equal(t, want, code, path)
	}
	code, _ = w.call(t, "GET", "/none/subscribers", "")
	require.Equal(t, 404, code)
	code, _ = w.call(t, "DELETE", "/public/subscribers/1", "")
	require.Equal(t, 200, code)
	_, body = w.call(t, "GET", "/public/subscribers", "")
	require.JSONEq(t, `{"subscribers": []}`, body)
}
