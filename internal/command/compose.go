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

// imageUser is the user that the image runs as.
const imageUser = 65532

// InContainer reports whether this process runs in a container.
func InContainer() bool { return hostmount.Find("/").Container }

// WriteCompose writes the compose files into dir, with the folder of the configuration that they mount, and returns the
// paths that it wrote. It writes nothing when one of the files is there already. Files of the configuration that only
// their owner reads become the container's user's; todo says what is left to do.
//
// In a container only what is below dir is the host's as well: another configDir is the image's own, and the folder beside
// the compose files is mounted.
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
		return written, fmt.Sprintf("The Compose files mount %s, which does not exist yet. Create it with: ausguck init %s", configDir, configDir), nil
	}
	secret := filepath.Join(configDir, "alertmanager.yml")
	info, err := os.Stat(secret)
	if err != nil { // nothing to hand over
		return written, "", nil
	}
	uid, _, ok := ownerOf(info)
	if !ok || uid == imageUser || info.Mode().Perm()&0o044 != 0 {
		return written, "", nil
	}
	if os.Geteuid() == 0 {
		return written, "", os.Chown(secret, imageUser, -1)
	}
	return written, fmt.Sprintf("The container runs as user %d. Let it read the file that holds secrets: sudo chown %d %s", imageUser, imageUser, secret), nil
}

// isBelow reports whether folder is inside of dir.
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

// ComposeFrom reads the compose file of another monitoring stack and writes the one that replaces it into dir. knows reports
// whether there is a flag. It overwrites nothing.
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
		files[name] = bytes.ReplaceAll(content, []byte("- "+compose.ConfigDir), []byte("- "+mounted))
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

// composePath is how a compose file in dir names the folder: relative, with the dot by which Compose tells folders
// from volumes.
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
