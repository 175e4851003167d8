package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var updateDamage = flag.Bool("update", false, "write docs/damage.md anew")

// damages are the kinds of damage done to each kind of file.
var damages = []struct {
	name string
	do   func(path string) error
}{
	{"zero", func(path string) error { return os.Truncate(path, 0) }},
	{"cut", func(path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, max(info.Size()-7, 0))
	}},
	{"flipped", func(path string) error {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		const page = 32 << 10 // of a write-ahead log, whose other pages could be read
		for at := 0; at < len(content); at += page {
			content[at] ^= 0xff
		}
		if middle := len(content) / 2; middle%page != 0 {
			content[middle] ^= 0xff
		}
		return os.WriteFile(path, content, 0o600)
	}},
	{"gone", os.RemoveAll},
	{"not readable", func(path string) error { // a folder: root can read every file
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		return os.Mkdir(path, 0o750)
	}},
}

// dataFile is a kind of file in the data folder.
type dataFile struct {
	glob, what string
	// unknowable are the kinds of damage after which it cannot be known that something existed, with what they cost.
	unknowable map[string]string
}

func dataFiles() []dataFile {
	const lastMinutes = "the last writes to it; that they existed cannot be detected"
	const chunkLost = "its lines, and those of chunks that Loki reads with it: queries return results without them"
	return []dataFile{
		{glob: "ausguck.db", what: "users, tokens, annotations, data sources"},
		{glob: "ausguck.db-wal", what: "the last writes to ausguck.db", unknowable: map[string]string{"zero": lastMinutes, "cut": lastMinutes, "flipped": lastMinutes, "gone": lastMinutes}},
		{glob: "ausguck.db-shm", what: "an index of ausguck.db-wal"},
		{glob: "ausguck.db.copy-*", what: "a copy of ausguck.db"},
		{glob: "ausguck.lock", what: "the lock that prevents a second process"},
		{glob: "datasources.key", what: "the key of data sources' passwords"},
		{glob: "alertmanager/silences", what: "silences"},
		{glob: "alertmanager/nflog", what: "which notifications were sent"},
		{glob: "dashboards/team/mine.json", what: "a saved dashboard"},
		{glob: "dashboards/.versions/mine/3.json", what: "its newest version"},
		{glob: "dashboards/.versions/mine/1.json", what: "an older version", unknowable: map[string]string{"gone": "that version; the oldest versions are removed anyway"}},
		{glob: "dashboards/folders.json", what: "folders of dashboards"},
		{glob: "prometheus/*/index", what: "the index of a block"},
		{glob: "prometheus/*/chunks/000001", what: "the chunks of a block"},
		{glob: "prometheus/*/meta.json", what: "the description of a block"},
		{glob: "prometheus/*/tombstones", what: "deleted samples of a block", unknowable: map[string]string{"gone": "the deletion of samples: they are visible again"}},
		{glob: "prometheus/chunks_head/000001", what: "chunks of the last hours"},
		{glob: "prometheus/wal/0*", what: "samples of the last hours", unknowable: map[string]string{"zero": lastMinutes, "gone": lastMinutes}},
		{glob: "prometheus/wal/checkpoint.*/0*", what: "series of the last hours"},
		{glob: "prometheus/wbl/0*", what: "out-of-order samples", unknowable: map[string]string{"zero": lastMinutes, "gone": lastMinutes}},
		{glob: "prometheus/queries.active", what: "the queries in progress"},
		{glob: "prometheus/lock", what: "the lock that prevents a second process"},
		{glob: "prometheus/ballast", what: "reserved space for when the disk is full"},
		{glob: "loki/chunks/fake/*/*", what: "a chunk of log lines", unknowable: map[string]string{
			"zero": chunkLost, "cut": chunkLost, "flipped": chunkLost, "gone": chunkLost, "not readable": chunkLost}},
		{glob: "loki/chunks/index/*/fake/*.gz", what: "the index of a day of logs, compacted", unknowable: map[string]string{"gone": "the location of log lines of that day"}},
		{glob: "loki/chunks/index/*/*.tsdb.gz", what: "the index of some minutes of logs", unknowable: map[string]string{"gone": "the location of log lines of those minutes"}},
		{glob: "loki/chunks/index/delete_requests/*", what: "requested deletions, as shipped"},
		{glob: "loki/compactor/deletion/delete_requests/delete_requests", what: "requested deletions"},
		{glob: "loki/compactor/deletion/series_progress.boltdb", what: "the progress of deletions"},
		{glob: "loki/tsdb-shipper-active/multitenant/*/*.tsdb", what: "the index of some minutes of logs, as written"},
		{glob: "loki/tsdb-shipper-active/wal/*/*/0*", what: "the index of the last minutes", unknowable: map[string]string{"zero": lastMinutes, "gone": lastMinutes}},
		{glob: "loki/tsdb-shipper-active/uploader/name", what: "the name under which the index is shipped"},
		{glob: "loki/tsdb-shipper-cache/*/*/*.tsdb", what: "a cache of the index"},
		{glob: "loki/wal/0*", what: "log lines of the last minutes", unknowable: map[string]string{"zero": lastMinutes, "cut": lastMinutes, "gone": lastMinutes}},
		{glob: "loki/wal/checkpoint.*/0*", what: "log lines that are not in a chunk yet"},
		{glob: "loki/rules/fake/*", what: "the built-in LogQL rules"},
		{glob: "loki/size-cap.json", what: "the time up to which logs were deleted to save space"},
		{glob: "promtail/ledger.jsonl", what: "the read positions of files"},
		{glob: "promtail/positions.yaml", what: "the same, for Promtail"},
	}
}

