package app

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/component/cadvisor"
	"github.com/ausguck/ausguck/internal/dockerhost"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// DockerPart discovers containers from a Docker engine. It waits for an engine that is unavailable.
type DockerPart struct {
	noPart
	Enabled bool
	Host    string
	Labels  string

	host *dockerhost.Host
}

func (p *DockerPart) name() string                   { return "dockerhost" }
func (p *DockerPart) on() bool                       { return p.Enabled }
func (p *DockerPart) component() lifecycle.Component { return p.host }

func (p *DockerPart) flags(a *kingpin.Application) {
	a.Flag("docker", "Query Docker for the names, labels and addresses of containers.").Default("true").BoolVar(&p.Enabled)
	a.Flag("docker.host", "Docker engine, unix:// or tcp://. Default: $DOCKER_HOST, or unix:///var/run/docker.sock.").
		PlaceHolder("<URL>").StringVar(&p.Host)
	a.Flag("docker.labels", "Container labels to add to container metrics, comma-separated.").
		Default(strings.Join(cadvisor.DefaultContainerLabels, ",")).StringVar(&p.Labels)
}

func (p *DockerPart) wire(a *App) (err error) {
	p.host, err = dockerhost.New(dockerhost.Options{
		Endpoint: p.Host, Logger: a.options.Logger.With("part", "dockerhost"), Registerer: a.registry,
	})
	if err != nil {
		return fmt.Errorf("--docker.host: %w", err)
	}
	return nil
}

func (p *DockerPart) routes(a *App) []route {
	return []route{{"GET /api/ausguck/containers", viewer, handler(a.serveContainers)}}
}

func (p *DockerPart) says() (string, bool) {
	st := p.host.Status()
	switch {
	case st.Connected:
		return "connected to " + p.host.Endpoint(), false
	case st.Remedy == "":
		return st.Reason, false
	}
	return st.Reason + "; " + st.Remedy, false // many machines have no engine
}

// defaultDockerHost is the engine configured in the built-in prometheus.yml.
const defaultDockerHost = "unix:///var/run/docker.sock"

// endpoint returns the engine's address, determined as the Docker client does.
func (p *DockerPart) endpoint() string {
	if p.Host != "" {
		return p.Host
	}
	if env := os.Getenv("DOCKER_HOST"); env != "" {
		return env
	}
	return defaultDockerHost
}

// there reports whether an engine can be expected. It does not query the engine, which may start later.
func (p *DockerPart) there() bool {
	if !p.Enabled {
		return false
	}
	path, isSocket := strings.CutPrefix(p.endpoint(), "unix://")
	return !isSocket || !missing(path)
}
