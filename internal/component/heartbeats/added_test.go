package heartbeats_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/heartbeats"
)

// list is the response of the API.
type list struct {
	Heartbeats []struct {
		Name, Status, Source, Every, Cron, Timezone string
		Grace                                       float64
		Definition                                  *heartbeats.Definition
		Pings                                       map[string]int
	}
	Unused []struct{ Name, Reason string }
	Token  string
	// Message is that of an error.
	Message string
}

func (l list) names() (names []string) {
	for _, h := range l.Heartbeats {
		names = append(names, h.Name)
	}
	return names
}

// call calls the API. It does not fail the test, so that goroutines can use it.
func (w *world) call(method, path, body string) (int, list, error) {
	answer := httptest.NewRecorder()
	w.API().ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), method, heartbeats.APIPath+path, strings.NewReader(body)))
	var l list
	return answer.Code, l, json.Unmarshal(answer.Body.Bytes(), &l)
}

func (w *world) must(t *testing.T, method, path, body string) list {
	t.Helper()
	code, l, err := w.call(method, path, body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code, l.Message)
	return l
}

func (w *world) fails(t *testing.T, code int, method, path, body string) string {
	t.Helper()
	got, l, err := w.call(method, path, body)
	require.NoError(t, err)
	require.Equal(t, code, got, l.Message)
	require.Empty(t, l.Token)
	return l.Message
}

func called(name string) string { return "?name=" + url.QueryEscape(name) }

func dbPath(t *testing.T) string { return filepath.Join(t.TempDir(), "ausguck.db") }

// A heartbeat that is added on the page works at once, is changed, gets a new token and is removed, and survives a restart.
func TestAdded(t *testing.T) {
	db := open(t, dbPath(t))
	w := start(t, db, config)
	token := w.must(t, http.MethodPost, "", `{"name": "dump/main", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "grace": "1h", "labels": {"team": "a"}}`).Token
	require.GreaterOrEqual(t, len(token), 26)
	w.ping(t, "/hb/"+token+"/start", "")
	w.ping(t, "/hb/"+token+"/0", "")

	l := w.must(t, http.MethodGet, "", "")
	require.Empty(t, l.Token, "it is told once")
	require.Equal(t, []string{"backup", "dump/main", "other"}, l.names())
	require.Equal(t, "heartbeats.yml", l.Heartbeats[0].Source)
	require.Nil(t, l.Heartbeats[0].Definition)
	require.Empty(t, l.Heartbeats[1].Source)
	require.Equal(t, &heartbeats.Definition{
		Name: "dump/main", Cron: "0 3 * * *", Timezone: "Europe/Berlin", Grace: "1h", Labels: map[string]string{"team": "a"},
	}, l.Heartbeats[1].Definition)
	require.Equal(t, 3600.0, l.Heartbeats[1].Grace)
	require.Equal(t, "up", l.Heartbeats[1].Status)
	require.Equal(t, map[string]int{"start": 1, "success": 1}, l.Heartbeats[1].Pings)

	w.must(t, http.MethodPut, called("dump/main"), `{"name": "dump/main", "every": "1d"}`)
	w.ping(t, "/hb/"+token, "")
	w.stop()
	require.Contains(t, w.fails(t, http.StatusServiceUnavailable, http.MethodDelete, called("dump/main"), ""), "not taken yet")
	w = start(t, db, config)
	w.ping(t, "/hb/"+token, "")
	require.Equal(t, map[string]int{"start": 1, "success": 3}, w.must(t, http.MethodGet, "", "").Heartbeats[1].Pings, "its history")

	renewed := w.must(t, http.MethodPost, "/token"+called("dump/main"), "").Token
	require.NotEqual(t, token, renewed)
	require.Equal(t, http.StatusNotFound, w.ask(http.MethodGet, "/hb/"+token, "").Code)
	w.ping(t, "/hb/"+renewed, "")
	require.Equal(t, map[string]int{"start": 1, "success": 4}, w.must(t, http.MethodGet, "", "").Heartbeats[1].Pings)

	l = w.must(t, http.MethodPut, called("dump/main"), `{"name": "dump", "every": "1d"}`)
	require.Equal(t, []string{"backup", "dump", "other"}, l.names())
	require.Empty(t, l.Heartbeats[1].Pings, "under another name, it starts without history")
	require.Equal(t, "new", l.Heartbeats[1].Status)
	w.ping(t, "/hb/"+renewed, "")

	n, err := testutil.GatherAndCount(w.reg, "ausguck_heartbeat_up")
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, []string{"backup", "other"}, w.must(t, http.MethodDelete, called("dump"), "").names())
	n, err = testutil.GatherAndCount(w.reg, "ausguck_heartbeat_up")
	require.NoError(t, err)
	require.Equal(t, 2, n, "its metrics end")
	require.Equal(t, http.StatusNotFound, w.ask(http.MethodGet, "/hb/"+renewed, "").Code)
	w.stop()
	w = start(t, db, config)
	require.Equal(t, []string{"backup", "other"}, w.must(t, http.MethodGet, "", "").names(), "it stays removed")
}