// holdings is the content of a folder, by name; if something cannot be queried, the error is its value.
type holdings map[string]string

func (s *server) holdings(t *testing.T, u used) holdings {
	t.Helper()
	h := holdings{}
	list := func(name, path string) {
		status, body := s.do(t, "GET", path, nil, "")
		var all []any
		if status != 200 || json.Unmarshal([]byte(body), &all) != nil {
			h[name] = fmt.Sprint(status, " ", tail(body, 200))
			return
		}
		h[name] = fmt.Sprint(len(all))
	}
	list("silences", "/api/v2/silences")
	list("users", "/api/users?perpage=1000")
	list("dashboards", "/api/search?type=dash-db&query=Mine")
	list("annotations", "/api/annotations?limit=1000&tags=damage")
	list("data sources", "/api/datasources")
	_, versions := s.do(t, "GET", "/api/dashboards/uid/mine/versions", nil, "")
	h["versions"] = fmt.Sprint(strings.Count(versions, `"version":`))
	_, folder := s.do(t, "GET", "/api/folders/team", nil, "")
	h["title of the folder"] = fmt.Sprint(strings.Contains(folder, `"title":"Team"`))
	_, source := s.do(t, "GET", "/api/datasources/uid/other", nil, "")
	h["password of the data source"] = fmt.Sprint(strings.Contains(source, `"httpHeaderValue1":true`))
	window := int(time.Since(u.began).Seconds()) + 60
	_, samples := s.do(t, "GET", "/api/v1/query?query="+url.QueryEscape(fmt.Sprintf(`sum(count_over_time(seeded_total{instance!="19"}[%ds]))`, window)), nil, "")
	h["samples"] = valueIn(samples)
	_, deleted := s.do(t, "GET", "/api/v1/query?query="+url.QueryEscape(fmt.Sprintf(`sum(count_over_time(seeded_total{instance="19"}[%ds] offset 3h))`, window)), nil, "")
	h["deleted samples"] = valueIn(deleted)
	for _, job := range []string{"pushed", "unflushed", "full", "file"} {
		_, lines := s.do(t, "GET", "/loki/api/v1/query?query="+url.QueryEscape(fmt.Sprintf(`sum(count_over_time({job=%q}[48h]))`, job)), nil, "")
		h["lines "+job] = valueIn(lines)
	}
	return h
}

var valuePattern = regexp.MustCompile(`"value":\[[0-9.]+,"([^"]+)"\]`)

