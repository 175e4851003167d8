package logcollector

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/stretchr/testify/require"
)

// labelled are containers as listed by an engine, by what each tests.
var labelled = map[string]string{
	"ports": `{"Id":"box","Names":["/shop"],"Labels":{"com.docker.compose.service":"shop","a/b-c.d":"x"},"HostConfig":{"NetworkMode":"front"},
		"Ports":[{"PrivatePort":9090,"Type":"tcp"},{"IP":"0.0.0.0","PrivatePort":8080,"PublicPort":18080,"Type":"tcp"},{"PrivatePort":53,"Type":"udp"}],
		"NetworkSettings":{"Networks":{"front":{"NetworkID":"n1","IPAddress":"172.18.0.5"},"zback":{"NetworkID":"n2","IPAddress":"172.19.0.5"}}}}`,
	"no port":         `{"Id":"box","Names":["/shop"],"HostConfig":{"NetworkMode":"front"},"NetworkSettings":{"Networks":{"front":{"NetworkID":"n1","IPAddress":"172.18.0.5"}}}}`,
	"the host's":      `{"Id":"box","Names":["/shop"],"HostConfig":{"NetworkMode":"host"},"NetworkSettings":{"Networks":{"host":{"NetworkID":"n3","IPAddress":""}}}}`,
	"another's":       `{"Id":"box","Names":["/shop"],"HostConfig":{"NetworkMode":"container:side"},"Ports":[],"NetworkSettings":{"Networks":{}}}`,
	"an unknown one":  `{"Id":"box","Names":["/shop"],"HostConfig":{"NetworkMode":"lost"},"NetworkSettings":{"Networks":{"lost":{"NetworkID":"n9","IPAddress":"10.0.0.9"}}}}`,
	"an IPv6 address": `{"Id":"box","Names":["/shop"],"HostConfig":{"NetworkMode":"front"},"Ports":[{"IP":"::","PrivatePort":80,"PublicPort":80,"Type":"tcp"}],"NetworkSettings":{"Networks":{"front":{"NetworkID":"n1","IPAddress":"fd00::5"}}}}`,
}

const (
	sideContainer = `{"Id":"side","Names":["/side"],"HostConfig":{"NetworkMode":"front"},"NetworkSettings":{"Networks":{"front":{"NetworkID":"n1","IPAddress":"172.18.0.7"}}}}`
	networksList  = `[{"Id":"n1","Name":"front","Scope":"local","Internal":false,"Ingress":false,"Labels":{"team.name":"x"}},{"Id":"n2","Name":"zback","Scope":"local","Internal":true},{"Id":"n3","Name":"host","Scope":"local"}]`
)

// Before relabeling, lines have the labels that Prometheus's discovery gives the container's target, with the same
// values.
func TestLabelsAreThoseOfDiscovery(t *testing.T) {
	for name, box := range labelled {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Api-Version", "1.47")
				switch path := r.URL.Path; {
				case strings.HasSuffix(path, "/networks"):
					_, _ = fmt.Fprint(w, networksList)
				case strings.HasSuffix(path, "/containers/json"):
					_, _ = fmt.Fprintf(w, "[%s,%s]", box, sideContainer)
				case strings.HasSuffix(path, "/containers/box/json"):
					_, _ = fmt.Fprint(w, `{"Id":"box","Name":"/shop","Config":{},"HostConfig":{},"State":{"Running":true}}`)
				}
			}))
			defer server.Close()
			sd := moby.DefaultDockerSDConfig
			sd.Host = "tcp://" + server.Listener.Addr().String()
			theirs := discoveredTargets(t, &sd)
			require.NotEmpty(t, theirs)

			cli, err := client.New(client.WithHost(sd.Host), client.WithAPIVersion("1.47"))
			require.NoError(t, err)
			defer cli.Close()
			inspected, err := cli.ContainerInspect(t.Context(), "box", client.ContainerInspectOptions{})
			require.NoError(t, err)
			c := &containers{sd: &sd, job: &job{name: "test"}}
			ours, err := c.labels(t.Context(), cli, inspected.Container)
			require.NoError(t, err)
			require.True(t, slices.ContainsFunc(theirs, func(t model.LabelSet) bool { return t.Equal(ours) }), "%v\nis none of\n%v", ours, theirs)
		})
	}
}

// discoveredTargets returns the targets that Prometheus finds for the container with the ID box.
func discoveredTargets(t *testing.T, sd *moby.DockerSDConfig) (targets []model.LabelSet) {
	t.Helper()
	reg := prometheus.NewRegistry()
	metrics := sd.NewDiscovererMetrics(reg, discovery.NewRefreshMetrics(reg))
	d, err := sd.NewDiscoverer(discovery.DiscovererOptions{Logger: slog.New(slog.DiscardHandler), Metrics: metrics, SetName: "test"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	found := make(chan []*targetgroup.Group)
	go d.Run(ctx, found)
	for _, group := range <-found {
		for _, target := range group.Targets {
			if target["__meta_docker_container_id"] == "box" {
				targets = append(targets, maps.Clone(target))
			}
		}
	}
	return targets
}
