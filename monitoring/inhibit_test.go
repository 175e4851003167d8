package monitoring_test

import (
	"path/filepath"
	"slices"
	"testing"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// holdsBack reports whether a rule of the built-in alertmanager.yml inhibits one alert while the other fires.
func holdsBack(rules []common.InhibitRule, firing, held model.LabelSet) bool {
	return slices.ContainsFunc(rules, func(r common.InhibitRule) bool {
		same := !slices.ContainsFunc(r.Equal, func(name string) bool {
			return firing[model.LabelName(name)] != held[model.LabelName(name)]
		})
		return same && labels.Matchers(r.SourceMatchers).Matches(firing) && labels.Matchers(r.TargetMatchers).Matches(held)
	})
}

func TestInhibition(t *testing.T) {
	cfg, err := amconfig.LoadFile(filepath.Join(write(t), "alertmanager.yml"))
	require.NoError(t, err)
	set := func(name, severity string, more ...string) model.LabelSet {
		s := model.LabelSet{"alertname": model.LabelValue(name), "severity": model.LabelValue(severity)}
		for i := 0; i < len(more); i += 2 {
			s[model.LabelName(more[i])] = model.LabelValue(more[i+1])
		}
		return s
	}
	const project, service = "container_label_com_docker_compose_project", "container_label_com_docker_compose_service"
	for name, tt := range map[string]struct {
		firing, held model.LabelSet
		want         bool
	}{
		"worse":                 {set("HostDiskFull", "critical", "instance", "a", "mountpoint", "/"), set("HostDiskFull", "warning", "instance", "a", "mountpoint", "/"), true},
		"another disk":          {set("HostDiskFull", "critical", "instance", "a", "mountpoint", "/"), set("HostDiskFull", "warning", "instance", "a", "mountpoint", "/data"), false},
		"another host":          {set("HostDiskFull", "critical", "instance", "a", "mountpoint", "/"), set("HostDiskFull", "warning", "instance", "b", "mountpoint", "/"), false},
		"full":                  {set("HostDiskFull", "warning", "instance", "a", "mountpoint", "/"), set("HostDiskFillsUp", "critical", "instance", "a", "mountpoint", "/"), true},
		"job is down":           {set("TargetDown", "critical", "job", "shop", "instance", "a"), set("ServiceErrors", "critical", "job", "shop"), true},
		"another job is down":   {set("TargetDown", "critical", "job", "bank", "instance", "a"), set("ServiceErrors", "critical", "job", "shop"), false},
		"one of two is down":    {set("TargetDown", "warning", "job", "shop", "instance", "a"), set("ServiceErrors", "critical", "job", "shop"), false},
		"down and flapping":     {set("TargetDown", "warning", "job", "shop", "instance", "a"), set("TargetFlapping", "warning", "job", "shop", "instance", "a"), true},
		"service is missing":    {set("ContainerMissing", "critical", project, "p", service, "s"), set("ContainerDown", "warning", "name", "p-s-1", project, "p", service, "s"), true},
		"another container":     {set("ContainerMissing", "critical", project, "p", service, "s"), set("ContainerDown", "warning", "name", "x"), false},
		"crash loop":            {set("ContainerCrashLooping", "critical", "job", "prometheus", "name", "x"), set("ContainerRestarting", "warning", "job", "cadvisor", "name", "x"), true},
		"crash loop of another": {set("ContainerCrashLooping", "critical", "name", "y"), set("ContainerRestarting", "warning", "name", "x"), false},
		"model fails":           {set("LanguageModelFails", "critical", "job", "llm-patch"), set("JobsFail", "warning", "job", "orchestrator"), true},
		"no server left":        {set("TraefikServerDown", "critical", "job", "traefik", "service", "shop"), set("TraefikServerDown", "warning", "job", "traefik", "service", "shop", "url", "u"), true},
		"no server, so errors":  {set("TraefikServerDown", "critical", "job", "traefik", "service", "shop"), set("TraefikServiceErrors", "critical", "job", "traefik", "service", "shop"), true},
		"one server of two":     {set("TraefikServerDown", "warning", "job", "traefik", "service", "shop", "url", "u"), set("TraefikServiceErrors", "critical", "job", "traefik", "service", "shop"), false},
		"another service":       {set("TraefikServiceErrors", "critical", "job", "traefik", "service", "shop"), set("TraefikServiceErrors", "warning", "job", "traefik", "service", "bank"), false},
		"certificate":           {set("TraefikCertificateExpires", "warning", "job", "traefik", "cn", "a"), set("TraefikCertificateExpires", "info", "job", "traefik", "cn", "a"), true},
		"another certificate":   {set("TraefikCertificateExpires", "critical", "job", "traefik", "sans", "a"), set("TraefikCertificateExpires", "info", "job", "traefik", "sans", "b"), false},
		"Traefik is down":       {set("TargetDown", "critical", "job", "traefik", "instance", "a"), set("TraefikServiceErrors", "critical", "job", "traefik", "service", "shop"), true},
		"heartbeat":             {set("TargetDown", "critical", "job", "shop"), set("Watchdog", "none"), false},
	} {
		require.Equal(t, tt.want, holdsBack(cfg.InhibitRules, tt.firing, tt.held), name)
	}

	// Alert names in matchers must be names of rules.
	rules := append(alertRules(t), logRules(t)...)
	for _, r := range cfg.InhibitRules {
		for _, m := range slices.Concat(r.SourceMatchers, r.TargetMatchers) {
			if m.Name == "alertname" {
				require.True(t, slices.ContainsFunc(rules, func(r alertRule) bool { return m.Matches(r.Alert) }), "no rule matches %s", m)
			}
		}
	}
}
