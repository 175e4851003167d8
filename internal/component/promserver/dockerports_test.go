package promserver

import (
	"context"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/stretchr/testify/require"
)

// finder discovers a group once.
type finder struct{ group *targetgroup.Group }

func (f finder) Run(ctx context.Context, up chan<- []*targetgroup.Group) {
	up <- []*targetgroup.Group{f.group, nil}
	<-ctx.Done()
}

func TestLowestPorts(t *testing.T) {
	target := func(id, port string) model.LabelSet {
		t := model.LabelSet{dockerContainerID: model.LabelValue(id)}
		if port != "" {
			t[dockerPort] = model.LabelValue(port)
		}
		return t
	}
	group := &targetgroup.Group{Targets: []model.LabelSet{
		target("a", "9443"), target("a", "8080"), target("a", "15692"), target("b", "90"), target("c", ""), target("d", "what"),
	}}
	ctx, cancel := context.WithCancel(t.Context())
	up := make(chan []*targetgroup.Group)
	done := make(chan struct{})
	go func() {
		defer close(done)
		lowestPortsDiscoverer{finder{group}}.Run(ctx, up)
	}()
	var lowest []string
	for _, target := range (<-up)[0].Targets {
		lowest = append(lowest, string(target[lowestDockerPort]))
	}
	cancel()
	<-done
	require.Equal(t, []string{"8080", "8080", "8080", "90", "", ""}, lowest)
}

// Only Docker's configurations are wrapped, and wrapping the same one twice gives equal results: the discovery manager
// compares them.
func TestOnlyDockerHasLowestPorts(t *testing.T) {
	static := discovery.StaticConfig{}
	docker := func() discovery.Config { c := moby.DefaultDockerSDConfig; return &c }
	one := withLowestPorts(discovery.Configs{static, docker()})
	require.Equal(t, static, one[0])
	require.IsType(t, lowestPorts{}, one[1])
	require.Equal(t, "docker", one[1].Name())
	require.Equal(t, one, withLowestPorts(discovery.Configs{static, docker()}))
}
