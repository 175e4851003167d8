package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/logcollector"
	"github.com/ausguck/ausguck/internal/dockerhost"
)

// Nothing reported whether the log lines of a container are collected: a container with the log driver none looked like a silent
// one.
func TestContainersSayWhetherTheirLogsAreCollected(t *testing.T) {
	containers := []dockerhost.Container{{ID: "1", Name: "read"}, {ID: "2", Name: "mute"}, {ID: "3", Name: "new"}}
	views := containerFacts{containers: containers}.explain()
	logsOf(views, containers, map[string]logcollector.ContainerLogs{
		"1": {Collected: true}, "2": {Reason: "its driver is none", Remedy: "choose another"},
	}, logcollector.ContainerLogs{Reason: "it has just started"})
	got := map[string]containerLogsView{}
	for _, v := range views {
		got[v.Name] = v.Logs
	}
	require.Equal(t, map[string]containerLogsView{
		"read": {Collected: true}, "mute": {Reason: "its driver is none", Remedy: "choose another"}, "new": {Reason: "it has just started"},
	}, got)
}