// What the page adds is checked as the file is, with all problems at once.
func TestAddedIsChecked(t *testing.T) {
	w := start(t, open(t, dbPath(t)), config)
	for body, message := range map[string]string{
		`[]`:                              "not a JSON object with the fields of heartbeats.yml: ",
		`{"name": "x", "token": "known"}`: `unknown field "token"`,
		`{"every": "1d"}`:                 "name is missing",
		`{"name": "x"}`:                   "every or cron is missing",
		`{"name": "x", "every": "1d", "cron": "@daily"}`:                    "every and cron exclude each other",
		`{"name": "a\tb", "every": "1s", "grace": "soon"}`:                  `name: has control characters; every: must be at least 10s; grace: "soon" is not a duration`,
		`{"name": "x", "cron": "0 3 * *"}`:                                  `cron: "0 3 * *" is not a cron expression`,
		`{"name": "x", "cron": "@daily", "timezone": "Berlin"}`:             `timezone: "Berlin" is not the name of a time zone`,
		`{"name": "x", "every": "1d", "timezone": "UTC"}`:                   "timezone: is only used together with cron",
		`{"name": "x", "every": "1d", "labels": {"job": "y", "1x": "y"}}`:   `labels: "1x" is not the name of a label; labels: the label job is set by Ausguck`,
		`{"name": "` + strings.Repeat("x", 70<<10) + `", "every": "1d"}`:    "request body too large",
		`{"name": "x", "every": "1d", "max_duration": "1ms", "group": "g"}`: "max_duration: must be at least 1s",
	} {
		require.Contains(t, w.fails(t, http.StatusBadRequest, http.MethodPost, "", body), message, body)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		require.Contains(t, w.fails(t, http.StatusNotFound, method, called("backup"), `{"name": "backup", "every": "1d"}`), "was added on the page", "that of the file")
	}
	require.Contains(t, w.fails(t, http.StatusNotFound, http.MethodPost, "/token"+called("backup"), ""), "was added on the page")
	require.Contains(t, w.fails(t, http.StatusConflict, http.MethodPost, "", `{"name": "backup", "every": "1d"}`), `heartbeats.yml has a heartbeat with the name "backup"`)
	w.must(t, http.MethodPost, "", `{"name": "x", "every": "1d"}`)
	require.Contains(t, w.fails(t, http.StatusConflict, http.MethodPost, "", `{"name": "x", "every": "2d"}`), `a heartbeat with the name "x" exists`)
	w.must(t, http.MethodPost, "", `{"name": "y", "every": "1d"}`)
	require.Contains(t, w.fails(t, http.StatusConflict, http.MethodPut, called("y"), `{"name": "x", "every": "2d"}`), `a heartbeat with the name "x" exists`)
	require.Equal(t, []string{"backup", "other", "x", "y"}, w.must(t, http.MethodGet, "", "").names(), "what failed changed nothing")
}

