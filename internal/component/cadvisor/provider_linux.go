package cadvisor

import (
	"log/slog"

	"github.com/google/cadvisor/lib/manager"
	info "github.com/google/cadvisor/lib/model"
)

// provider is where upstream's collectors get their figures. It differs from the manager in two ways: the children of
// every cgroup are not listed for each scrape, since no series tells of them, and one container that cannot be read
// does not take the others' series away.
type provider struct {
	manager.Manager
	logger *slog.Logger
}

// GetRequestedContainersInfo replaces the manager's.
func (p provider) GetRequestedContainersInfo(name string, o info.RequestOptions) (map[string]*info.ContainerInfo, error) {
	read, err := p.GetContainerInfoV2(name, o)
	if err != nil && len(read) == 0 {
		return nil, err
	}
	if err != nil { // some came and went meanwhile
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
