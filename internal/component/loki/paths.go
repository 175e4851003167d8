package loki

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// paths are the folders and files to which Loki writes.
func (c *Config) paths() []*string {
	return []*string{
		&c.Common.PathPrefix, &c.Ingester.WAL.Dir, &c.Ingester.ShutdownMarkerPath, &c.CompactorConfig.WorkingDirectory,
		c.fileStore(), &c.StorageConfig.TSDBShipperConfig.ActiveIndexDirectory,
		&c.StorageConfig.TSDBShipperConfig.CacheLocation, &c.StorageConfig.BoltDBShipperConfig.ActiveIndexDirectory,
		&c.StorageConfig.BoltDBShipperConfig.CacheLocation, &c.Ruler.RulePath, &c.Ruler.WAL.Dir, c.ruleStore().dir,
		&c.Common.Storage.FSConfig.ChunksDirectory, &c.Common.Storage.FSConfig.RulesDirectory,
	}
}

// settlePaths adjusts paths: data/… goes below the storage folder, and data that a file written for a separate Loki
// stores in a place that is lost with its container goes to where all other data is stored. `ausguck migrate` puts it
// there, too.
func (c *Config) settlePaths(o Options) {
	storage := filepath.Dir(o.Dir)
	prefix := c.Common.PathPrefix
	moved, unmakable := "", false
	rules := c.ruleStore().dir
	for _, path := range c.paths() {
		if below, ok := strings.CutPrefix(*path, "data/"); ok {
			*path = filepath.Join(storage, below)
			continue
		}
		root := passingRoot(*path)
		onlyRead := path == rules || path == &c.Common.Storage.FSConfig.RulesDirectory
		if root == "" && (!onlyRead || isBelow(*path, prefix)) && !isBelow(*path, storage) && !canMake(*path) {
			unmakable = true
			if root = filepath.Dir(*path); isBelow(*path, prefix) {
				root = prefix
			}
		}
		if root == "" || isBelow(*path, storage) || path == rules && isFolder(*path) {
			continue // rules are only read
		}
		if isBelow(*path, prefix) && passingRoot(prefix) != "" {
			root = prefix
		}
		if moved == "" {
			moved = root
		}
		below, err := filepath.Rel(root, *path)
		if err != nil {
			continue
		}
		*path = filepath.Join(o.Dir, below)
	}
	switch {
	case moved == "":
	case unmakable:
		c.warn("data configured for %s is stored in %s, because that folder cannot be created here; to migrate existing data: ausguck migrate --from-loki=<folder> --write", moved, o.Dir)
	default:
		c.warn("data configured for %s is stored in %s, because it would be lost with the container or when the machine restarts; to migrate existing data from %s: ausguck migrate --from-loki=%s --write", moved, o.Dir, moved, moved)
	}
}

// canMake reports whether a folder exists or could be created: in a container with a read-only root, the data folder of
// a separate Loki cannot.
func canMake(path string) bool {
	if !filepath.IsAbs(path) {
		return true
	}
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil {
			return info.IsDir() && writable(dir)
		}
		if errors.Is(err, fs.ErrPermission) || dir == filepath.Dir(dir) {
			return false
		}
	}
}

// passingRoots are where stock files keep data that need not be kept: the machine empties the first ones, and the last
// is a folder of Loki's image, which exists only if it was mounted.
var passingRoots = []string{"/tmp/loki", "/tmp", "/var/tmp", "/loki"}

// passingRoot returns the folder of passingRoots that contains a path, or "".
func passingRoot(path string) string {
	for _, root := range passingRoots {
		if isBelow(path, root) && (root != "/loki" || !isFolder(root)) {
			return root
		}
	}
	return ""
}

func isBelow(path, root string) bool {
	path = filepath.Clean(path)
	return root != "" && (path == filepath.Clean(root) || strings.HasPrefix(path, filepath.Clean(root)+"/"))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
