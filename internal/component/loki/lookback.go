package loki

import (
	"github.com/grafana/dskit/modules"
	"github.com/grafana/dskit/services"
	"github.com/grafana/loki/v3/pkg/loki"
)

// queryEverything makes queries read lines of any age from the ingester, and read the store directly. In a process that
// runs all modules, Loki reads only the last two and a half hours from the ingester, whatever query_ingesters_within
// says, and older lines from the store: lines older than that on arrival are then found only when their chunk is on
// disk, hours later. A setting in the file takes precedence, and a cluster's ingesters are queried as in upstream.
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
