package heartbeats

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the files with the expected problems")

func load(t *testing.T, content string) *Config {
	t.Helper()
	cfg, problems := LoadConfig(Source{Name: "heartbeats.yml", Dir: "testdata", Content: []byte(content)})
	require.NoError(t, errors.Join(problems...))
	return cfg
}

func TestLoadConfig(t *testing.T) {
	content, err := os.ReadFile("testdata/all.good.yml")
	require.NoError(t, err)
	cfg := load(t, string(content))
	require.Equal(t, []string{"testdata/token"}, cfg.Files())
	require.Len(t, cfg.Heartbeats, 3)

	backup := cfg.find("0d338dcc-A054-11ec-b909-0242ac120002")
	require.Same(t, cfg.Heartbeats[0], backup, "a UUID in any case")
	require.Equal(t, "backup", backup.Name)
	require.Equal(t, "nightly", backup.Group)
	require.Equal(t, map[string]string{"team": "storage"}, backup.Labels)
	require.Equal(t, time.Hour, backup.Grace)
	require.Equal(t, 2*time.Hour, backup.MaxDuration)
	friday := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	require.Equal(t, time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC), backup.schedule.next(friday).UTC())

	certificates := cfg.find("a-token-of-a-file-1")
	require.Equal(t, "certificates", certificates.Name)
	require.Equal(t, defaultGrace, certificates.Grace)
	require.Equal(t, friday.Add(36*time.Hour), certificates.schedule.next(friday))

	require.Equal(t, "database backup", cfg.find("fqOOd6-F4MMNuCEnzTU01w/database-backup").Name)
	for _, unknown := range []string{"", "fqOOd6-F4MMNuCEnzTU01w", "0d338dcc-a054-11ec-b909-0242ac120003", "A-token-of-a-file-1"} {
		require.Nil(t, cfg.find(unknown), unknown)
	}
}

func TestLoadConfigOfNothing(t *testing.T) {
	for _, content := range []string{"", "# nothing yet\n", "heartbeats:\n", "heartbeats: []\n"} {
		require.Empty(t, load(t, content).Heartbeats, content)
	}
}

// All problems are reported at once, with their lines, and none of them repeats a token.
func TestLoadConfigReportsAllProblems(t *testing.T) {
	content, err := os.ReadFile("testdata/all.bad.yml")
	require.NoError(t, err)
	cfg, problems := LoadConfig(Source{Name: "all.bad.yml", Dir: "testdata", Content: content})
	require.Nil(t, cfg)
	got := errors.Join(problems...).Error() + "\n"
	if *update {
		require.NoError(t, os.WriteFile("testdata/all.bad.txt", []byte(got), 0o600))
	}
	want, err := os.ReadFile("testdata/all.bad.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), got)
	for _, secret := range []string{"tooshort", "aaaaaa", "secret with", "first-token", "the-token", "fqOOd6", "short\n"} {
		require.NotContains(t, got, secret)
	}
	_, problems = LoadConfig(Source{Name: "a.yml", Content: []byte("heartbeats:\n  - token: [")})
	require.Len(t, problems, 1)
	require.Regexp(t, `^a.yml:\d+: `, problems[0].Error())
	_, problems = LoadConfig(Source{Name: "a.yml", Content: []byte("a-very-secret-token")})
	require.EqualError(t, errors.Join(problems...), "a.yml:1: heartbeats.yml: must be a section with fields")
	many := "heartbeats:\n" + strings.Repeat("  - {}\n", maxHeartbeats+1)
	_, problems = LoadConfig(Source{Name: "a.yml", Content: []byte(many)})
	require.ErrorContains(t, errors.Join(problems...), "more than 1000 heartbeats")
}

// A start without the file reads its copy and the copies of the files that it names.
func TestLoadConfigFromCopies(t *testing.T) {
	dir := t.TempDir()
	original, copied := filepath.Join(dir, "gone"), filepath.Join(dir, "copy")
	require.NoError(t, os.WriteFile(copied, []byte("a-token-of-a-copy-1\n"), 0o600))
	cfg, problems := LoadConfig(Source{
		Name: "heartbeats.yml", Dir: dir, Copies: map[string]string{original: copied},
		Content: []byte("heartbeats: [{name: a, token_file: gone, every: 1d}]"),
	})
	require.NoError(t, errors.Join(problems...))
	require.NotNil(t, cfg.find("a-token-of-a-copy-1"))
}
