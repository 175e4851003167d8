package e2e

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The credentials of the object store of docs/grow.md.
const (
	objectKey    = "ausguck"
	objectSecret = "change-me-please"
)

// objectStore is versitygw, a stock S3 server, at http://10.0.0.9:9000, behind a gate that can fail.
type objectStore struct {
	*host
	folder string // with a folder per bucket
	mode   atomic.Int32
	ended  chan struct{} // closed by open, to end what hangs
	hung   atomic.Value  // string: the query of the last request that hung
}

// How the gate fails.
const (
	gateOpen = iota
	gateRefuses
	gateHangs
	gateForbids
)

func startObjectStore(t *testing.T, l lan, buckets ...string) *objectStore {
	t.Helper()
	s := &objectStore{host: l.host(t, 9), folder: filepath.Join(t.TempDir(), "s3"), ended: make(chan struct{})}
	for _, bucket := range buckets {
		require.NoError(t, os.MkdirAll(filepath.Join(s.folder, bucket), 0o755))
	}
	cmd := exec.Command(stockBinary(t, "versitygw"), "--port", "127.0.0.1:7070", "--quiet", "--health", "/health", "posix", "--nometa", s.folder)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+objectKey, "ROOT_SECRET_KEY="+objectSecret)
	behind := s.program(t, 7070, cmd)
	behind.url = "http://127.0.0.1:7070"
	behind.waitAnswer(t, readyTimeout, "/health")
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:7070"})
	proxy.Transport = behind.client.Transport
	s.serve(t, 9000, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s.mode.Load() {
		case gateRefuses:
			panic(http.ErrAbortHandler) // the connection is reset
		case gateHangs:
			s.hung.Store(r.URL.RawQuery)
			select {
			case <-r.Context().Done():
			case <-s.ended:
			}
			panic(http.ErrAbortHandler)
		case gateForbids:
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidAccessKeyId</Code>` +
				`<Message>The access key ID you provided does not exist in our records.</Message></Error>`)) // the client is gone
		default:
			proxy.ServeHTTP(w, r) // with the original Host, which is signed
		}
	}))
	return s
}

// fail makes the object store fail in a way until open.
func (s *objectStore) fail(mode int32) {
	s.ended = make(chan struct{})
	s.mode.Store(mode)
}

func (s *objectStore) open() {
	s.mode.Store(gateOpen)
	close(s.ended)
}

// objects returns the names of the objects of a bucket below a prefix.
func (s *objectStore) objects(t *testing.T, bucket, prefix string) (names []string) {
	t.Helper()
	root := filepath.Join(s.folder, bucket)
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err == nil && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
		return err
	}))
	return names
}

// thanosStore is the configuration of the bucket for Thanos.
const thanosStore = `type: S3
config: {bucket: metrics, endpoint: "10.0.0.9:9000", insecure: true, access_key: ` + objectKey + `, secret_key: ` + objectSecret + `}
`

// The gate fails in the ways that it promises, and the object store serves a stock client before and after.
func TestObjectStore(t *testing.T) {
	store := startObjectStore(t, newLAN(t), "metrics")
	const block = "01BKGV7JBM69T2G1BGBGM6KB12"
	writeFile(t, filepath.Join(store.folder, "metrics", block, "meta.json"), `{"ulid": "`+block+`", "version": 1, "thanos": {"version": 1, "labels": {"a": "b"}}}`)
	list := func(timeout time.Duration) (exited bool, output string) {
		var p *process
		store.do(func() {
			p = startProcess(t, exec.Command(stockBinary(t, "thanos"), "tools", "bucket", "ls", "--objstore.config="+thanosStore))
		})
		defer p.kill()
		select {
		case <-p.exited:
			return true, p.output.String()
		case <-time.After(timeout):
			return false, p.output.String()
		}
	}
	_, output := list(time.Minute)
	require.Contains(t, output, block)
	store.fail(gateForbids)
	_, output = list(time.Minute)
	require.Contains(t, output, "access key ID you provided does not exist")
	store.open()
	store.fail(gateHangs)
	exited, _ := list(3 * time.Second)
	require.False(t, exited, "it waits")
	store.open()
	store.fail(gateRefuses)
	exited, output = list(3 * time.Second)
	require.NotContains(t, output, block, "exited: %t", exited)
	store.open()
	_, output = list(time.Minute)
	require.Contains(t, output, block)
	require.Equal(t, []string{block + "/meta.json"}, store.objects(t, "metrics", ""))
}
