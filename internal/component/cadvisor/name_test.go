package cadvisor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContainerID(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for cgroup, want := range map[string]struct {
		id     string
		docker bool
	}{
		// both cgroup versions use the same names
		"/docker/" + id:                         {id, true},
		"/system.slice/docker-" + id + ".scope": {id, true},
		"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + id + ".scope": {id, true},
		"/my.slice/docker-" + id + ".scope":                                                {id, true},
		"/custom/parent/" + id:                                                             {id, false},
		"/" + id:                                                                           {id, false},
		"/docker/" + id + "/docker/" + id:                                                  {id, true},
		"/machine.slice/libpod-" + id + ".scope":                                           {id, false},
		"/libpod_parent/libpod-" + id:                                                      {id, false},
		"/kubepods/besteffort/pod1/" + id:                                                  {id, false},
		"/kubepods.slice/cri-containerd-" + id + ".scope":                                  {id, false},
		"/machine.slice/crio-" + id + ".scope":                                             {id, false},

		"/":                              {},
		"/docker":                        {},
		"/system.slice":                  {},
		"/docker/" + id + "/init":        {},
		"/docker/buildx":                 {},
		"/docker/" + id[:63]:             {},
		"/docker/" + id + "0":            {},
		"/docker/" + strings.ToUpper(id): {},
		"/machine.slice/libpod-conmon-" + id + ".scope":          {},
		"/system.slice/docker-" + id + ".mount":                  {},
		"/system.slice/var-lib-docker-overlay2-" + id + ".mount": {},
	} {
		gotID, gotDocker := containerID(cgroup)
		require.Equal(t, want.id, gotID, cgroup)
		require.Equal(t, want.docker, gotDocker, cgroup)
	}
}
