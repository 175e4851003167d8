package app

import (
	"fmt"
	"strings"

	"github.com/alecthomas/units"

	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/setaside"
)

// StoragePart monitors the disk that holds all data.
type StoragePart struct {
	noPart
	disk     *datadir.Watch
	setAside *setaside.Shelf
}

func (p *StoragePart) name() string                   { return "storage" }
func (p *StoragePart) component() lifecycle.Component { return p.disk }

func (p *StoragePart) wire(a *App) error {
	p.setAside = a.setAside
	p.disk = datadir.NewWatch(a.options.Prometheus.Dir, a.options.Logger.With("part", "storage"), a.registry)
	return nil
}

func (p *StoragePart) says() (string, bool) {
	var lines []string
	if err := p.disk.Full(); err != nil {
		lines = append(lines, err.Error())
	} else if _, _, scarce := p.disk.Space(); scarce {
		lines = append(lines, "the disk is nearly full: new data will soon no longer be stored")
	}
	for _, n := range p.setAside.Notices() {
		lines = append(lines, fmt.Sprintf("%s: %s; lost: %s; %s", n.Path, n.Cause, n.Lost, n.Remedy))
	}
	return strings.Join(lines, "; "), len(lines) > 0
}

// humanBytes formats a size with one binary unit, such as 51.2GiB.
func humanBytes(n uint64) string { return units.Base2Bytes(n).Round(1).String() }
