package loki

import (
	"github.com/grafana/dskit/modules"
	"github.com/grafana/dskit/services"
	"github.com/grafana/loki/v3/pkg/loki"
)

// queryEverything has queries ask the ingester for lines of any age, and the store itself. In a process that runs all modules
// Loki asks the ingester for the last two and a half hours only, whatever query_ingesters_within says, and the store for
// what is older: lines that are older than that when they come are then found when their chunk is on the disk, hours later.
// What a file says about it stays, and a cluster's ingesters are asked as upstream.
func (e *engine) queryEverything() error {
	const name = "query-everything"
	said := e.cfg.Ingester.QueryStoreMaxLookBackPeriod != 0
	mm := e.loki.ModuleManager
	mm.RegisterModule(name, func() (services.Service, error) {
		if !said && !e.cfg.cluster {
			e.loki.Cfg.Ingester.QueryStore, e.loki.Cfg.Ingester.QueryStoreMaxLookBackPeriod = false, 0
		}
		return nil, nil
	}, modules.UserInvisibleModule)
	if err := mm.AddDependency(name, loki.Store); err != nil {
		return err
	}
	for _, module := range []string{loki.Ingester, loki.Querier, loki.Ruler} {
		if err := mm.AddDependency(module, name); err != nil {
			return err
		}
	}
	return nil
}
