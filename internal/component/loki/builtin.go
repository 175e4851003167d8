package loki

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ausguck/ausguck/internal/setaside"
)

// writeBuiltInRules writes the built-in LogQL rules to where the ruler reads them, if that is the storage folder
// because the configuration has no rule folder. The ruler reads only files. Other files in the folder are left
// unchanged.
func (o *Options) writeBuiltInRules(cfg *Config) error {
	store := cfg.ruleStore()
	if o.BuiltInRules == nil || store.kind != "local" || *store.dir != storedRules(cfg) {
		return nil
	}
	return fs.WalkDir(o.BuiltInRules, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(o.BuiltInRules, name)
		if err != nil {
			return fmt.Errorf("read built-in rules: %w", err)
		}
		target := filepath.Join(*store.dir, filepath.FromSlash(name))
		if there, err := os.ReadFile(target); err == nil && bytes.Equal(there, content) {
			return nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			err = o.SetAside.Move(setaside.Loss{Part: "loki", Path: target, Cause: err, Lost: "nothing: the rules are built in", Remedy: nothingToDo})
			if err != nil {
				return fmt.Errorf("remove the previous built-in rules: %w", err)
			}
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
			return fmt.Errorf("create the folder of built-in rules: %w", err)
		}
		if err := os.WriteFile(target, content, 0o640); err != nil {
			return fmt.Errorf("write built-in rules: %w", err)
		}
		return nil
	})
}

// buildsIn reports whether the built-in rules contain a file with this name.
func (o *Options) buildsIn(name string) bool {
	if o.BuiltInRules == nil {
		return false
	}
	_, err := fs.Stat(o.BuiltInRules, filepath.ToSlash(name))
	return err == nil
}

// storedRules is the rule folder in the storage folder.
func storedRules(cfg *Config) string { return filepath.Join(cfg.Common.PathPrefix, "rules") }
