package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// imageUser is the user that the image runs as.
const imageUser = 65532

const (
	defaultSocket = "/var/run/docker.sock"
	defaultGroup  = "999"
)

// forSocket fills the host's Docker socket and its group into a compose file, as defaults of its variables, so that
// nobody has to repeat them at each start. A socket that is not there changes nothing.
func forSocket(file []byte) []byte {
	socket, isFile := strings.CutPrefix(cmp.Or(os.Getenv("DOCKER_HOST"), "unix://"+defaultSocket), "unix://")
	if !isFile {
		return file
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return file
	}
	_, gid, ok := ownerOf(info)
	if !ok {
		return file
	}
	file = bytes.ReplaceAll(file, []byte("${DOCKER_SOCK:-"+defaultSocket+"}"), []byte("${DOCKER_SOCK:-"+socket+"}"))
	return bytes.ReplaceAll(file, []byte("${DOCKER_GID:-"+defaultGroup+"}"), fmt.Appendf(nil, "${DOCKER_GID:-%d}", gid))
}

// shareSecrets lets the container's user read what only its owner reads, and the owner keeps it. todo is how to do what
// cannot be done here.
func shareSecrets(configDir string) (todo string, err error) {
	var left []string
	for _, name := range []string{"alertmanager.yml", secretsDir} {
		path := filepath.Join(configDir, name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		uid, _, ok := ownerOf(info)
		if !ok || uid == imageUser || info.Mode().Perm()&0o004 != 0 || mayRead(path, imageUser) {
			continue
		}
		if grantReading(path, info, imageUser) == nil {
			continue
		}
		if os.Geteuid() != 0 {
			left = append(left, path)
			continue
		}
		if err := os.Chown(path, imageUser, -1); err != nil {
			return "", err
		}
	}
	if len(left) == 0 {
		return "", nil
	}
	return fmt.Sprintf("The container runs as user %d. Let it read the files that hold secrets: sudo chown -R %d %s", imageUser, imageUser, strings.Join(left, " ")), nil
}