// The page adds no more heartbeats than there may be. If the file grows, those of the page are left out, and the API says so.
func TestAddedAreLimited(t *testing.T) {
	many := func(n int) string {
		var content strings.Builder
		content.WriteString("heartbeats:\n")
		for i := range n {
			fmt.Fprintf(&content, "  - {name: job-%d, token: token-of-job-%05d, every: 1h}\n", i, i)
		}
		return content.String()
	}
	w := start(t, open(t, dbPath(t)), many(999))
	w.must(t, http.MethodPost, "", `{"name": "x", "every": "1d"}`)
	require.Equal(t, "there are already 1000 heartbeats", w.fails(t, http.StatusConflict, http.MethodPost, "", `{"name": "y", "every": "1d"}`))
	w.must(t, http.MethodPut, called("x"), `{"name": "y", "every": "1d"}`)
	require.NoError(t, w.ApplyConfig(parse(t, many(1000))))
	l := w.must(t, http.MethodGet, "", "")
	require.Len(t, l.Heartbeats, 1000)
	require.Len(t, l.Unused, 1)
	require.Equal(t, "there are already 1000 heartbeats", l.Unused[0].Reason)
}

// For a name or a token that the file has too, the file decides, and the API says so. It is no reason not to start.
func TestAddedAndTheFile(t *testing.T) {
	db := open(t, dbPath(t))
	w := start(t, db, "heartbeats: []")
	byName := w.must(t, http.MethodPost, "", `{"name": "a", "every": "1d"}`).Token
	byToken := w.must(t, http.MethodPost, "", `{"name": "b", "every": "1d"}`).Token
	w.must(t, http.MethodPost, "", `{"name": "c", "every": "1d"}`)
	w.ping(t, "/hb/"+byName, "")
	file := `heartbeats: [{name: a, token: ` + token + `, every: 1h}, {name: moved, token: ` + byToken + `, every: 1h}]`
	check := func(l list) {
		t.Helper()
		require.Equal(t, []string{"a", "c", "moved"}, l.names())
		require.Equal(t, "1h", l.Heartbeats[0].Every)
		require.Len(t, l.Unused, 2)
		require.Equal(t, `heartbeats.yml has a heartbeat with the name "a"`, l.Unused[0].Reason)
		require.Equal(t, "b", l.Unused[1].Name)
		require.Equal(t, `heartbeats.yml has a heartbeat with its token: "moved"`, l.Unused[1].Reason)
	}
	require.NoError(t, w.ApplyConfig(parse(t, file)))
	check(w.must(t, http.MethodGet, "", ""))
	require.Equal(t, []string{"a", "b"}, w.Unused())
	require.Equal(t, http.StatusNotFound, w.ask(http.MethodGet, "/hb/"+byName, "").Code)
	w.ping(t, "/hb/"+byToken, "")
	w.stop()

	w = start(t, db, file)
	check(w.must(t, http.MethodGet, "", ""))
	require.Contains(t, w.fails(t, http.StatusConflict, http.MethodPut, called("a"), `{"name": "a", "every": "2d"}`), "heartbeats.yml has")
	require.Contains(t, w.must(t, http.MethodPut, called("a"), `{"name": "d", "every": "1d"}`).names(), "d", "under another name")
	w.ping(t, "/hb/"+byName, "")
	require.Empty(t, w.must(t, http.MethodDelete, called("b"), "").Unused)
	require.NoError(t, w.ApplyConfig(parse(t, "heartbeats: []")))
	require.Equal(t, []string{"c", "d"}, w.must(t, http.MethodGet, "", "").names())
}

// One that another version stored and this one does not understand stays where it is.
func TestAddedByAnotherVersion(t *testing.T) {
	db := open(t, dbPath(t))
	w := start(t, db, config)
	w.must(t, http.MethodPost, "", `{"name": "a", "every": "1d"}`)
	w.must(t, http.MethodPost, "", `{"name": "b", "every": "1d"}`)
	w.stop()
	const newer = `{"name": "a", "rrule": "FREQ=DAILY"}`
	_, err := db.Exec("UPDATE heartbeats_added SET definition = ? WHERE name = 'a'", newer)
	require.NoError(t, err)
	w = start(t, db, config)
	l := w.must(t, http.MethodPut, called("b"), `{"name": "b", "every": "2d"}`)
	require.Equal(t, []string{"b", "backup", "other"}, l.names())
	require.Equal(t, "a", l.Unused[0].Name)
	require.Contains(t, l.Unused[0].Reason, `unknown field "rrule"`)
	var stored string
	require.NoError(t, db.QueryRow("SELECT definition FROM heartbeats_added WHERE name = 'a'").Scan(&stored))
	require.Equal(t, newer, stored)
}

