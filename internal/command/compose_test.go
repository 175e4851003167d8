package command_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/command"
)

// In a container, the image's folder is not the host's: compose files for the host mount the folder beside them.
func TestComposeInAContainer(t *testing.T) {
	for name, tt := range map[string]struct {
		config      string // below the test's folder
		inContainer bool
		mounts      string
		written     bool // the configuration is written beside the compose files
	}{
		"the image's folder":            {"etc/ausguck", true, "- ./monitoring:/etc/ausguck:ro", true},
		"a folder that is mounted, too": {"w/conf", true, "- ./conf:/etc/ausguck:ro", false},
		"none":                          {"", true, "- ./monitoring:/etc/ausguck:ro", true},
		"on the host":                   {"etc/ausguck", false, "- ./../etc/ausguck:/etc/ausguck:ro", false},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			config := ""
			if tt.config != "" {
				config = filepath.Join(root, tt.config)
				require.NoError(t, os.MkdirAll(config, 0o755))
			}
			written, todo, err := command.WriteCompose(filepath.Join(root, "w"), config, tt.inContainer)
			require.NoError(t, err)
			content, err := os.ReadFile(filepath.Join(root, "w", "ausguck.yml"))
			require.NoError(t, err)
			require.Contains(t, string(content), tt.mounts)
			require.Empty(t, todo)
			beside := filepath.Join(root, "w", "monitoring", "prometheus.yml")
			if !tt.written {
				require.NoFileExists(t, beside)
				return
			}
			require.FileExists(t, beside)
			require.Contains(t, written, beside)
		})
	}
}

// Secrets still belong to their owner, and the container's user can read them too, including those created later.
func TestComposeSharesSecrets(t *testing.T) {
	dir := t.TempDir()
	// Use a folder that everyone may enter, unlike the test's own, so that another user can try.
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	_, todo, err := command.WriteCompose(dir, "", false)
	require.NoError(t, err)
	require.Empty(t, todo)
	secret := filepath.Join(dir, "monitoring", "secrets", "slack_url")
	require.NoError(t, os.WriteFile(secret, []byte("https://"), 0o644))
	for _, name := range []string{secret, filepath.Join(dir, "monitoring", "alertmanager.yml"), filepath.Join(dir, "monitoring", "heartbeats.yml")} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o007, "%s is for nobody else", name)
		require.Equal(t, uint32(os.Getuid()), info.Sys().(*syscall.Stat_t).Uid, "%s stays its owner's", name)
		if os.Getuid() != 0 { // only root can become another user
			continue
		}
		for uid, may := range map[uint32]bool{65532: true, 65533: false} {
			cat := exec.Command("cat", name)
			cat.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
			out, err := cat.CombinedOutput()
			require.Equal(t, may, err == nil, "user %d reads %s: %s", uid, name, out)
		}
	}
	// Writing compose files elsewhere for the same configuration changes nothing.
	_, todo, err = command.WriteCompose(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "monitoring"), false)
	require.NoError(t, err)
	require.Empty(t, todo)
}

// The compose file contains this host's socket and the socket's group.
func TestComposeKnowsTheSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // short enough for the path of a socket
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	socket := filepath.Join(dir, "docker.sock")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	t.Setenv("DOCKER_HOST", "unix://"+socket)
	_, _, err = command.WriteCompose(dir, "", false)
	require.NoError(t, err)
	content, err := os.ReadFile(filepath.Join(dir, "ausguck.yml"))
	require.NoError(t, err)
	require.Contains(t, string(content), "${DOCKER_SOCK:-"+socket+"}:/var/run/docker.sock")
	require.Contains(t, string(content), fmt.Sprintf("${DOCKER_GID:-%d}", os.Getgid()))
}
