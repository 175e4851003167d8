package e2e

import (
	"context"
	"net"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// network is a separate network namespace with a loopback device, so that all ports are free for a test. A
// namespace belongs to a thread: everything in it must happen on the single goroutine that is locked to the
// thread.
type network struct {
	jobs chan func()
}

// newNetwork creates a namespace. It needs root.
func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{jobs: make(chan func())}
	made := make(chan error)
	go func() {
		// Never unlocked and never ended: nothing else may use the thread, and when it ends, the kernel kills the
		// processes started on it with Pdeathsig, including those of other tests.
		runtime.LockOSThread()
		made <- enterNetwork()
		for job := range n.jobs {
			job()
		}
	}()
	require.NoError(t, <-made, "a network namespace needs root")
	return n
}

// enterNetwork moves the thread into a new namespace and brings its loopback device up.
func enterNetwork() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback)
}

// do runs the function in the namespace. Processes that it starts and sockets that it opens are in the namespace.
func (n *network) do(job func()) {
	done := make(chan struct{})
	n.jobs <- func() {
		defer close(done)
		job()
	}
	<-done
}

// dial connects inside the namespace.
func (n *network) dial(ctx context.Context, protocol, address string) (connection net.Conn, err error) {
	n.do(func() { connection, err = (&net.Dialer{}).DialContext(ctx, protocol, address) })
	return connection, err
}

func (n *network) listen(t *testing.T, address string) (listener net.Listener) {
	t.Helper()
	var err error
	n.do(func() { listener, err = net.Listen("tcp", address) })
	require.NoError(t, err)
	return listener
}
