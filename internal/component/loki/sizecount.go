package loki

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/grafana/dskit/modules"
	"github.com/grafana/dskit/services"
	"github.com/grafana/loki/v3/pkg/loki"
	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
)

// countChunks makes the cap count what the store writes. The compactor, which is initialized later, gets the original
// clients: it names chunks like their files only if it sees upstream's file client, and with any other client it
// deletes files that do not exist.
func (e *engine) countChunks(c *sizeCap) error {
	mm := e.loki.ModuleManager
	decorated := func(by func(client.ObjectClient) client.ObjectClient) func() (services.Service, error) {
		return func() (services.Service, error) {
			e.loki.Cfg.StorageConfig.ObjectClientDecorator = by
			return nil, nil
		}
	}
	const counted, plain = "counted-clients", "plain-clients"
	mm.RegisterModule(counted, decorated(c.decorate), modules.UserInvisibleModule)
	mm.RegisterModule(plain, decorated(nil), modules.UserInvisibleModule)
	return errors.Join(mm.AddDependency(loki.Store, counted), mm.AddDependency(plain, loki.Store), mm.AddDependency(loki.Compactor, plain))
}

// decorate counts the bytes written between two measurements.
func (c *sizeCap) decorate(inner client.ObjectClient) client.ObjectClient {
	return countingClient{inner, c}
}

type countingClient struct {
	client.ObjectClient
	cap *sizeCap
}

// PutObject implements client.ObjectClient.
func (c countingClient) PutObject(ctx context.Context, key string, object io.Reader) error {
	counted := &countingReader{Reader: object}
	var reader io.Reader = counted
	if seeker, ok := object.(io.ReadSeeker); ok {
		reader = struct {
			io.Reader
			io.Seeker
		}{counted, seeker}
	}
	err := c.ObjectClient.PutObject(ctx, key, reader)
	if c.cap.size.Add(counted.n); err == nil && c.cap.full() {
		select {
		case c.cap.grown <- struct{}{}:
		default:
		}
	}
	return err
}

type countingReader struct {
	io.Reader
	n int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += int64(n)
	return n, err
}

// diskUsage returns the disk space used by the files below dir; unreadable ones count as 0.
func diskUsage(dir string) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			size += blocks(info)
		}
		return nil
	})
	return size
}

// blocks returns the disk space of a file, which for many small chunks is more than their size in bytes.
func blocks(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}
