package docker_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/require"
)

// For each container it is reported whether its lines are collected: they are with drivers of which Docker keeps a
// copy; with others, the reason and a remedy are shown.
func TestLogDrivers(t *testing.T) {
	const lines = 50
	syslog, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syslog.Close()) })
	address := "udp://" + syslog.LocalAddr().String()
	drivers := map[string]struct {
		log    container.LogConfig
		reason string // why its lines are not collected, empty if they are
	}{
		"json-file":           {container.LogConfig{Type: "json-file"}, ""},
		"local":               {container.LogConfig{Type: "local"}, ""},
		"syslog":              {container.LogConfig{Type: "syslog", Config: map[string]string{"syslog-address": address}}, ""},
		"syslog-without-copy": {container.LogConfig{Type: "syslog", Config: map[string]string{"syslog-address": address, "cache-disabled": "true"}}, "Its log driver syslog stores no logs that Docker can read."},
		"none":                {container.LogConfig{Type: "none"}, "Its log driver is none, so Docker keeps no logs."},
	}
	a := startAusguck(t, docker, "")
	counts := map[string]int{}
	for name, d := range drivers {
		start(t, docker, service{name: "ausguck-" + name, networkMode: "none", env: []string{fmt.Sprintf("LOG_LINES=%d", lines), "LOG_LASTS=600000"}, log: d.log})
		if d.reason == "" {
			counts["ausguck-"+name] = lines
		}
	}
	checkCounts(t, a, counts)
	within(t, 30*time.Second, "what is said of the logs", func() error {
		body, err := a.get("/api/ausguck/containers")
		if err != nil {
			return err
		}
		var answer struct {
			Containers []struct {
				Name string
				Logs struct {
					Collected      bool
					Reason, Remedy string
				}
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return err
		}
		missing := maps.Clone(drivers)
		for _, c := range answer.Containers {
			for name, d := range drivers {
				if c.Name == "ausguck-"+name && c.Logs.Reason == d.reason && c.Logs.Collected == (d.reason == "") && (c.Logs.Remedy == "") == (d.reason == "") {
					delete(missing, name)
				}
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("of %v something else is said: %s", missing, body)
		}
		return nil
	})
}
