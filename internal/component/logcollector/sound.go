package logcollector

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/grafana/loki/v3/clients/pkg/promtail/positions"
	yamlv2 "gopkg.in/yaml.v2"

	"github.com/ausguck/ausguck/internal/setaside"
)

// makeSound sets aside the files in the collector's folder that it cannot read.
func (o Options) makeSound() error {
	return errors.Join(
		o.soundPositions("positions.yaml", "nothing: the ledger contains the same, and the file is only written for Promtail"),
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
	return o.SetAside.Move(setaside.Loss{Part: "logcollector", Path: path, Cause: err, Lost: lost, Remedy: "no action is needed"})
}

// soundLedger sets aside a ledger that cannot be read at all. A readable ledger detects itself what is missing in it.
func (o Options) soundLedger() error {
	path := filepath.Join(o.Dir, ledgerFile)
	err := setaside.Readable(path)
	if err == nil {
		return nil
	}
	return o.SetAside.Move(o.ledgerLoss(path, err))
}

// tellOfLedger reports a ledger in which something is missing. After a power cut, there is nothing to repair.
func (o Options) tellOfLedger(l *ledger) {
	if l.damage == afterPowerCut {
		o.Logger.Warn("The last records of the ledger may be missing; lines are searched in Loki before they are stored", "path", l.path, "reason", l.damage)
		return
	}
	o.SetAside.Say(o.ledgerLoss(l.path, errors.New(l.damage)))
}

func (o Options) ledgerLoss(path string, cause error) setaside.Loss {
	return setaside.Loss{
		Part: "logcollector", Path: path, Cause: cause,
		Lost:   "the read positions of some files and containers; lines are looked up in the store before they are stored again, see docs/logs.md",
		Remedy: "no action is needed; check the disk",
	}
}