// valueIn returns the value in the response to a query, or the response.
func valueIn(body string) string {
	if m := valuePattern.FindStringSubmatch(body); m != nil {
		return m[1]
	}
	if strings.Contains(body, `"result":[]`) {
		return "0"
	}
	return "error: " + tail(body, 200)
}

// less lists what differs from the other folder.
func (h holdings) less(before holdings) (names []string) {
	for name, had := range before {
		if h[name] != had {
			names = append(names, fmt.Sprintf("%s (%s of %s)", name, h[name], had))
		}
	}
	slices.Sort(names)
	return names
}

// said returns what the program reports about its losses: the notices, and the log messages of upstream's own repairs.
func (s *server) said() (lost []string, log bool) {
	for line := range strings.Lines(s.output.String()) {
		if strings.Contains(line, "Data is damaged or missing") {
			if m := regexp.MustCompile(` lost="?(.*?)"? remedy=`).FindStringSubmatch(line); m != nil {
				lost = append(lost, m[1])
			}
			continue
		}
		for _, words := range []string{"repair", "corrupt", "Unknown series", "Problem in a dashboard file", "failed to open existing index file", "Failed to read query log"} {
			log = log || strings.Contains(line, words) && (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR"))
		}
	}
	return lost, log
}

// result is a cell of the table.
type result struct{ lost, said string }

// Whatever happens to one file in the data folder, everything starts, and losses are reported. The table is
// docs/damage.md.
func TestDamagedData(t *testing.T) {
	u := usedFolder(t)
	start := func(t *testing.T, storage string) *server { return startAusguck(t, u.config, storage, usedFlags...) }
	copied := func(t *testing.T) string {
		storage := filepath.Join(t.TempDir(), "data")
		output, err := exec.Command("cp", "-a", u.storage, storage).CombinedOutput()
		require.NoError(t, err, string(output))
		return storage
	}
	whole := start(t, copied(t))
	before := whole.holdings(t, u)
	lost, _ := whole.said()
	require.Empty(t, lost, "of an undamaged folder nothing is said")
	require.Equal(t, "6", before["lines pushed"])
	require.Equal(t, "50", before["lines file"])
	whole.kill()

	var mtx sync.Mutex
	results := map[string]result{}
	t.Run("each", func(t *testing.T) {
		for _, kind := range dataFiles() {
			for _, damage := range damages {
				t.Run(strings.NewReplacer("/", "_", "*", "x").Replace(kind.glob)+" "+damage.name, func(t *testing.T) {
					t.Parallel()
					storage := copied(t)
					require.NoError(t, damage.do(damagedFile(t, storage, kind.glob)))
					s := start(t, storage)
					if strings.HasSuffix(kind.glob, "fake/*.gz") && damage.name != "gone" { // these are read in the background
						s.waitOutput(t, "Data is damaged or missing")
					}
					r := judge(t, s, kind, damage.name, s.holdings(t, u).less(before))
					select {
					case <-s.exited:
						require.Fail(t, "the process has ended", tail(s.output.String(), 2000))
					default:
					}
					mtx.Lock()
					defer mtx.Unlock()
					results[kind.glob+" "+damage.name] = r
				})
			}
		}
	})
	if t.Failed() {
		return
	}
	table := damageTable(results)
	path := filepath.Join("..", "..", "docs", "damage.md")
	if *updateDamage {
		require.NoError(t, os.WriteFile(path, []byte(table), 0o644))
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(content), table, "go test ./test/e2e -run TestDamagedData -update writes it anew")
	figure(t, "%d kinds of files × %d damages: everything starts", len(dataFiles()), len(damages))
}

// damagedFile returns the file to damage: the last one of its kind that is not empty.
func damagedFile(t *testing.T, storage, glob string) string {
	t.Helper()
	if glob == "prometheus/ballast" {
		writeFile(t, filepath.Join(storage, glob), "a ballast of another size")
	}
	found, err := filepath.Glob(filepath.Join(storage, glob))
	require.NoError(t, err)
	if slices.ContainsFunc(found, hasContent) {
		found = slices.DeleteFunc(found, func(path string) bool { return !hasContent(path) })
	}
	if strings.HasPrefix(glob, "prometheus/*/") { // the largest: one of the latest may contain out-of-order samples
		slices.SortFunc(found, func(a, b string) int { return int(size(filepath.Dir(a)) - size(filepath.Dir(b))) })
	}
	require.NotEmpty(t, found, glob)
	return found[len(found)-1]
}

func size(dir string) int64 {
	info, err := os.Stat(filepath.Join(strings.TrimSuffix(dir, "/chunks"), "chunks", "000001"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// judge requires that a loss is reported, and returns the table's cell.
func judge(t *testing.T, s *server, kind dataFile, damage string, missing []string) result {
	t.Helper()
	lost, log := s.said()
	slices.Sort(lost)
	for i := range lost {
		lost[i] = steady.Replace(regexp.MustCompile(`from \d{4}-\S+ to \S+`).ReplaceAllString(lost[i], "of some hours"))
		lost[i] = regexp.MustCompile(`/\S*/data/`).ReplaceAllString(lost[i], "")
		lost[i] = regexp.MustCompile(`\b\d+ (of \d+ chunks|records)`).ReplaceAllString(lost[i], "some $1")
		lost[i] = regexp.MustCompile(`of \d+ chunks`).ReplaceAllString(lost[i], "chunks")
	}
	t.Logf("missing %v; said %v, log %v", missing, lost, log)
	failing := slices.ContainsFunc(missing, func(m string) bool { return strings.Contains(m, "error") || strings.Contains(m, "checksum") })
	switch {
	case len(lost) > 0:
		return result{strings.Join(slices.Compact(lost), "; "), "alert, log, Status"}
	case kind.unknowable[damage] != "":
		return result{kind.unknowable[damage], "—"}
	case failing:
		return result{"what queries would read of it: they fail until it is removed", "each such query"}
	case log && len(missing) > 0:
		return result{"the damaged part of it", "log, and upstream's metric"}
	case log:
		return result{"nothing", "log"}
	}
	require.Empty(t, missing, "lost without a word")
	return result{"nothing", "—"}
}

var steady = strings.NewReplacer(`\"`, `"`)

// damageTable returns the content of docs/damage.md.
func damageTable(results map[string]result) string {
	var b strings.Builder
	b.WriteString(`# Damaged data

<!-- Written by TestDamagedData: go test ./test/e2e -run TestDamagedData -update -->

The test damages one file of the data folder while Ausguck is stopped. It truncates the file to zero bytes (zero), removes its last 7
bytes (cut), inverts its middle byte and the first one of each 32 KiB (flipped), removes it (gone), or replaces it with a folder (not
readable; file modes would have no effect, because root can read every file). Then it starts Ausguck. **Every part starts in every case.** Startup fails only
if the data folder cannot be created or written to.

Ausguck renames unreadable data to ` + "`<name>.corrupt-<time>`" + ` in the same folder, so nothing is deleted. "alert, log, Status" means that
the log names the file, its new name, what is lost and what to do. ` + "`ausguck_data_set_aside_total`" + ` counts it, and the built-in alert
DataSetAside fires until the next start.

At startup, Ausguck opens Prometheus blocks one by one and reads up to 32 MiB of their contents, the newest first. Damage beyond that
is found when a query reads it.

| File | Contents | Damage | Lost | Reported by |
|---|---|---|---|---|
`)
	for _, kind := range dataFiles() {
		var order []result
		by := map[result][]string{}
		for _, damage := range damages {
			r := results[kind.glob+" "+damage.name]
			if by[r] == nil {
				order = append(order, r)
			}
			by[r] = append(by[r], damage.name)
		}
		for i, r := range order {
			name, what := "", ""
			if i == 0 {
				name, what = "`"+kind.glob+"`", kind.what
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, what, strings.Join(by[r], ", "), r.lost, r.said)
		}
	}
	return b.String()
}
