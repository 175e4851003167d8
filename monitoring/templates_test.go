package monitoring_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/stretchr/testify/require"
)

func message(t *testing.T, group template.KV, alerts ...template.Alert) (title, text, email string) {
	t.Helper()
	tmpl, err := template.FromGlobs([]string{"templates/*.tmpl"})
	require.NoError(t, err)
	tmpl.ExternalURL = &url.URL{Scheme: "http", Host: "ausguck"}
	common := template.KV{}
	for k, v := range alerts[0].Labels {
		common[k] = v
		for _, a := range alerts {
			if a.Labels[k] != v {
				delete(common, k)
			}
		}
	}
	data := &template.Data{Status: "firing", Receiver: "team", Alerts: alerts, GroupLabels: group, CommonLabels: common, ExternalURL: "http://ausguck"}
	for name, to := range map[string]*string{"ausguck.slack.title": &title, "ausguck.slack.text": &text, "ausguck.email.text": &email} {
		*to, err = tmpl.ExecuteTextString(`{{ template "`+name+`" . }}`, data)
		require.NoError(t, err)
	}
	plain, err := tmpl.ExecuteTextString(`{{ template "ausguck.title" . }}`, data)
	require.NoError(t, err)
	require.Equal(t, title, plain)
	return title, text, email
}

func firing(labels, annotations template.KV, graph string) template.Alert {
	return template.Alert{Status: "firing", Labels: labels, Annotations: annotations, GeneratorURL: graph, StartsAt: time.UnixMilli(1_800_000_000_000)}
}

// An alert from another program may have no URL and no annotations: missing parts are omitted.
func TestTextsOfBareAlerts(t *testing.T) {
	group := template.KV{"alertname": "Backup"}
	title, text, email := message(t, group, firing(template.KV{"alertname": "Backup"}, nil, ""))
	require.Equal(t, "[1 firing] Backup", title)
	require.Equal(t, ":red_circle: *Backup*\n<http://ausguck/alerts/silences/new?filter=%7Balertname%3D%22Backup%22%7D|Silence>", text)
	require.Equal(t, "FIRING: Backup\n\nSilence: http://ausguck/alerts/silences/new?filter=%7Balertname%3D%22Backup%22%7D", email)
}

func TestTextsOfWholeAlerts(t *testing.T) {
	group := template.KV{"alertname": "ContainerDown", "instance": "cadvisor:8080"}
	about := template.KV{"summary": "Container shop is gone", "description": "For two minutes.", "dashboard": "http://ausguck/d/c", "runbook_url": "http://ausguck/r"}
	shop := firing(template.KV{"alertname": "ContainerDown", "instance": "cadvisor:8080", "name": "shop"}, about, "http://ausguck/graph")
	title, text, email := message(t, group, shop)
	require.Equal(t, "[1 firing] ContainerDown: shop on cadvisor:8080", title)
	require.Contains(t, text, ":red_circle: *Container shop is gone*\nFor two minutes.\n<http://ausguck/graph|Graph> · <http://ausguck/d/c?from=1799998200000&amp;to=now|Dashboard> · <http://ausguck/r|Runbook>\n<")
	require.Contains(t, email, "FIRING: Container shop is gone\nFor two minutes.\n  Graph: http://ausguck/graph\n  Dashboard: http://ausguck/d/c?from=1799998200000&to=now\n  Runbook: http://ausguck/r\n\nSilence: ")

	title, _, _ = message(t, group, shop, firing(template.KV{"alertname": "ContainerDown", "instance": "cadvisor:8080", "name": "cart"}, about, ""))
	require.Equal(t, "[2 firing] ContainerDown on cadvisor:8080", title, "two containers")
	missing := template.KV{"alertname": "ContainerMissing", "container_label_com_docker_compose_service": "cart"}
	title, _, _ = message(t, template.KV{"alertname": "ContainerMissing"}, firing(missing, nil, ""))
	require.Equal(t, "[1 firing] ContainerMissing: cart", title)
}
