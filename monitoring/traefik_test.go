package monitoring_test

import (
	"errors"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
	"github.com/stretchr/testify/require"
)

// recordedTraefik are the folders of testdata with recordings of a Traefik, see the README there.
func recordedTraefik(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/traefik/v*")
	require.NoError(t, err)
	require.Len(t, dirs, 2, "version 2 and version 3")
	return dirs
}

var scrapedAt = regexp.MustCompile(`^# scraped at (\d+)\n`)

// traefikStorage returns a storage with the recordings of a folder as Ausguck stores them, and the times of the recordings.
func traefikStorage(t *testing.T, dir string) (storage.Queryable, []time.Time) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.prom"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	db := teststorage.New(t)
	var times []time.Time
	for _, file := range files {
		content := readTestdata(t, path.Join("traefik", filepath.Base(dir), filepath.Base(file)))
		m := scrapedAt.FindStringSubmatch(content)
		require.NotNil(t, m, "%s does not begin with its time", file)
		ms, err := strconv.ParseInt(m[1], 10, 64)
		require.NoError(t, err)
		times = append(times, time.UnixMilli(ms))

		app := db.Appender(t.Context())
		p, err := textparse.New([]byte(content), "text/plain", labels.NewSymbolTable(), textparse.ParserOptions{})
		require.NoError(t, err)
		for {
			entry, err := p.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, file)
			if entry != textparse.EntrySeries {
				continue
			}
			_, _, value := p.Series()
			var series labels.Labels
			p.Labels(&series)
			lb := labels.NewBuilder(series)
			lb.Set("job", "traefik").Set("instance", "traefik:8080").Set("container", "traefik")
			_, err = app.Append(0, lb.Labels(), ms, value)
			require.NoError(t, err, "%s: %s", file, series)
		}
		require.NoError(t, app.Commit())
	}
	return db, times
}

func vectorAt(t *testing.T, db storage.Queryable, expr string, at time.Time) promql.Vector {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	query, err := engine.NewInstantQuery(t.Context(), db, nil, expr, at)
	require.NoError(t, err, expr)
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	require.NoError(t, err, expr)
	return vector
}

// Every query of the dashboard has a result for both versions, so that no panel is empty while Traefik has traffic.
func TestTraefikDashboardShowsBothVersions(t *testing.T) {
	board := dashboards(t)["traefik.json"]
	for _, dir := range recordedTraefik(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			db, times := traefikStorage(t, dir)
			for where, expr := range queries(t, board, ".+") {
				require.NotEmpty(t, vectorAt(t, db, expr, times[2]), "%s: %s", where, expr)
			}
		})
	}
}

// The second recording is of a Traefik and services that work, the third of one with everything wrong that a rule is about.
func TestTraefikRulesTellBothVersionsFromBroken(t *testing.T) {
	for _, dir := range recordedTraefik(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			db, times := traefikStorage(t, dir)
			count := 0
			for _, r := range alertRules(t) {
				if r.file != "traefik" {
					continue
				}
				count++
				require.Empty(t, vectorAt(t, db, r.Expr, times[1]), "%s fires for a Traefik that works", r)
				require.NotEmpty(t, vectorAt(t, db, r.Expr, times[2]), "%s does not fire", r)
			}
			require.Greater(t, count, 5)
		})
	}
}

// The sections of metrics.txt say which version exposes what.
func TestTraefikExposesWhatIsAskedFor(t *testing.T) {
	for _, dir := range recordedTraefik(t) {
		major := strings.TrimPrefix(filepath.Base(dir), "v")[:1]
		exposed := readTestdata(t, path.Join("traefik", filepath.Base(dir), "3.prom"))
		for name, section := range knownMetrics(t) {
			of, ok := strings.CutPrefix(section, "traefik")
			if !ok {
				continue
			}
			found := regexp.MustCompile(`(?m)^` + name + `[{ ]`).MatchString(exposed)
			require.Equal(t, of == "" || of == " "+major, found, "%s of section %s in %s", name, section, dir)
		}
	}
}
