package hostmount

import (
	"fmt"
	"os"
	"path/filepath"
)

// View creates and returns a folder that looks like proc but has the host's network. /proc/net refers to the network of the
// reading process, through every mount, so in a container with its own network, net must be that of process 1. Other processes
// are omitted. dir is recreated.
func View(proc, dir string) (string, error) {
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("create a view of %s: %w", proc, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create a view of %s: %w", proc, err)
	}
	entries, err := os.ReadDir(proc)
	if err != nil {
		return "", fmt.Errorf("create a view of %s: %w", proc, err)
	}
	for _, e := range entries {
		name, target := e.Name(), filepath.Join(proc, e.Name())
		switch {
		case name == "net":
			target = filepath.Join(proc, "1/net")
		case name[0] >= '2' && name[0] <= '9', name[0] == '1' && name != "1":
			continue
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("create a view of %s: %w", proc, err)
		}
	}
	return dir, nil
}
