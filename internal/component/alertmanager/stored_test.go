package alertmanager_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/setaside"
)

// once runs a server on the folder of o, calls do when it is ready, and stops it.
func once(t *testing.T, l *alertmanager.Loader, o alertmanager.Options, p *peer, do func(http.Handler)) {
	t.Helper()
	cfg, problems := load(t, l, fmt.Sprintf(`
route: {receiver: team, group_by: [alertname], group_wait: 10ms, group_interval: 1s}
receivers: [{name: team, webhook_configs: [{url: '%s'}]}]`, p.URL))
	require.Empty(t, problems)
	db, err := database.Open(filepath.Join(o.Dir, "ausguck.db"))
	require.NoError(t, err)
	s := alertmanager.New(l, cfg, db)
	ctx, stop := context.WithCancel(t.Context())
	require.NoError(t, s.Run(ctx, func() {
		defer stop()
		do(s.Handler())
	}))
	require.NoError(t, db.Close())
}

func silence(t *testing.T, h http.Handler) (int, string) {
	t.Helper()
	return ask(t, h, "POST", "/api/v2/silences", fmt.Sprintf(`{"matchers":[{"name":"alertname","value":"x","isRegex":false,"isEqual":true}],"startsAt":%q,"endsAt":%q,"createdBy":"me","comment":"c"}`,
		time.Now().Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339)))
}

// A file that is unreadable, empty or gone costs its content but does not prevent the start, and is reported
// once.
func TestDamagedFiles(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	dir := t.TempDir()
	fresh := func(dir string, shelf *setaside.Shelf) (*alertmanager.Loader, alertmanager.Options) {
		_, o := newLoader(t)
		o.Dir, o.SetAside, o.Registerer = dir, shelf, prometheus.NewRegistry()
		l, err := alertmanager.NewLoader(o)
		require.NoError(t, err)
		return l, o
	}
	l, o := fresh(dir, nil)
	once(t, l, o, p, func(h http.Handler) {
		code, body := silence(t, h)
		require.Equal(t, http.StatusOK, code, body)
		code, body = ask(t, h, "POST", "/api/v2/alerts", `[{"labels":{"alertname":"Fires"}}]`)
		require.Equal(t, http.StatusOK, code, body)
		require.Eventually(t, func() bool {
			info, err := os.Stat(filepath.Join(dir, "nflog"))
			return err == nil && info.Size() > 0
		}, patience, 10*time.Millisecond)
	})
	for _, c := range []struct {
		kind   string
		damage func(path string, content []byte) error
		moved  bool
	}{
		{"cut", func(path string, content []byte) error { return os.WriteFile(path, content[:len(content)-7], 0o600) }, true},
		{"flipped", func(path string, content []byte) error {
			content[0] ^= 0xff
			content[len(content)/2] ^= 0xff
			return os.WriteFile(path, content, 0o600)
		}, true},
		{"a folder", func(path string, _ []byte) error { return replaceByFolder(path) }, true},
		{"empty", func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) }, false},
		{"gone", func(path string, _ []byte) error { return os.Remove(path) }, false},
	} {
		for _, file := range []string{"nflog", "silences"} {
			t.Run(file+" "+c.kind, func(t *testing.T) {
				copied := t.TempDir()
				require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
				content, err := os.ReadFile(filepath.Join(copied, file))
				require.NoError(t, err)
				require.NoError(t, c.damage(filepath.Join(copied, file), content))
				for start, want := range []int{1, 0} { // the second start has nothing to report
					shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
					l, o := fresh(copied, shelf)
					once(t, l, o, p, func(h http.Handler) {
						code, _ := ask(t, h, "GET", "/api/v2/silences", "")
						require.Equal(t, http.StatusOK, code)
					})
					require.Len(t, shelf.Notices(), want, "start %d", start+1)
					for _, n := range shelf.Notices() {
						require.Equal(t, filepath.Join(copied, file), n.Path)
						require.Equal(t, c.moved, n.Aside != "")
						require.NotEmpty(t, n.Lost)
						require.NotEmpty(t, n.Remedy)
					}
				}
			})
		}
	}
	shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	for _, folder := range []string{t.TempDir(), dir} { // the first start, and one with everything in order
		l, o := fresh(folder, shelf)
		once(t, l, o, p, func(http.Handler) {})
	}
	require.Empty(t, shelf.Notices())
}

func replaceByFolder(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o750)
}

// Users who create or expire a silence rely on the response: it is not a 200 if a full disk prevents the
// silence from being written.
func TestSilencesOnAFullDisk(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	s, o := run(t, p)
	full := func() { require.NoError(t, os.Symlink("/dev/full", filepath.Join(o.Dir, "silences.tmp"))) }
	full()
	code, body := silence(t, s.Handler())
	require.Equal(t, http.StatusInsufficientStorage, code, body)
	require.Contains(t, body, "silences cannot be changed, because they cannot be written to "+filepath.Join(o.Dir, "silences"))
	_, body = ask(t, s.Handler(), "GET", "/api/v2/silences", "")
	require.Equal(t, "[]\n", body, "nothing has changed")

	code, body = silence(t, s.Handler())
	require.Equal(t, http.StatusOK, code, body)
	var id string
	_, err := fmt.Sscanf(body, `{"silenceID":%q}`, &id)
	require.NoError(t, err)
	full()
	code, body = ask(t, s.Handler(), "DELETE", "/api/v2/silence/"+id, "")
	require.Equal(t, http.StatusInsufficientStorage, code, body)
	_, body = ask(t, s.Handler(), "GET", "/api/v2/silences", "")
	require.Contains(t, body, `"state":"active"`)
}

// While a new configuration is applied, an alert that is inhibited before and after never appears as active.
func TestInhibitionOutlivesAReload(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	l, o := newLoader(t)
	cfg := func(n int) *alertmanager.Config {
		c, problems := load(t, l, fmt.Sprintf(`
route: {receiver: team, group_by: [alertname], group_wait: %ds}
receivers: [{name: team, webhook_configs: [{url: '%s'}]}]
inhibit_rules: [{source_matchers: [alertname="Source"], target_matchers: [alertname="Target"]}]`, 30+n, p.URL))
		require.Empty(t, problems)
		return c
	}
	s := runWith(t, l, o, p)
	require.NoError(t, s.ApplyConfig(cfg(0)))
	fire(t, s, "Source")
	for n := range 300 { // so that the cache of sources takes a while to fill
		fire(t, s, fmt.Sprintf("Other%d", n))
	}
	fire(t, s, "Target")
	inhibited := func() bool {
		_, body := ask(t, s.Handler(), "GET", `/api/v2/alerts?filter=alertname="Target"&inhibited=false`, "")
		return body == "[]\n"
	}
	require.Eventually(t, inhibited, patience, 5*time.Millisecond)
	stop, watched := make(chan struct{}), make(chan int)
	go func() {
		active := 0
		for {
			select {
			case <-stop:
				watched <- active
				return
			default:
				if !inhibited() {
					active++
				}
			}
		}
	}()
	for n := range 100 {
		require.NoError(t, s.ApplyConfig(cfg(n)))
	}
	close(stop)
	require.Zero(t, <-watched, "answers that showed the inhibited alert as active")
}
