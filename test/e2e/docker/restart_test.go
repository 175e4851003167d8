package docker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// TestEngineRestarts has a separate engine, without networks, so that it can be stopped.
func TestEngineRestarts(t *testing.T) {
	for name, tc := range map[string]struct {
		flags []string
		stays bool // the containers continue to run while the engine is down
	}{
		"containers end with the engine": {nil, false},
		"live-restore":                   {[]string{"--live-restore"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ownEngine(append([]string{"--bridge=none", "--iptables=false", "--ip6tables=false"}, tc.flags...)...)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, e.close()) })
			require.NoError(t, e.buildImage(t.Context(), image, program))
			id, err := e.run(t.Context(), service{name: "survivor", networkMode: "none"})
			require.NoError(t, err)
			t.Cleanup(func() { // the engine may be down when the test fails
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				if e.cmd == nil {
					require.NoError(t, e.start())
				}
				_, err := e.cli.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
				require.NoError(t, err)
			})

			a := startAusguck(t, e, "")
			shown := func() (bool, error) {
				lines, err := a.exposes("/metrics/cadvisor", "container_memory_usage_bytes", `name="survivor"`)
				return len(lines) == 1, err
			}
			expect := func(want bool) func() error {
				return func() error {
					got, err := shown()
					if err == nil && got != want {
						err = fmt.Errorf("shown under its name: %t, want %t", got, want)
					}
					return err
				}
			}
			within(t, 15*time.Second, "shown", expect(true))

			require.NoError(t, e.stop())
			if tc.stays {
				for range 20 { // it must not be lost in between
					got, err := shown()
					require.NoError(t, err)
					require.True(t, got, "the name stays while the engine is away")
					time.Sleep(pollEvery)
				}
			} else {
				within(t, 15*time.Second, "ended", expect(false))
			}
			_, err = a.query("up")
			require.NoError(t, err)

			require.NoError(t, e.start())
			if !tc.stays {
				_, err = e.cli.ContainerStart(t.Context(), id, client.ContainerStartOptions{})
				require.NoError(t, err)
			}
			within(t, 20*time.Second, "back", expect(true))

			// And a container that was created since then.
			other, err := e.run(t.Context(), service{name: "newcomer", networkMode: "none"})
			require.NoError(t, err)
			t.Cleanup(func() { remove(t, e, other) })
			within(t, 15*time.Second, "newcomer", func() error {
				lines, err := a.exposes("/metrics/cadvisor", "container_memory_usage_bytes", `name="newcomer"`)
				if err == nil && len(lines) != 1 {
					err = errors.New("not shown")
				}
				return err
			})
		})
	}
}
