// Package docker_test drives the real binary next to a real Docker engine: the one at DOCKER_HOST, otherwise a
// dockerd that the tests start and stop themselves, for which they have to run as root.
package docker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

var (
	docker  *engine // of all tests except the one that restarts it
	program string  // what runs in the containers
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "docker e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "ausguck-e2e")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program = filepath.Join(dir, "testservice")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./testservice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build test service: %w\n%s", err, out)
	}
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		docker, err = givenEngine(host)
	} else {
		docker, err = ownEngine()
	}
	if err != nil {
		return 1, err
	}
	defer func() {
		if cerr := docker.close(); cerr != nil && err == nil {
			err = fmt.Errorf("clean up: %w", cerr)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := docker.clean(ctx); err != nil {
		return 1, fmt.Errorf("clean up after an earlier run: %w", err)
	}
	if err := docker.buildImage(ctx, image, program); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// start runs a container until the test ends.
func start(t *testing.T, e *engine, s service) (id string) {
	t.Helper()
	id, err := e.run(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { remove(t, e, id) })
	return id
}

// remove kills and removes a container; one that is gone is fine.
func remove(t *testing.T, e *engine, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := e.cli.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	if err != nil && !isNotFound(err) {
		t.Errorf("remove container %s: %v", id, err)
	}
}

// newNetwork creates a bridge network until the test ends.
func newNetwork(t *testing.T, e *engine, name string) string {
	t.Helper()
	n, err := e.cli.NetworkCreate(t.Context(), name, client.NetworkCreateOptions{
		Driver: "bridge", Labels: map[string]string{ownsLabel: "network"},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if _, err := e.cli.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil {
			t.Errorf("remove network %s: %v", name, err)
		}
	})
	return n.ID
}

func portSet(ports []string) (network.PortSet, error) {
	set := network.PortSet{}
	for _, s := range ports {
		p, err := network.ParsePort(s)
		if err != nil {
			return nil, err
		}
		set[p] = struct{}{}
	}
	return set, nil
}
