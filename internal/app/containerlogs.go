package app

import (
	"github.com/ausguck/ausguck/internal/component/logcollector"
	"github.com/ausguck/ausguck/internal/dockerhost"
)

// containerLogsView says of a container whether its lines are collected, and if not, why and what changes that.
type containerLogsView struct {
	Collected bool   `json:"collected"`
	Reason    string `json:"reason,omitempty"`
	Remedy    string `json:"remedy,omitempty"`
}

// explainLogs fills in what becomes of the lines of each container.
func (a *App) explainLogs(views []containerView, containers []dockerhost.Container) {
	if a.parts.collector == nil {
		logsOf(views, containers, nil, logcollector.ContainerLogs{
			Reason: "No logs are collected: the log collector is switched off.", Remedy: "Start without --no-log-collector and --no-loki.",
		})
		return
	}
	known, otherwise := a.parts.collector.ContainerLogs()
	logsOf(views, containers, known, otherwise)
}

func logsOf(views []containerView, containers []dockerhost.Container, known map[string]logcollector.ContainerLogs, otherwise logcollector.ContainerLogs) {
	byName := make(map[string]logcollector.ContainerLogs, len(containers))
	for _, c := range containers {
		logs, ok := known[c.ID]
		if !ok {
			logs = otherwise
		}
		byName[c.Name] = logs
	}
	for i := range views {
		views[i].Logs = containerLogsView(byName[views[i].Name])
	}
}
