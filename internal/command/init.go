package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/ausguck/ausguck/monitoring"
)

// secretFiles are the files into which users write passwords and tokens.
var secretFiles = []string{"alertmanager.yml", "heartbeats.yml"}

// secretsDir is the folder beside them for the files that they name, each with the URL of a webhook, a password or a token.
const secretsDir = "secrets"

// WriteConfig writes the built-in configuration into dir, with a folder for secrets that only its owner can read, and returns the
// paths that it wrote. It overwrites nothing: with missing it writes only the files that dir does not have; otherwise it fails if
// dir has any of them.
func WriteConfig(dir string, missing bool) (written []string, err error) {
	names, err := builtInFiles()
	if err != nil {
		return nil, err
	}
	var absent, existing []string
	for _, name := range names {
		if target := filepath.Join(dir, filepath.FromSlash(name)); fileExists(target) {
			existing = append(existing, target)
		} else {
			absent = append(absent, name)
		}
	}
	if len(existing) > 0 && !missing {
		return nil, fmt.Errorf("%s has %d of the %d files already, so nothing was written. `ausguck init --missing %s` writes the others, `ausguck init --diff %s` shows how yours differ",
			dir, len(existing), len(names), dir, dir)
	}
	for _, name := range absent {
		target, err := writeBuiltIn(dir, name)
		if err != nil {
			return written, err
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

// DiffConfig returns a unified diff between the built-in files and those in dir, and the names of the built-in files that dir
// does not have.
func DiffConfig(dir string) (diff string, absent []string, err error) {
	names, err := builtInFiles()
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	for _, name := range names {
		target := filepath.Join(dir, filepath.FromSlash(name))
		yours, err := os.ReadFile(target)
		if errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, target)
			continue
		}
		if err != nil {
			return "", nil, err
		}
		ours, err := fs.ReadFile(monitoring.Files, name)
		if err != nil {
			return "", nil, err
		}
		if bytes.Equal(ours, yours) {
			continue
		}
		if err := difflib.WriteUnifiedDiff(&out, difflib.UnifiedDiff{
			A: difflib.SplitLines(string(ours)), FromFile: "built-in " + name,
			B: difflib.SplitLines(string(yours)), ToFile: target, Context: 3,
		}); err != nil {
			return "", nil, err
		}
	}
	return out.String(), absent, nil
}

// builtInFiles returns the names of the files in the built-in configuration.
func builtInFiles() (names []string, err error) {
	err = fs.WalkDir(monitoring.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the built-in configuration: %w", err)
	}
	return names, nil
}

func writeBuiltIn(dir, name string) (target string, err error) {
	target = filepath.Join(dir, filepath.FromSlash(name))
	content, err := fs.ReadFile(monitoring.Files, name)
	if err != nil {
		return target, err
	}
	mode := fs.FileMode(0o644)
	if slices.Contains(secretFiles, name) {
		mode = 0o600
	}
	if err := writeNew(target, content, mode); err != nil {
		return target, fmt.Errorf("write %s: %w", target, err)
	}
	return target, nil
}

// writeNew writes a new file. It never overwrites a file, even one that was created after the caller's check.
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

// likeFolder changes the owner of a file that root writes to the folder's owner: in the folder of a package, that is the user
// that Ausguck runs as.
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
