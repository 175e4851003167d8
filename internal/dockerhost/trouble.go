package dockerhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os/user"
	"strings"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"
)

// troubleKind classifies changes of the state: the same kind again is not logged again.
type troubleKind int

const (
	troubleNone troubleKind = iota
	troubleMissing
	troublePermission
	troubleRefused
	troubleSilent
	troubleForbidden
	troubleVersion
	troubleUnreachable
)

const installHint = "install it (Debian, Ubuntu: sudo apt-get install docker.io) or, if it is installed, " +
	"sudo systemctl enable --now docker; to use another engine, set --docker.host or DOCKER_HOST"

// allGrants are the permissions that Ausguck needs from a socket proxy, by their names in tecnativa's proxy and its forks.
const allGrants = "CONTAINERS=1 EVENTS=1 NETWORKS=1 PING=1 VERSION=1"

// firstLine shortens the page that a proxy responds with.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	line, _, _ = strings.Cut(line, "<html")
	return strings.TrimRight(line, " :")
}

// diagnose converts the error of a connection attempt into a status that users can act on.
func (h *Host) diagnose(err error) (troubleKind, Status) {
	unix := h.network == "unix"
	var netErr net.Error
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case unix && errors.Is(err, fs.ErrNotExist), unix && strings.Contains(text, "no such file or directory"):
		return troubleMissing, Status{Reason: "there is no Docker socket at " + h.address, Remedy: h.missingRemedy()}
	case errors.Is(err, fs.ErrPermission), unix && strings.Contains(text, "permission denied"):
		return troublePermission, Status{
			Reason: "no permission to use the Docker socket " + h.address,
			Remedy: h.permissionRemedy(),
		}
	case cerrdefs.IsPermissionDenied(err), cerrdefs.IsUnauthorized(err):
		grant := allGrants
		var refused *forbiddenError
		if errors.As(err, &refused) {
			grant = refused.grant + " (it needs " + allGrants + ")"
		}
		return troubleForbidden, Status{
			Reason: fmt.Sprintf("the socket proxy at %s forbids a request: %s", h.endpoint, firstLine(text)),
			Remedy: "add to the environment of the Docker socket proxy: " + grant,
		}
	case errors.Is(err, errSilent), errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return troubleSilent, Status{
			Reason: fmt.Sprintf("Docker at %s does not respond within %s", h.endpoint, h.timing.call),
			Remedy: "check it with: docker info; restart it with: sudo systemctl restart docker",
		}
	case strings.Contains(text, "minimum supported API version"), strings.Contains(text, "client version"):
		return troubleVersion, Status{
			Reason: fmt.Sprintf("Docker at %s uses an unsupported API version: %v", h.endpoint, err),
			Remedy: "update the Docker engine to 19.03 or newer, and unset DOCKER_API_VERSION",
		}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, io.EOF), strings.Contains(text, "connection refused"):
		return troubleRefused, Status{
			Reason: "nothing listens at " + h.endpoint,
			Remedy: h.refusedRemedy(),
		}
	case unix && strings.Contains(text, "Cannot connect to the Docker daemon"):
		return troubleRefused, Status{Reason: "nothing listens at " + h.endpoint, Remedy: h.refusedRemedy()}
	default:
		return troubleUnreachable, Status{
			Reason: fmt.Sprintf("Docker at %s cannot be reached: %v", h.endpoint, err),
			Remedy: "check the address given with --docker.host or DOCKER_HOST with: docker -H " + h.endpoint + " info",
		}
	}
}

func (h *Host) missingRemedy() string {
	if h.self.inContainer {
		return fmt.Sprintf("mount it: docker run -v %[1]s:%[1]s:ro …, or in the compose file under volumes: - %[1]s:%[1]s:ro",
			h.address)
	}
	return installHint
}

func (h *Host) refusedRemedy() string {
	switch {
	case h.network == "tcp":
		return "start the Docker socket proxy, or fix the address in --docker.host or DOCKER_HOST"
	case h.self.inContainer:
		return "start Docker on the host: sudo systemctl start docker; the socket reappears in the container if its folder is mounted"
	default:
		return "sudo systemctl start docker"
	}
}

// permissionRemedy names the group that owns the socket, because it is not called docker everywhere.
func (h *Host) permissionRemedy() string {
	gid, ok := socketGroup(h.address)
	if h.self.inContainer {
		if !ok {
			return "run the container with --group-add and the number that this command prints on the host: stat -c %g " + h.address
		}
		return fmt.Sprintf(`add the socket's group: docker run --group-add %[1]d …, or in the compose file group_add: ["%[1]d"]`, gid)
	}
	who := "$USER"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if ok && gid != 0 {
		if g, err := user.LookupGroupId(fmt.Sprint(gid)); err == nil {
			return fmt.Sprintf("sudo usermod -aG %s %s, then log in again (systemd: SupplementaryGroups=%[1]s and restart)",
				g.Name, who)
		}
	}
	return fmt.Sprintf("sudo setfacl -m u:%s:rw %s", who, h.address)
}
