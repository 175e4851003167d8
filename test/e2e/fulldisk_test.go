package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// acknowledged is a kind of object that is kept if the response is 2xx.
type acknowledged struct {
	name string
	// store sends the nth of them, and returns the response.
	store func(t *testing.T, s *server, n int) (status int, body string)
	// has reports whether the server has it.
	has func(t *testing.T, s *server, n int) bool
}

// byJSON is a kind that is sent as JSON; its number is inserted into the formats. It exists if found responds with 200
// and a body that matches has.
func byJSON(name, path, format, found, has string) acknowledged {
	return acknowledged{name, func(t *testing.T, s *server, n int) (int, string) {
		return s.do(t, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, fmt.Sprintf(format, n))
	}, func(t *testing.T, s *server, n int) bool {
		status, body := s.do(t, http.MethodGet, found, nil, "")
		matched, err := regexp.MatchString(fmt.Sprintf(has, n), body)
		require.NoError(t, err)
		return status == http.StatusOK && matched
	}}
}

// kindsOfAcknowledged are all of them: what is sent as JSON, samples and lines. What is sent to /api/v2/alerts is sent
// again by the sender of the alert.
func kindsOfAcknowledged() []acknowledged {
	until := time.Now().Add(time.Hour).Format(time.RFC3339)
	return []acknowledged{
		byJSON("dashboard", "/api/dashboards/db", `{"overwrite":true,"dashboard":{"uid":"d%d","title":"Kept","panels":[]}}`, "/api/search?type=dash-db&limit=5000", `"uid":"d%d"`),
		byJSON("folder", "/api/folders", `{"uid":"f%[1]d","title":"Folder %[1]d"}`, "/api/folders?limit=5000", `"uid":"f%d"`),
		byJSON("user", "/api/admin/users", `{"name":"u%[1]d","login":"u%[1]d","password":"a long password"}`, "/api/users?perpage=5000", `"login":"u%d"`),
		byJSON("service account", "/api/serviceaccounts", `{"name":"a%d","role":"Viewer"}`, "/api/serviceaccounts/search?perpage=5000", `"name":"a%d"`),
		byJSON("annotation", "/api/annotations", `{"text":"a%d.","tags":["kept"]}`, "/api/annotations?limit=5000&tags=kept", `"text":"a%d\."`),
		byJSON("data source", "/api/datasources", `{"name":"s%[1]d","uid":"s%[1]d","type":"prometheus","url":"http://127.0.0.1:1","access":"proxy","secureJsonData":{"basicAuthPassword":"secret"}}`, "/api/datasources", `"uid":"s%d"`),
		byJSON("silence", "/api/v2/silences", `{"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"2020-01-01T00:00:00Z","endsAt":"`+until+`","createdBy":"t","comment":"s%d."}`, "/api/v2/silences", `"comment":"s%d\."`),
		{"samples", func(t *testing.T, s *server, n int) (int, string) {
			status, body, err := s.tryWrite(oneSample("kept", time.Now(), 1, "n", fmt.Sprint(n)))
			require.NoError(t, err)
			return status, body
		}, func(t *testing.T, s *server, n int) bool {
			return len(s.query(t, fmt.Sprintf(`last_over_time(kept{n="%d"}[1h])`, n))) == 1
		}},
		{"lines", func(t *testing.T, s *server, n int) (int, string) {
			return s.pushJob(t, "kept", time.Now(), fmt.Sprintf("line %d.", n))
		}, func(t *testing.T, s *server, n int) bool {
			return valueIn(s.get(t, "/loki/api/v1/query?query="+url.QueryEscape(fmt.Sprintf("sum(count_over_time({job=\"kept\"} |= `line %d.` [1h]))", n)))) == "1"
		}},
	}
}

// Clients rely on a 2xx: on a disk without a free byte, what is acknowledged exists after a kill -9, and what cannot be
// stored is answered with 507 and the reason.
func TestNothingIsAcknowledgedOnAFullDisk(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", storage, "tmpfs", 0, "size=96m"), "needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(storage, unix.MNT_DETACH)) })
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
	flags := append([]string{"--web.enable-remote-write-receiver"}, metricsOnly...)
	s := startAusguck(t, config, storage, flags...)

	kinds := kindsOfAcknowledged()
	kept := map[string][]int{}
	tryAll := func(n int) (refused int) {
		for _, kind := range kinds {
			status, body := kind.store(t, s, n)
			if status/100 == 2 {
				kept[kind.name] = append(kept[kind.name], n)
				continue
			}
			refused++
			require.Equal(t, http.StatusInsufficientStorage, status, "%s: %s", kind.name, body)
			require.Regexp(t, `(?i)no space|full`, body, kind.name)
		}
		return refused
	}
	require.Zero(t, tryAll(0), "with room all of them are stored")

	filler := filepath.Join(storage, "somebody-elses-file")
	fillDisk(t, filler)
	eventually(t, 15*time.Second, func() error { // the ballast is released
		return errUnless(metric(s.get(t, "/metrics"), "ausguck_storage_full") == 1, "nobody has seen that the disk is full")
	})
	eventually(t, 30*time.Second, func() error { // and others use its space
		fillMore(t, filler)
		var disk unix.Statfs_t
		require.NoError(t, unix.Statfs(storage, &disk))
		return errUnless(disk.Bavail == 0, "%d blocks are left", disk.Bavail)
	})
	n := 1
	eventually(t, time.Minute, func() error { // files that SQLite created before have space for some
		fillMore(t, filler)
		refused := tryAll(n)
		n++
		return errUnless(refused == len(kinds), "of %d kinds %d are refused", len(kinds), refused)
	})
	s.kill()
	require.NoError(t, os.Remove(filler))

	s = startAusguck(t, config, storage, flags...)
	for _, kind := range kinds {
		for _, n := range kept[kind.name] {
			require.True(t, kind.has(t, s, n), "%s %d was acknowledged and is lost", kind.name, n)
		}
	}
	all, err := json.Marshal(kept)
	require.NoError(t, err)
	t.Logf("acknowledged, and kept: %s", all)
	require.Zero(t, tryAll(n), "with room again all of them are stored")
	for _, kind := range kinds {
		require.True(t, slices.Contains(kept[kind.name], n) && kind.has(t, s, n), kind.name)
	}
	s.stop(t)
}

// fillMore uses up the remaining space.
func fillMore(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, unix.ENOSPC)
}
