package alertmanager

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/notify"
	commonconfig "github.com/prometheus/common/config"
)

const (
	// maxRead bounds what is read of one answer. Upstream reads answers to their end, into memory.
	maxRead = 1 << 20
	// maxError bounds the text of an error, which upstream makes from the answer of the other side: it goes to the
	// log, to the database and into the history.
	maxError = 4096
	// request is the least that a request writes to its connection. What HTTP/2 writes while it reads is shorter.
	request = 128
)

var errLongAnswer = errors.New("the response is longer than 1 MiB; the rest is not read")

// boundAnswers has the clients of a receiver give up an answer that is too long.
func boundAnswers(logger *slog.Logger, receiver string) commonconfig.HTTPClientOption {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return commonconfig.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &boundConn{Conn: conn, exceeded: func() {
			logger.Warn("Response too large", "receiver", receiver, "from", address, "max_bytes", maxRead)
		}}, nil
	})
}

// boundConn is a connection on which an answer ends at maxRead. One goroutine reads and one writes, at most one answer
// at a time but with HTTP/2, where those at the same time share the bound.
type boundConn struct {
	net.Conn
	exceeded func()
	read     atomic.Int64 // since the last request
}

func (c *boundConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if read := c.read.Add(int64(n)); read > maxRead {
		if read-int64(n) <= maxRead { // the first time
			c.exceeded()
		}
		return 0, errLongAnswer
	}
	return n, err
}

func (c *boundConn) Write(b []byte) (int, error) {
	if len(b) >= request {
		c.read.Store(0)
	}
	return c.Conn.Write(b)
}

// shorten bounds the text of an error and keeps the reason that upstream counts. Nothing holds the long text any more.
func shorten(err error) error {
	if err == nil || len(err.Error()) <= maxError {
		return err
	}
	short := errors.New(strings.ToValidUTF8(err.Error()[:maxError], "") + " … (cut off)")
	var reason *notify.ErrorWithReason
	if errors.As(err, &reason) {
		return notify.NewErrorWithReason(reason.Reason, short)
	}
	return short
}
