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
	// maxRead bounds how much of one response is read. Upstream reads responses to their end, into memory.
	maxRead = 1 << 20
	// maxError bounds the text of an error, which upstream builds from the other side's response: it is written to the
	// log, to the database and to the history.
	maxError = 4096
	// request is the minimum size of a request written to a connection. What HTTP/2 writes while reading is shorter.
	request = 128
)

var errLongAnswer = errors.New("the response is longer than 1 MiB; the rest is not read")

// boundAnswers makes the clients of a receiver abort a response that is too long.
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

// boundConn is a connection on which a response ends at maxRead. One goroutine reads and one writes, for at most one
// response at a time, except with HTTP/2, where concurrent responses share the limit.
type boundConn struct {
	net.Conn
	exceeded func()
	read     atomic.Int64 // since the last request
}

func (c *boundConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if read := c.read.Add(int64(n)); read > maxRead {
		if read-int64(n) <= maxRead { // only once
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

// shorten bounds the text of an error and keeps the reason that upstream counts. The result does not retain the long
// text.
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
