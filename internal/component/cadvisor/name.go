package cadvisor

import (
	"path"
	"regexp"
)

// containerCgroup matches the last element of a container's cgroup, of both versions and both drivers:
// <id> (cgroupfs), docker-<id>.scope (systemd), libpod-<id>.scope (podman behind DOCKER_HOST) and their like.
var containerCgroup = regexp.MustCompile(`^(?:(docker|libpod|cri-containerd|crio)-)?([0-9a-f]{64})(?:\.scope)?$`)

// containerID takes the container's id from a cgroup's name such as /docker/<id> or
// /system.slice/docker-<id>.scope. docker is true when the name itself says that the container is Docker's;
// with a custom cgroup parent it does not. The id is empty for every other cgroup.
func containerID(cgroup string) (id string, docker bool) {
	m := containerCgroup.FindStringSubmatch(path.Base(cgroup))
	if m == nil {
		return "", false
	}
	return m[2], m[1] == "docker" || (m[1] == "" && path.Base(path.Dir(cgroup)) == "docker")
}
