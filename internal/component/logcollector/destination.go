package logcollector

import (
	"context"
	"slices"
	"time"

	"github.com/grafana/dskit/user"
	"github.com/grafana/loki/v3/clients/pkg/promtail/client"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/common/model"
)

// DefaultTenant owns everything for which no tenant is named. Loki stores everything under it while auth_enabled is
// false.
const DefaultTenant = "fake"

// destination is a client in promtail.yml that is the store of this process. Each receives all lines, with its labels.
type destination struct {
	external model.LabelSet
	tenant   string
}

// destinations returns the distinct destinations among clients, and one without labels if there are none.
func destinations(clients []client.Config) (all []destination) {
	for i := range clients {
		d := destination{clients[i].ExternalLabels.LabelSet, tenantOf(&clients[i])}
		if !slices.ContainsFunc(all, func(o destination) bool { return o.tenant == d.tenant && o.external.Equal(d.external) }) {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		all = []destination{{tenant: DefaultTenant}}
	}
	return all
}

func tenantOf(c *client.Config) string {
	if c.TenantID == "" {
		return DefaultTenant
	}
	return c.TenantID
}

// Tenant returns the tenant of the lines that the first client among own addresses receives, and whether the file names
// a tenant for each client and so for each line.
func (c *Config) Tenant(own []string) (tenant string, named bool) {
	_, selves := c.remotes(own)
	named = len(selves) > 0 && !slices.ContainsFunc(selves, func(c client.Config) bool { return c.TenantID == "" })
	return destinations(selves)[0].tenant, named
}

// share is the part of a batch for one tenant of one destination.
type share struct {
	external model.LabelSet
	tenant   string
	entries  []entry
}

// shares divides entries by destination, and by tenant if a tenant stage has set one.
func (s *sender) shares(entries []entry) []share {
	named := slices.ContainsFunc(entries, func(e entry) bool { return e.labels[client.ReservedLabelTenantID] != "" })
	var all []share
	for _, d := range s.destinations {
		if !named {
			all = append(all, share{d.external, d.tenant, entries})
			continue
		}
		index := map[string]int{}
		for _, e := range entries {
			tenant := d.tenant
			if name := e.labels[client.ReservedLabelTenantID]; name != "" {
				tenant = string(name)
			}
			i, ok := index[tenant]
			if !ok {
				i = len(all)
				index[tenant] = i
				all = append(all, share{external: d.external, tenant: tenant})
			}
			all[i].entries = append(all[i].entries, e)
		}
	}
	return all
}

// toward returns the sender with the labels of a destination.
func (s *sender) toward(external model.LabelSet) *sender {
	one := *s
	one.external = external
	return &one
}

// tenantStore stores requests that name no tenant under the tenant of the first destination.
type tenantStore struct {
	Store
	tenant string
}

func (t tenantStore) of(ctx context.Context) context.Context {
	if _, err := user.ExtractOrgID(ctx); err != nil {
		return user.InjectOrgID(ctx, t.tenant)
	}
	return ctx
}

// Push implements Store.
func (t tenantStore) Push(ctx context.Context, req *logproto.PushRequest) error {
	return t.Store.Push(t.of(ctx), req)
}

// Lines implements Store.
func (t tenantStore) Lines(ctx context.Context, stream string, from, to time.Time, found func(at time.Time, line string)) error {
	return t.Store.Lines(t.of(ctx), stream, from, to, found)
}
