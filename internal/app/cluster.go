package app

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/component/loki"
)

// clusterView is what Status shows of other hosts; nothing for what is not configured.
type clusterView struct {
	Alertmanager *alertmanagerCluster `json:"alertmanager,omitempty"`
	// Loki are the members of Loki's ring.
	Loki []loki.RingMember `json:"loki,omitempty"`
	// RemoteWrite are the queues of remote_write.
	RemoteWrite []queueView `json:"remoteWrite,omitempty"`
}

// alertmanagerCluster is the cluster of Alertmanagers, as this one sees it.
type alertmanagerCluster struct {
	// State is "settling" or "ready".
	State   string                `json:"state"`
	Members []alertmanager.Member `json:"members"`
	// Missing counts the peers that are not reached, including those that are configured by name.
	Missing int `json:"missing"`
	// Problems are what is wrong between members that are reached.
	Problems []string `json:"problems,omitempty"`
}

// queueView is a queue of remote_write.
type queueView struct {
	Name string `json:"name"`
	// Host is the host and port of the URL, which may contain a token.
	Host string `json:"host"`
	// Lag is the age of the newest sample that was sent, in seconds, compared with the newest sample of all; -1 if none was sent yet.
	Lag     float64 `json:"lag"`
	Pending float64 `json:"pending"`
	// Failed counts the samples that the receiver rejected or that could not be sent since the start; they are lost.
	Failed float64 `json:"failed"`
	// Retried counts the samples that were sent again since the start, because the receiver did not respond.
	Retried float64 `json:"retried"`
}

func (a *App) clusterView(ctx context.Context, families []*dto.MetricFamily) (view clusterView) {
	if p := &a.options.Alertmanager; p.on() {
		if state, members, problems := p.server.Cluster(); state != "" {
			listed := 0
			for _, m := range members {
				if !m.Reached {
					listed++
				}
			}
			missing := max(listed, int(gaugesOf(families)["alertmanager_cluster_failed_peers"]))
			view.Alertmanager = &alertmanagerCluster{State: state, Members: members, Missing: missing, Problems: problems}
		}
	}
	if p := &a.options.Loki; p.on() {
		var err error
		if view.Loki, err = p.server.Ring(ctx); err != nil {
			a.options.Logger.Warn("The status page lacks the members of Loki's ring", "err", err)
		}
	}
	view.RemoteWrite = queues(families)
	return view
}

// queues reads the state of the queues of remote_write from Prometheus's metrics.
func queues(families []*dto.MetricFamily) []queueView {
	type key struct{ name, url string }
	values := map[key]map[string]float64{}
	const prefix = "prometheus_remote_storage_"
	read := []string{
		prefix + "queue_highest_timestamp_seconds", prefix + "queue_highest_sent_timestamp_seconds", prefix + "samples_pending",
		prefix + "samples_failed_total", prefix + "histograms_failed_total", prefix + "samples_retried_total", prefix + "histograms_retried_total",
	}
	for _, f := range families {
		if !slices.Contains(read, f.GetName()) {
			continue
		}
		for _, m := range f.GetMetric() {
			var k key
			for _, l := range m.GetLabel() {
				switch l.GetName() {
				case "remote_name":
					k.name = l.GetValue()
				case "url":
					k.url = l.GetValue()
				}
			}
			if values[k] == nil {
				values[k] = map[string]float64{}
			}
			values[k][f.GetName()[len(prefix):]] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	var views []queueView
	for k, v := range values {
		view := queueView{
			Name: k.name, Lag: -1, Pending: v["samples_pending"],
			Failed:  v["samples_failed_total"] + v["histograms_failed_total"],
			Retried: v["samples_retried_total"] + v["histograms_retried_total"],
		}
		if u, err := url.Parse(k.url); err == nil {
			view.Host = u.Host
		}
		if sent := v["queue_highest_sent_timestamp_seconds"]; sent > 0 {
			view.Lag = max(0, v["queue_highest_timestamp_seconds"]-sent)
		}
		views = append(views, view)
	}
	slices.SortFunc(views, func(a, b queueView) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name)) })
	return views
}
