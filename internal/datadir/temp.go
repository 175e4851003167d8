package datadir

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// UseTemp puts temporary files below the data folder if the system's temporary folder is not writable, as in a container with
// read_only. Engines need one, for example Loki's compactor for each list of chunks that it deletes.
func UseTemp(storage string, log *slog.Logger) {
	own := filepath.Join(storage, "tmp")
	clean := os.RemoveAll(own) // left by an earlier process
	probe, err := os.CreateTemp("", "ausguck-*")
	if err == nil {
		_ = errors.Join(probe.Close(), os.Remove(probe.Name()))
		return
	}
	if err := errors.Join(clean, os.MkdirAll(own, 0o700), os.Setenv("TMPDIR", own)); err != nil {
		log.Warn("No folder for temporary files: logs past their retention are not deleted. Set TMPDIR to a writable folder",
			"err", fmt.Errorf("%s: %w", os.TempDir(), err))
	}
}
