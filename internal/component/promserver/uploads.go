package promserver

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

// uploadsAge is how long the list of uploaded blocks is used before it is read again.
const uploadsAge = time.Minute

// uploads is the list of blocks that a Thanos sidecar has uploaded, for --storage.tsdb.delay-compact-file.path.
type uploads struct {
	path   string
	logger *slog.Logger

	mtx    sync.Mutex
	read   time.Time
	blocks []string
}

func newUploads(path string, logger *slog.Logger) *uploads {
	logger.Info("Compacting only blocks that have been uploaded", "list", path)
	return &uploads{path: path, logger: logger}
}

// pending reports whether a block must not be compacted yet. Blocks above the first level are uploaded by
// definition, and an unreadable list must not stop compaction.
func (u *uploads) pending(meta *tsdb.BlockMeta) bool {
	if meta.Compaction.Level > 1 {
		return false
	}
	u.mtx.Lock()
	defer u.mtx.Unlock()
	if time.Since(u.read) > uploadsAge {
		if err := u.load(); err != nil {
			u.logger.Warn("Compacting without the list of uploaded blocks", "err", err)
			return false
		}
	}
	return !slices.Contains(u.blocks, meta.ULID.String())
}

func (u *uploads) load() error {
	content, err := os.ReadFile(u.path)
	if err != nil {
		return fmt.Errorf("read the list of uploaded blocks: %w", err)
	}
	var list struct {
		Uploaded []string `json:"uploaded"`
	}
	if err := json.Unmarshal(content, &list); err != nil {
		return fmt.Errorf("read the list of uploaded blocks in %s: %w", u.path, err)
	}
	u.blocks, u.read = list.Uploaded, time.Now()
	return nil
}
