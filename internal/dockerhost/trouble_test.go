package dockerhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"syscall"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/stretchr/testify/require"
)

func TestDiagnose(t *testing.T) {
	me, err := user.Current()
	require.NoError(t, err)
	dial := func(e syscall.Errno) error {
		return fmt.Errorf("ping Docker: %w", &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", e)})
	}
	for name, tc := range map[string]struct {
		endpoint       string
		inContainer    bool
		err            error
		kind           troubleKind
		reason, remedy string
	}{
		"no socket": {
			"unix:///nowhere/docker.sock", false, dial(syscall.ENOENT), troubleMissing,
			"there is no Docker socket at /nowhere/docker.sock", installHint,
		},
		"no socket in our container": {
			"unix:///var/run/docker.sock", true, dial(syscall.ENOENT), troubleMissing,
			"there is no Docker socket", "- /var/run/docker.sock:/var/run/docker.sock:ro",
		},
		"dead socket": {
			"unix:///var/run/docker.sock", false, dial(syscall.ECONNREFUSED), troubleRefused,
			"nothing listens at unix:///var/run/docker.sock", "sudo systemctl start docker",
		},
		"no permission": {
			"unix:///nowhere/docker.sock", false, dial(syscall.EACCES), troublePermission,
			"no permission to use the Docker socket /nowhere/docker.sock",
			"sudo setfacl -m u:" + me.Username + ":rw /nowhere/docker.sock",
		},
		"no permission in our container": {
			"unix:///nowhere/docker.sock", true, dial(syscall.EACCES), troublePermission,
			"no permission", "stat -c %g /nowhere/docker.sock",
		},
		"no proxy": {
			"tcp://proxy:2375", false, dial(syscall.ECONNREFUSED), troubleRefused,
			"nothing listens at tcp://proxy:2375", "start the Docker socket proxy",
		},
		"proxy forbids": {
			"tcp://proxy:2375", false, fmt.Errorf("list containers: %w", cerrdefs.ErrPermissionDenied), troubleForbidden,
			"the socket proxy at tcp://proxy:2375 forbids a request: list containers: permission denied", "add to the environment of the Docker socket proxy: CONTAINERS=1 EVENTS=1",
		},
		"silent": {
			"tcp://proxy:2375", false, fmt.Errorf("ping Docker: %w", errSilent), troubleSilent,
			"does not respond", "docker info",
		},
		"deadline": {
			"tcp://proxy:2375", false, context.DeadlineExceeded, troubleSilent, "does not respond", "docker info",
		},
		"cut": {
			"tcp://proxy:2375", false, io.EOF, troubleRefused, "nothing listens", "start the Docker socket proxy",
		},
		"unknown host": {
			"tcp://nowhere:2375", false, errors.New("lookup nowhere: no such host"), troubleUnreachable,
			"cannot be reached: lookup nowhere", "docker -H tcp://nowhere:2375 info",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := newHost(t, tc.endpoint)
			h.self.inContainer = tc.inContainer
			kind, status := h.diagnose(tc.err)
			require.Equal(t, tc.kind, kind)
			require.False(t, status.Connected)
			require.Contains(t, status.Reason, tc.reason)
			require.Contains(t, status.Remedy, tc.remedy)
		})
	}
}

// The remedy names the actual group of the socket.
func TestPermissionRemedyNamesGroup(t *testing.T) {
	e := newEngine(t)
	e.start(t)
	h, _ := newHost(t, e.endpoint())
	gid, ok := socketGroup(e.socket)
	require.True(t, ok)
	require.EqualValues(t, os.Getgid(), gid)

	h.self.inContainer = true
	require.Contains(t, h.permissionRemedy(), fmt.Sprintf("--group-add %d", gid))
	h.self.inContainer = false
	if gid == 0 {
		require.Contains(t, h.permissionRemedy(), "setfacl", "nobody should be told to join root")
	} else {
		require.Contains(t, h.permissionRemedy(), "usermod -aG")
	}
}
