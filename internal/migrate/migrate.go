// Package migrate reads the data of the separate programs, without changing it: the folders of a Prometheus, Loki and
// Alertmanager, and the database, provisioning folder or HTTP API of a Grafana.
//
// It determines what exists (a plan), and imports it: folders are copied, and Grafana's data is sent to a server of Grafana's
// HTTP API. It imports internal/backup for its copies and a driver for SQLite; only internal/command imports it.
package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/ausguck/ausguck/internal/backup"
)

// Folder is the data folder of one of the separate programs.
type Folder struct {
	// Program and Dir are the program and its folder, To is the folder's name below the data folder.
	Program, Dir, To string
	// Found describes its content for users.
	Found string
	Bytes int64

	leaveOut func(name string, d fs.DirEntry) bool
}

// block is the content of a TSDB block's meta.json.
type block struct {
	MinTime, MaxTime int64
	Stats            struct {
		NumSamples, NumSeries uint64
	}
}

var ulid = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)

// Prometheus inspects the folder that a Prometheus uses as --storage.tsdb.path. It rejects a folder that is in use, because its
// blocks and its write-ahead log would be of different times.
func Prometheus(dir string) (Folder, error) {
	f := Folder{Program: "Prometheus", Dir: dir, To: "prometheus", leaveOut: func(name string, _ fs.DirEntry) bool {
		return slices.Contains([]string{"lock", "queries.active", "snapshots"}, name)
	}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, err
	}
	blocks, samples, first, last, wal := 0, uint64(0), int64(0), int64(0), false
	for _, e := range entries {
		wal = wal || e.Name() == "wal"
		if !ulid.MatchString(e.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name(), "meta.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a block that is being written or deleted, which Prometheus does not read either
		}
		var b block
		if err == nil {
			err = json.Unmarshal(content, &b)
		}
		if err != nil {
			return f, fmt.Errorf("read block %s: %w", e.Name(), err)
		}
		if blocks == 0 || b.MinTime < first {
			first = b.MinTime
		}
		last = max(last, b.MaxTime)
		blocks++
		samples += b.Stats.NumSamples
	}
	if blocks == 0 && !wal {
		return f, fmt.Errorf("%s is not a data folder of Prometheus: it contains neither blocks nor a WAL", dir)
	}
	if err := unlocked(filepath.Join(dir, "lock")); err != nil {
		return f, fmt.Errorf("%s: %w; stop the Prometheus that uses it, or use a snapshot of it (POST /api/v1/admin/tsdb/snapshot)", dir, err)
	}
	f.Found = fmt.Sprintf("%d blocks", blocks)
	if blocks > 0 {
		f.Found += fmt.Sprintf(" with %d samples of %s to %s", samples, day(first), day(last))
	}
	if wal {
		f.Found += " and a write-ahead log"
	}
	return f.measured()
}

func day(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04") }

// Loki inspects the folder that is common.path_prefix of a Loki, with chunks/ in it.
func Loki(dir string) (Folder, error) {
	f := Folder{Program: "Loki", Dir: dir, To: "loki", leaveOut: func(name string, d fs.DirEntry) bool {
		return d.IsDir() && slices.Contains([]string{"rules", "rules-temp"}, name)
	}}
	if _, err := os.Stat(filepath.Join(dir, "chunks")); err != nil {
		return f, fmt.Errorf("%s is not a data folder of Loki with file system storage: it has no chunks/; use the folder in common.path_prefix", dir)
	}
	chunks := 0
	err := filepath.WalkDir(filepath.Join(dir, "chunks"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Base(filepath.Dir(path)) != "index" {
			chunks++
		}
		return err
	})
	if err != nil {
		return f, err
	}
	f.Found = fmt.Sprintf("%d files of chunks and index", chunks)
	if _, err := os.Stat(filepath.Join(dir, "wal")); err == nil {
		f.Found += " and a write-ahead log"
	}
	for _, old := range []string{"boltdb-shipper-active", "index_boltdb", "boltdb"} {
		if _, err := os.Stat(filepath.Join(dir, old)); err == nil {
			f.Found += "; part of it is indexed by BoltDB, so keep the schema_config of its loki.yml"
			break
		}
	}
	return f.measured()
}

// Alertmanager inspects the folder that an Alertmanager uses as --storage.path.
func Alertmanager(dir string) (Folder, error) {
	f := Folder{Program: "Alertmanager", Dir: dir, To: "alertmanager", leaveOut: func(name string, _ fs.DirEntry) bool {
		return name != "silences" && name != "nflog"
	}}
	for _, name := range []string{"silences", "nflog"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return f, err
		}
		if f.Found != "" {
			f.Found += ", "
		}
		f.Found += fmt.Sprintf("%s with %d bytes", name, info.Size())
	}
	if f.Found == "" {
		return f, fmt.Errorf("%s is not a data folder of Alertmanager: it contains neither silences nor nflog", dir)
	}
	return f.measured()
}

func (f Folder) measured() (Folder, error) {
	err := filepath.WalkDir(f.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(f.Dir, path)
		if err != nil || f.leaveOut(filepath.ToSlash(name), d) {
			return err
		}
		info, err := d.Info()
		if err == nil {
			f.Bytes += info.Size()
		}
		return err
	})
	return f, err
}

// Check returns an error if the destination in the data folder is not empty.
func (f Folder) Check(storage string) error {
	entries, err := os.ReadDir(filepath.Join(storage, f.To))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s already contains data; migrate to a new --storage.path", filepath.Join(storage, f.To))
}

// Copy copies the folder below the data folder, completely or not at all.
func (f Folder) Copy(storage string) (err error) {
	if err := f.Check(storage); err != nil {
		return err
	}
	staging, err := backup.Stage(storage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	copied := filepath.Join(staging, f.To)
	if err := backup.Copy(f.Dir, copied, f.leaveOut); err != nil {
		return err
	}
	target := filepath.Join(storage, f.To)
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return err
	}
	return os.Rename(copied, target)
}
