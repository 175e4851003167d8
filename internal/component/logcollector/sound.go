package logcollector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/grafana/loki/v3/clients/pkg/promtail/positions"
	yamlv2 "gopkg.in/yaml.v2"

	"github.com/ausguck/ausguck/internal/setaside"
)

// makeSound sets aside what the collector cannot read of its own folder, and tells of a ledger that is damaged or gone.
func (o Options) makeSound() error {
	return errors.Join(
		o.soundPositions("positions.yaml", "nothing: the ledger has the same, and the file is written for a Promtail"),
		o.soundPositions("positions-of-targets.yaml", "how far the journal, Kafka and the like were read: some lines may come twice, or be missing"),
		o.soundLedger(),
	)
}

func (o Options) soundPositions(name, lost string) error {
	path := filepath.Join(o.Dir, name)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = yamlv2.UnmarshalStrict(content, &positions.File{})
	}
	if err == nil {
		return nil
	}
	return o.SetAside.Move(setaside.Loss{Part: "logcollector", Path: path, Cause: err, Lost: lost, Remedy: "nothing needs to be done"})
}

func (o Options) soundLedger() error {
	path := filepath.Join(o.Dir, "ledger.jsonl")
	loss := setaside.Loss{
		Part: "logcollector", Path: path, Lost: "how far files and containers were read: lines of the last minutes may be there twice, or be missing",
		Remedy: "nothing needs to be done; look at the disk",
	}
	content, err := os.ReadFile(path)
	gone := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !gone:
		loss.Cause = err
		return o.SetAside.Move(loss)
	case len(content) == 0:
		if !setaside.Marked(path) {
			return nil
		}
		loss.Cause = errors.New("the file is empty")
		if gone {
			loss.Cause = errors.New("the file is gone")
		}
		o.SetAside.Say(loss)
		return setaside.Mark(path, false)
	}
	lines := bytes.Split(content, []byte("\n"))
	for i, line := range lines {
		torn := i == len(lines)-1 && !bytes.HasPrefix(line, []byte(`{"all"`)) // by a crash; a line of all positions was written whole
		if !torn && !json.Valid(line) {
			loss.Cause = fmt.Errorf("line %d cannot be read", i+1)
			o.SetAside.Say(loss)
			break
		}
	}
	return setaside.Mark(path, true)
}
