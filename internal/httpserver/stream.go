package httpserver

import (
	"net/http"
	"time"
)

// stream is an HTTP/2 request, which shares its connection with others: a client can leave one response unread while it reads the
// others, so each stream needs its own timeout.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	conn    *conn // nil in tests without a listener
	late    *time.Timer
}

func newStream(w http.ResponseWriter, r *http.Request) *stream {
	s := &stream{w: w, control: http.NewResponseController(w), conn: infoOf(r.Context()).conn}
	s.late = time.AfterFunc(writeTimeout, func() { _ = s.control.SetWriteDeadline(time.Unix(1, 0)) }) // resets the stream
	s.late.Stop()
	s.conn.serving(1)
	return s
}

// end gives the client writeTimeout to receive what net/http has not sent yet.
func (s *stream) end() {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	s.conn.serving(-1)
}

// write gives the client writeTimeout to receive each chunk of the response.
func (s *stream) write(b []byte) (n int, err error) {
	for {
		var m int
		s.waitFor(func() { m, err = s.w.Write(b[n:min(n+writeChunk, len(b))]) })
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// waitFor calls a function that the client can block, and ends the stream if that takes too long.
func (s *stream) waitFor(blocking func()) {
	s.late.Reset(writeTimeout)
	s.conn.serving(-1)
	blocking()
	s.conn.serving(1)
	s.late.Stop()
}
