package alertmanager

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/setaside"
)

// stored is one of Alertmanager's files, and what is lost if it cannot be read.
type stored struct {
	path         string
	lost, remedy string
	read         func(io.Reader) error
}

func (o Options) stored() (sent, silences stored) {
	const backup = ", or stop Ausguck and put the file of a backup in its place"
	sent = stored{
		path: filepath.Join(o.Dir, "nflog"), lost: "which notifications were sent",
		remedy: "expect notifications of alerts that still fire to come once more; no action is needed",
		read: func(r io.Reader) error {
			_, err := nflog.New(nflog.Options{SnapshotReader: r, Retention: o.Retention, Metrics: prometheus.NewRegistry()})
			return err
		},
	}
	silences = stored{
		path: filepath.Join(o.Dir, "silences"), lost: "all silences",
		remedy: "make the silences that are still needed again" + backup,
		read: func(r io.Reader) error {
			_, err := silence.New(silence.Options{SnapshotReader: r, Retention: o.Retention, Metrics: prometheus.NewRegistry(), EventRecorder: noEvents})
			return err
		},
	}
	return sent, silences
}

// check reads the file as upstream will. It sets the file aside if it cannot be read, and reports it if it is
// empty or gone.
func (s stored) check(shelf *setaside.Shelf) error {
	loss := setaside.Loss{Part: "alertmanager", Path: s.path, Lost: s.lost, Remedy: s.remedy}
	loss.Cause = setaside.Readable(s.path)
	var content []byte
	if loss.Cause == nil {
		content, loss.Cause = os.ReadFile(s.path)
	}
	if len(content) > 0 {
		loss.Cause = setaside.Try(func() error { return s.read(bytes.NewReader(content)) })
	}
	gone := errors.Is(loss.Cause, fs.ErrNotExist)
	switch {
	case loss.Cause != nil && !gone:
		if err := shelf.Move(loss); err != nil {
			return err
		}
	case len(content) > 0:
		return nil
	case setaside.Marked(s.path): // upstream treats an empty file as a first start
		loss.Cause = errors.New("the file is empty, although data was written to it")
		if gone {
			loss.Cause = errors.New("the file is missing")
		}
		shelf.Say(loss)
	}
	return setaside.Mark(s.path, false) // reported once
}
