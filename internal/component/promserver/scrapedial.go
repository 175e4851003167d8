package promserver

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/ausguck/ausguck/internal/inproc"
)

// scrapeDialer tracks the connections of scrapes, so that a shutdown can close them: upstream lets a
// running scrape use its whole timeout, which may be longer than a supervisor waits.
type scrapeDialer struct {
	dial inproc.DialContextFunc
	// aborted is canceled by abort.
	aborted context.Context
	cancel  context.CancelFunc

	mtx   sync.Mutex
	conns map[net.Conn]struct{}
}

var errScrapesStopped = errors.New("scrapes are being stopped")

func newScrapeDialer(dial inproc.DialContextFunc) *scrapeDialer {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	d := &scrapeDialer{dial: dial, conns: map[net.Conn]struct{}{}}
	d.aborted, d.cancel = context.WithCancel(context.Background())
	return d
}

// DialContext implements inproc.DialContextFunc.
func (d *scrapeDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.aborted, cancel)()
	c, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mtx.Lock()
	defer d.mtx.Unlock()
	if d.aborted.Err() != nil {
		return nil, errors.Join(errScrapesStopped, c.Close())
	}
	tracked := &scrapeConn{Conn: c, dialer: d}
	d.conns[tracked] = struct{}{}
	return tracked, nil
}

// abort ends all running scrapes and prevents new ones.
func (d *scrapeDialer) abort() {
	d.mtx.Lock()
	d.cancel()
	conns := d.conns
	d.conns = map[net.Conn]struct{}{}
	d.mtx.Unlock()
	for c := range conns {
		_ = c.Close() // it is no longer needed
	}
}

type scrapeConn struct {
	net.Conn
	dialer *scrapeDialer
}

// Close implements net.Conn.
func (c *scrapeConn) Close() error {
	c.dialer.mtx.Lock()
	delete(c.dialer.conns, c)
	c.dialer.mtx.Unlock()
	return c.Conn.Close()
}
