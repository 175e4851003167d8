package app

import (
	"github.com/alecthomas/units"

	"github.com/ausguck/ausguck/internal/diskspace"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// StoragePart watches the disk that all data are on.
type StoragePart struct {
	noPart
	disk *diskspace.Watch
}

func (p *StoragePart) name() string                   { return "storage" }
func (p *StoragePart) component() lifecycle.Component { return p.disk }

func (p *StoragePart) wire(a *App) error {
	p.disk = diskspace.New(a.options.Prometheus.Dir, a.options.Logger.With("part", "storage"), a.registry)
	return nil
}

func (p *StoragePart) says() string {
	if err := p.disk.Full(); err != nil {
		return err.Error()
	}
	if _, _, scarce := p.disk.Space(); scarce {
		return "the disk is nearly full: soon nothing new can be stored"
	}
	return ""
}

// humanBytes writes a size with one binary unit, such as 51.2GiB.
func humanBytes(n uint64) string { return units.Base2Bytes(n).Round(1).String() }
