package cadvisor

import (
	"path"
	"regexp"
)

// containerCgroup matches the last element of a container's cgroup, for both versions and both drivers: <id>
// (cgroupfs), docker-<id>.scope (systemd), libpod-<id>.scope (podman behind DOCKER_HOST) and similar names.
var containerCgroup = regexp.MustCompile(`^(?:(docker|libpod|cri-containerd|crio)-)?([0-9a-f]{64})(?:\.scope)?$`)

// containerID extracts the container ID from the name of a cgroup such as /docker/<id> or
// /system.slice/docker-<id>.scope. docker is true if the name itself identifies a Docker container; with a
// custom cgroup parent it does not. The ID is empty for every other cgroup.
func containerID(cgroup string) (id string, docker bool) {
	m := containerCgroup.FindStringSubmatch(path.Base(cgroup))
	if m == nil {
		return "", false
	}
	return m[2], m[1] == "docker" || (m[1] == "" && path.Base(path.Dir(cgroup)) == "docker")
}
