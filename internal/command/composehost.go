package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// imageUser is the user that the image runs as.
const imageUser = 65532

const (
	defaultSocket = "/var/run/docker.sock"
	defaultGroup  = "999"
)

// forSocket sets the host's Docker socket and its group as defaults of the variables in a compose file, so that they need not be
// set at each start. If the socket does not exist, the file is unchanged.
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

// shareSecrets gives the container's user read access to what only the owner can read; the owner stays the same. todo describes
// how to do what cannot be done here.
func shareSecrets(configDir string) (todo string, err error) {
	var left []string
	for _, name := range append(slices.Clone(secretFiles), secretsDir) {
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
