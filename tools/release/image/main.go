// Command image writes an image that contains only one static program and the empty folders that it needs, as a file for `docker
// load`. It needs no Docker engine, and the same input produces the same file.
//
//	image -program dist/ausguck -name ausguck -arch amd64 -version 1.0.0 -revision abc -epoch 1700000000 -out ausguck.tar
//
// The image is tagged with its version and with latest.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// user is the user that the program runs as; no system has an account with this number.
const user = 65532

type options struct {
	program, name, arch, version, revision, out string
	epoch                                       int64
}

func main() {
	var o options
	flag.StringVar(&o.program, "program", "", "the static program")
	flag.StringVar(&o.arch, "arch", "amd64", "its architecture, as Go names it")
	flag.StringVar(&o.name, "name", "ausguck", "name of the image, ausguck or codeagent")
	flag.StringVar(&o.version, "version", "", "label org.opencontainers.image.version")
	flag.StringVar(&o.revision, "revision", "", "label org.opencontainers.image.revision")
	flag.Int64Var(&o.epoch, "epoch", 0, "time of all files and of the image, seconds since 1970")
	flag.StringVar(&o.out, "out", "", "file to write")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	tag, err := name.NewTag(o.name + ":" + strings.NewReplacer("+", "_", "~", "_").Replace(o.version))
	if err != nil {
		return fmt.Errorf("-name and -version: %w", err)
	}
	latest := tag.Context().Tag("latest")
	program, err := os.ReadFile(o.program)
	if err != nil {
		return fmt.Errorf("-program: %w", err)
	}
	made := time.Unix(o.epoch, 0).UTC()
	content, err := layer(o.name, program, made)
	if err != nil {
		return fmt.Errorf("make the layer: %w", err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		return fmt.Errorf("make the layer: %w", err)
	}
	image, err := mutate.Append(empty.Image, mutate.Addendum{
		Layer: l, History: v1.History{Created: v1.Time{Time: made}, CreatedBy: "tools/release/image"},
	})
	if err != nil {
		return fmt.Errorf("make the image: %w", err)
	}
	image, err = mutate.ConfigFile(image, configOf(image, o, made))
	if err != nil {
		return fmt.Errorf("make the image: %w", err)
	}
	if err := write(o.out, map[name.Tag]v1.Image{tag: image, latest: image}); err != nil {
		return fmt.Errorf("write %s: %w", o.out, err)
	}
	return nil
}

// write writes the file with its tags in order; the library would write them in arbitrary order.
func write(file string, images map[name.Tag]v1.Image) error {
	var b bytes.Buffer
	if err := tarball.MultiWrite(images, &b); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	in, out := tar.NewReader(&b), tar.NewWriter(f)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return errors.Join(out.Close(), f.Close())
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
		content := io.Reader(in)
		if header.Name == "manifest.json" {
			sorted, err := sortTags(in)
			if err != nil {
				return errors.Join(err, f.Close())
			}
			header.Size, content = int64(len(sorted)), bytes.NewReader(sorted)
		}
		if err := out.WriteHeader(header); err != nil {
			return errors.Join(err, f.Close())
		}
		if _, err := io.Copy(out, content); err != nil {
			return errors.Join(err, f.Close())
		}
	}
}

func sortTags(r io.Reader) ([]byte, error) {
	var manifest tarball.Manifest
	if err := json.NewDecoder(r).Decode(&manifest); err != nil {
		return nil, err
	}
	for _, m := range manifest {
		slices.Sort(m.RepoTags)
	}
	return json.Marshal(manifest)
}

// configOf returns the configuration for running the image.
func configOf(image v1.Image, o options, made time.Time) *v1.ConfigFile {
	var rootFS v1.RootFS
	if c, err := image.ConfigFile(); err == nil { // cannot fail for an image in memory
		rootFS = c.RootFS
	}
	c := &v1.ConfigFile{
		Architecture: o.arch, OS: "linux", Created: v1.Time{Time: made}, RootFS: rootFS,
		History: []v1.History{{Created: v1.Time{Time: made}, CreatedBy: "tools/release/image"}},
		Config: v1.Config{
			User:       fmt.Sprintf("%d:%d", user, user),
			WorkingDir: "/data",
			Entrypoint: []string{"/" + o.name},
			Env:        []string{"PATH=/"},
			Volumes:    map[string]struct{}{"/data": {}},
			StopSignal: "SIGTERM",
			Labels: map[string]string{
				"org.opencontainers.image.title":    o.name,
				"org.opencontainers.image.version":  o.version,
				"org.opencontainers.image.revision": o.revision,
				"org.opencontainers.image.licenses": "AGPL-3.0-only",
			},
		},
	}
	if o.name == "ausguck" {
		c.Config.Env = append(c.Config.Env,
			"AUSGUCK_CONFIG_DIR=/etc/ausguck", "AUSGUCK_STORAGE_PATH=/data", "AUSGUCK_LISTEN_ADDRESS=0.0.0.0:3000")
		c.Config.ExposedPorts = map[string]struct{}{
			"3000/tcp": {}, "9090/tcp": {}, "9093/tcp": {}, "3100/tcp": {}, "9100/tcp": {}, "8080/tcp": {},
		}
		c.Config.Healthcheck = &v1.HealthConfig{
			Test: []string{"CMD", "/ausguck", "healthcheck"}, Interval: 10 * time.Second, Timeout: 10 * time.Second,
			StartPeriod: 5 * time.Minute, Retries: 3, // replaying the WAL of a large server takes time
		}
	}
	return c
}

// layer returns the layer with the program, the data folder, which the user owns, and a folder for the configuration.
func layer(name string, program []byte, made time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []struct {
		name string
		mode int64
		id   int
	}{{"data/", 0o750, user}, {"etc/", 0o755, 0}, {"etc/ausguck/", 0o755, 0}, {"tmp/", 0o1777, 0}} {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir.name, Mode: dir.mode, Uid: dir.id, Gid: dir.id, ModTime: made})
		if err != nil {
			return nil, err
		}
	}
	files := []struct {
		name    string
		mode    int64
		content []byte
	}{
		{name, 0o755, program},
		// Gives the number a name in programs that list processes and files.
		{"etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0::/:\n%s:x:%d:%d::/data:\n", name, user, user)},
		{"etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\n%s:x:%d:\n", name, user)},
	}
	for _, f := range files {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: made})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
