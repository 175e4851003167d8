package inproc

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// Call passes a request, as a client would send it, to a handler of this process, without a connection. The handler may still be
// writing when Call returns; its context ends when the request's context ends or when the body of the response is closed.
func Call(h http.Handler, r *http.Request) (*http.Response, error) {
	// Values of the caller's own request in its context must not reach the handler.
	ctx, cancel := context.WithCancel(context.Background())
	forget := context.AfterFunc(r.Context(), cancel)
	in := r.Clone(ctx)
	in.Host, in.RemoteAddr, in.RequestURI = cmp.Or(r.Host, r.URL.Host), r.URL.Hostname(), r.URL.RequestURI()
	in.URL = &url.URL{Path: cmp.Or(r.URL.Path, "/"), RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Body == nil {
		in.Body = http.NoBody
	}
	read, write := io.Pipe()
	a := &answer{header: http.Header{}, started: make(chan struct{}), out: bufio.NewWriterSize(write, 32<<10)}
	go func() {
		defer cancel()
		defer forget()
		defer func() { _ = in.Body.Close() }()
		err := a.serve(h, in)
		if flushed := a.out.Flush(); err == nil {
			err = flushed
		}
		_ = write.CloseWithError(err) // nil means EOF
	}()
	select {
	case <-a.started:
	case <-ctx.Done(): // the caller's context has ended, or the handler has, after starting its response
	}
	if err := r.Context().Err(); err != nil { // a handler may respond because of this
		_ = read.CloseWithError(err)
		return nil, err
	}
	length := int64(-1)
	if n, err := strconv.ParseInt(a.sent.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.code, http.StatusText(a.code)), StatusCode: a.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, ContentLength: length, Body: &callBody{read, cancel}, Request: r,
	}, nil
}

// callBody ends the handler when the body is closed.
type callBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *callBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

// answer is the response that a handler writes.
type answer struct {
	header  http.Header
	out     *bufio.Writer
	once    sync.Once
	started chan struct{} // closed when code and sent are set
	code    int
	sent    http.Header
}

var _ http.Flusher = (*answer)(nil)

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if code >= 100 && code < 200 {
		return
	}
	a.once.Do(func() {
		a.code, a.sent = code, a.header.Clone()
		close(a.started)
	})
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.out.Write(p)
}

// Flush implements http.Flusher.
func (a *answer) Flush() {
	a.WriteHeader(http.StatusOK)
	_ = a.out.Flush()
}

// serve calls the handler. A panic aborts the response, as it would abort a connection.
func (a *answer) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the response was interrupted: %v", p)
			a.WriteHeader(http.StatusInternalServerError)
		}
	}()
	h.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK)
	return nil
}
