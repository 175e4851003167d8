package logcollector

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/setaside"
)

// Unreadable files of the collector are set aside and reported.
func TestMakeSound(t *testing.T) {
	for name, c := range map[string]struct {
		file, content string
		folder        bool
		notices       int
	}{
		"a ledger that is damaged":  {file: "ledger.jsonl", content: "["}, // it detects the damage itself
		"a ledger that is a folder": {file: "ledger.jsonl", folder: true, notices: 1},
		"damaged positions":         {file: "positions.yaml", content: "positions: \xff", notices: 1},
		"positions are a folder":    {file: "positions-of-targets.yaml", folder: true, notices: 1},
		"positions of a Promtail":   {file: "positions.yaml", content: "positions:\n  /var/log/a: \"1\"\n"},
		"positions that are no map": {file: "positions.yaml", content: "positions: [1]\n", notices: 1},
	} {
		t.Run(name, func(t *testing.T) {
			shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			o := Options{Dir: t.TempDir(), SetAside: shelf, Logger: slog.New(slog.DiscardHandler)}
			path := filepath.Join(o.Dir, c.file)
			if c.folder {
				require.NoError(t, os.Mkdir(path, 0o750))
			} else {
				require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			}
			require.NoError(t, o.makeSound())
			require.Len(t, shelf.Notices(), c.notices)
			_, err := openLedger(o.Dir)
			require.NoError(t, err)
		})
	}
}

// A ledger in which something is missing is reported, except for losses after a power cut.
func TestTellOfLedger(t *testing.T) {
	shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	o := Options{Dir: t.TempDir(), SetAside: shelf, Logger: slog.New(slog.DiscardHandler)}
	o.tellOfLedger(&ledger{path: "ledger.jsonl", damage: afterPowerCut})
	require.Empty(t, shelf.Notices())
	o.tellOfLedger(&ledger{path: "ledger.jsonl", damage: "it is gone"})
	require.Len(t, shelf.Notices(), 1)
}
