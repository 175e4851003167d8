package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/ausguck/ausguck/monitoring"
)

// secretsDir is the folder beside alertmanager.yml for the files that it names, with a webhook's URL or a password each.
const secretsDir = "secrets"

// WriteConfig writes the built-in configuration set into dir, with a folder for secrets that only its owner reads, and
// returns the paths it wrote. It writes nothing when one of the files is there already.
func WriteConfig(dir string) ([]string, error) {
	var names []string
	err := fs.WalkDir(monitoring.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the built-in configuration set: %w", err)
	}
	var existing []error
	for _, name := range names {
		if target := filepath.Join(dir, filepath.FromSlash(name)); fileExists(target) {
			existing = append(existing, alreadyThere(target))
		}
	}
	if len(existing) > 0 {
		return nil, errors.Join(existing...)
	}
	var written []string
	for _, name := range names {
		target := filepath.Join(dir, filepath.FromSlash(name))
		content, err := fs.ReadFile(monitoring.Files, path.Clean(name))
		if err != nil {
			return written, err
		}
		mode := fs.FileMode(0o644)
		if path.Base(name) == "alertmanager.yml" {
			mode = 0o600 // people write passwords and tokens of receivers into it
		}
		if err := writeNew(target, content, mode); err != nil {
			return written, fmt.Errorf("write %s: %w", target, err)
		}
		written = append(written, target)
	}
	return written, makeSecretsDir(filepath.Join(dir, secretsDir))
}

func makeSecretsDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(likeFolder(f, dir), f.Close())
}

func alreadyThere(name string) error {
	return fmt.Errorf("%s exists already; nothing was written: move it away or name another folder", name)
}

// writeNew refuses to overwrite even what appeared since it was looked for.
func writeNew(target string, content []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if mode.Perm() == 0o600 {
		err = errors.Join(err, likeFolder(f, target))
	}
	return errors.Join(err, f.Close())
}

// likeFolder gives what root writes for one user to the owner of the folder: in a package's folder that is the user that
// Ausguck runs as.
func likeFolder(f *os.File, target string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(target))
	if err != nil {
		return err
	}
	if uid, gid, ok := ownerOf(info); ok {
		return f.Chown(uid, gid)
	}
	return nil
}
