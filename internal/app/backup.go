package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/backup"
	"github.com/ausguck/ausguck/internal/versions"
)

// BackupBytes is the header with the size of the archive before compression.
const BackupBytes = "X-Ausguck-Backup-Bytes"

// serveBackup responds with an archive of all data in its current state.
func (a *App) serveBackup(w http.ResponseWriter, r *http.Request) {
	if !a.backingUp.TryLock() {
		http.Error(w, "another backup is being made; try again when it is done", http.StatusConflict)
		return
	}
	defer a.backingUp.Unlock()
	if !a.ready.Load() {
		http.Error(w, "not ready: "+strings.Join(a.waitingFor(), "; "), http.StatusServiceUnavailable)
		return
	}
	log := a.options.Logger.With("part", "backup")
	staging, err := backup.Stage(a.options.StoragePath)
	if err != nil {
		log.Error("Backup failed", "err", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() {
		if err := os.RemoveAll(staging); err != nil {
			log.Warn("Temporary copies of a backup were not removed and can be deleted", "dir", staging, "err", err)
		}
	}()
	begun := time.Now()
	manifest, err := a.stageBackup(r.Context(), staging)
	if err != nil {
		log.Error("Backup failed", "err", err)
		http.Error(w, "make the backup: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	w.Header().Set("Content-Disposition", "attachment; filename="+backupName(manifest.Made))
	w.Header().Set(BackupBytes, strconv.FormatInt(manifest.Bytes, 10))
	if err := backup.Write(r.Context(), w, staging, manifest); err != nil {
		log.Warn("Backup interrupted", "err", err)
		panic(http.ErrAbortHandler) // so that the client does not take the archive for complete
	}
	log.Info("Backup complete", "bytes", manifest.Bytes, "files", manifest.Files, "took", time.Since(begun).Round(time.Millisecond))
}

func backupName(made time.Time) string {
	return "ausguck-" + made.Format("20060102-150405") + ".tar.gz"
}

// stageBackup copies or links everything into dir. Data with references is copied before the data that it refers to, so that no
// copy has a dangling reference: the collector's ledger before the log lines, Loki's WAL and index before the chunks.
func (a *App) stageBackup(ctx context.Context, dir string) (m backup.Manifest, err error) {
	from := func(name string) string { return filepath.Join(a.options.StoragePath, name) }
	to := func(name string) string { return filepath.Join(dir, name) }
	chunks := func(name string, d fs.DirEntry) bool { return d.IsDir() && name == "chunks" }
	unfinished := func(name string, _ fs.DirEntry) bool { return strings.HasSuffix(name, ".tmp") }
	for _, step := range []struct {
		name string
		copy func() error
	}{
		{"promtail", func() error { return backup.Copy(from("promtail"), to("promtail"), unfinished) }},
		{"loki/wal", func() error { return backup.Copy(from("loki/wal"), to("loki/wal"), unfinished) }},
		{"loki", func() error {
			skip := func(name string, d fs.DirEntry) bool {
				return chunks(name, d) || d.IsDir() && name == "wal" || unfinished(name, d)
			}
			return backup.Copy(from("loki"), to("loki"), skip)
		}},
		{"loki/chunks", func() error { return backup.Link(from("loki/chunks"), to("loki/chunks"), unfinished) }},
		{"prometheus", func() error { return a.snapshotTSDB(dir) }},
		{"alertmanager", func() error { return backup.Copy(from("alertmanager"), to("alertmanager"), unfinished) }},
		{"dashboards", func() error { return backup.Copy(from("dashboards"), to("dashboards"), unfinished) }},
		{"datasources.key", func() error { return backup.Copy(from("datasources.key"), to("datasources.key"), nil) }},
		{"ausguck.db", func() error {
			_, err := a.db.ExecContext(ctx, "VACUUM INTO ?", to("ausguck.db"))
			return err
		}},
	} {
		if err := errors.Join(ctx.Err(), step.copy()); err != nil {
			return m, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return backup.Measure(dir, "ausguck "+versions.Own())
}

// snapshotTSDB creates prometheus/ from the blocks and the in-memory data. A TSDB folder that is configured elsewhere ends up
// below it too, so that a restore finds everything in one folder.
func (a *App) snapshotTSDB(dir string) error {
	target := filepath.Join(dir, "prometheus")
	if err := os.MkdirAll(target, 0o750); err != nil {
		return err
	}
	return a.options.Prometheus.server.Snapshot(target)
}
