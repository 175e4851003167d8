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

// What is damaged or gone of the collector's own files keeps it from nothing, and is told of.
func TestMakeSound(t *testing.T) {
	const ledgerContent = `{"all":{"a":{"offset":1}}}` + "\n" + `{"put":{"a":{"offset":2}}}` + "\n"
	for name, c := range map[string]struct {
		file, content string
		folder        bool
		notices       int
	}{
		"as it should be":           {file: "ledger.jsonl", content: ledgerContent},
		"torn by a crash":           {file: "ledger.jsonl", content: ledgerContent + `{"pu`},
		"cut in all positions":      {file: "ledger.jsonl", content: `{"all":{"a":{"off`, notices: 1},
		"damaged ledger":            {file: "ledger.jsonl", content: "[" + ledgerContent, notices: 1},
		"empty ledger":              {file: "ledger.jsonl", notices: 1},
		"ledger gone":               {file: "other", notices: 1},
		"ledger is a folder":        {file: "ledger.jsonl", folder: true, notices: 1},
		"damaged positions":         {file: "positions.yaml", content: "positions: \xff", notices: 1},
		"positions are a folder":    {file: "positions-of-targets.yaml", folder: true, notices: 1},
		"positions of a Promtail":   {file: "positions.yaml", content: "positions:\n  /var/log/a: \"1\"\n"},
		"positions that are no map": {file: "positions.yaml", content: "positions: [1]\n", notices: 1},
	} {
		t.Run(name, func(t *testing.T) {
			shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			o := Options{Dir: t.TempDir(), SetAside: shelf}
			ledgerPath := filepath.Join(o.Dir, "ledger.jsonl")
			require.NoError(t, os.WriteFile(ledgerPath, []byte(ledgerContent), 0o600))
			require.NoError(t, o.makeSound())
			require.Empty(t, shelf.Notices())
			path := filepath.Join(o.Dir, c.file)
			if c.file == "other" || c.folder {
				_ = os.Remove(ledgerPath)
			}
			if c.folder {
				require.NoError(t, os.WriteFile(ledgerPath, []byte(ledgerContent), 0o600))
				_ = os.Remove(path)
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
