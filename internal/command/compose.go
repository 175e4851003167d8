package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ausguck/ausguck/deploy/compose"
	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/hostmount"
	"github.com/ausguck/ausguck/internal/stack"
)

// InContainer reports whether this process runs in a container.
func InContainer() bool { return hostmount.Find("/").Container }

// WriteCompose writes the compose files into dir, and the built-in configuration if the folder that they mount does not exist. It
// returns the paths that it wrote. It writes nothing if one of the compose files exists. It gives the container's user read
// access to files that only their owner can read; todo describes what is left to do.
//
// In a container, only files below dir are on the host: any other configDir belongs to the image, so the folder beside the
// compose files is mounted instead.
func WriteCompose(dir, configDir string, inContainer bool) (written []string, todo string, err error) {
	if inContainer && !isBelow(dir, configDir) {
		configDir = ""
	}
	if written, err = writeCompose(dir, configDir); err != nil {
		return written, "", err
	}
	if configDir == "" {
		configDir = filepath.Join(dir, compose.ConfigDir)
	}
	if !fileExists(configDir) {
		config, err := WriteConfig(configDir, false)
		written = append(written, config...)
		if err != nil {
			return written, "", err
		}
	}
	todo, err = shareSecrets(configDir)
	return written, todo, err
}

func alreadyThere(name string) error {
	return fmt.Errorf("%s already exists, so nothing was written: move it away, or choose another folder", name)
}

// isBelow reports whether folder is inside dir.
func isBelow(dir, folder string) bool {
	from, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	to, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	relative, err := filepath.Rel(from, to)
	return err == nil && filepath.IsLocal(relative)
}

// composeName is the file that ComposeFrom writes.
const composeName = "ausguck.yml"

// ComposeFrom reads the compose file of another monitoring stack and writes its replacement into dir. knows reports whether a
// flag exists. It overwrites nothing.
func ComposeFrom(file, dir string, knows func(flag string) bool) (target string, r *stack.Result, err error) {
	r, err = stack.Read(stack.Options{File: file, Dir: dir, Getenv: os.LookupEnv, InContainer: InContainer(), Knows: knows, Grafana: app.GrafanaWarnings}, composeName)
	if err != nil {
		return "", nil, err
	}
	target = filepath.Join(dir, composeName)
	if fileExists(target) {
		return "", nil, alreadyThere(target)
	}
	if err := writeNew(target, r.Content, 0o644); err != nil {
		return "", nil, fmt.Errorf("write %s: %w", target, err)
	}
	return target, r, nil
}

func writeCompose(dir, configDir string) ([]string, error) {
	mounted, err := composePath(dir, configDir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	names, err := fs.Glob(compose.Files, "*.yml")
	if err != nil {
		return nil, err
	}
	var existing []error
	for _, name := range names {
		content, err := fs.ReadFile(compose.Files, name)
		if err != nil {
			return nil, err
		}
		files[name] = forSocket(bytes.ReplaceAll(content, []byte("- "+compose.ConfigDir), []byte("- "+mounted)))
		if target := filepath.Join(dir, name); fileExists(target) {
			existing = append(existing, alreadyThere(target))
		}
	}
	if len(existing) > 0 {
		return nil, errors.Join(existing...)
	}
	var written []string
	for _, name := range names {
		target := filepath.Join(dir, name)
		if err := writeNew(target, files[name], 0o644); err != nil {
			return written, fmt.Errorf("write %s: %w", target, err)
		}
		written = append(written, target)
	}
	return written, nil
}

// composePath returns the folder as a compose file in dir must name it: relative, with the leading dot by which Compose
// distinguishes folders from volumes.
func composePath(dir, configDir string) (string, error) {
	if configDir == "" {
		return compose.ConfigDir, nil
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(configDir)
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(from, to)
	if err != nil {
		return to, nil
	}
	return "./" + filepath.ToSlash(relative), nil
}
