package cadvisor

import (
	"log/slog"

	"github.com/google/cadvisor/lib/manager"
	info "github.com/google/cadvisor/lib/model"
)

// provider supplies upstream's collectors with data. It differs from the manager in two ways: the children of every
// cgroup are not listed for each scrape, since no series depends on them, and one unreadable container does not
// remove the series of the others.
type provider struct {
	manager.Manager
	logger *slog.Logger
}

// GetRequestedContainersInfo overrides the manager's method.
func (p provider) GetRequestedContainersInfo(name string, o info.RequestOptions) (map[string]*info.ContainerInfo, error) {
	read, err := p.GetContainerInfoV2(name, o)
	if err != nil && len(read) == 0 {
		return nil, err
	}
	if err != nil { // some started or ended meanwhile
		p.logger.Debug("Some containers could not be read", "err", err)
	}
	infos := make(map[string]*info.ContainerInfo, len(read))
	for name, c := range read {
		if c.Name != "" {
			infos[name] = &c
		}
	}
	return infos, nil
}