// An edit that cannot be stored changes nothing.
func TestAddedWithoutADatabase(t *testing.T) {
	db := open(t, dbPath(t))
	w := start(t, db, config)
	token := w.must(t, http.MethodPost, "", `{"name": "a", "every": "1d"}`).Token
	_, err := db.Exec("ALTER TABLE heartbeats_added RENAME TO elsewhere")
	require.NoError(t, err)
	require.Contains(t, w.fails(t, http.StatusInternalServerError, http.MethodPost, "", `{"name": "b", "every": "1d"}`), "not saved: ")
	require.Contains(t, w.fails(t, http.StatusInternalServerError, http.MethodDelete, called("a"), ""), "not saved: ")
	w.ping(t, "/hb/"+token, "")
	require.Equal(t, []string{"a", "backup", "other"}, w.must(t, http.MethodGet, "", "").names())
	_, err = db.Exec("ALTER TABLE elsewhere RENAME TO heartbeats_added")
	require.NoError(t, err)
	w.must(t, http.MethodDelete, called("a"), "")
}

// Pings and edits at once: every ping that was acknowledged counts, and every edit has its effect.
func TestConcurrentEditsAndPings(t *testing.T) {
	const jobs, pings = 8, 15
	db := open(t, dbPath(t))
	w := start(t, db, config)
	var wg sync.WaitGroup
	problems := make(chan error, 10*jobs*pings)
	for n := range jobs {
		name := fmt.Sprintf("job-%d", n)
		wg.Go(func() {
			code, l, err := w.call(http.MethodPost, "", `{"name": "`+name+`", "every": "1d"}`)
			if code != http.StatusOK || err != nil {
				problems <- errors.Join(fmt.Errorf("add %s: %d", name, code), err)
				return
			}
			wg.Go(func() {
				for range pings {
					if answer := w.ask(http.MethodGet, "/hb/"+l.Token, ""); answer.Code != http.StatusOK {
						problems <- fmt.Errorf("ping %s: %d", name, answer.Code)
					}
				}
			})
			wg.Go(func() {
				for i := range pings {
					body := fmt.Sprintf(`{"name": "%s", "every": "1d", "grace": "%dm"}`, name, i+1)
					if code, _, err := w.call(http.MethodPut, called(name), body); code != http.StatusOK || err != nil {
						problems <- errors.Join(fmt.Errorf("change %s: %d", name, code), err)
					}
				}
			})
		})
	}
	wg.Wait()
	close(problems)
	for err := range problems {
		require.NoError(t, err)
	}
	check := func() {
		t.Helper()
		l := w.must(t, http.MethodGet, "", "")
		require.Len(t, l.Heartbeats, jobs+2)
		for _, h := range l.Heartbeats {
			if h.Definition != nil {
				require.Equal(t, map[string]int{"success": pings}, h.Pings, h.Name)
				require.Equal(t, fmt.Sprintf("%dm", pings), h.Definition.Grace)
			}
		}
	}
	check()
	w.stop()
	w = start(t, db, config)
	check()
}

// The database has a hash of a token only, and no response but the first has the token.
func TestAddedTokensAreNotStored(t *testing.T) {
	path := dbPath(t)
	w := start(t, open(t, path), config)
	token := w.must(t, http.MethodPost, "", `{"name": "a-name-to-find", "every": "1d"}`).Token
	w.ping(t, "/hb/"+token+"/1", "the text")
	for _, r := range []*http.Request{
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, heartbeats.APIPath, nil),
		httptest.NewRequestWithContext(t.Context(), http.MethodPut, heartbeats.APIPath+called("a-name-to-find"), strings.NewReader(`{"name": "a-name-to-find", "every": "2d"}`)),
	} {
		answer := httptest.NewRecorder()
		w.API().ServeHTTP(answer, r)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), "a-name-to-find")
		require.NotContains(t, string(body), token)
	}
	isNotStored(t, path, token, "a-name-to-find")
}
