package alertmanager

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

func TestComplaintsOfTheCluster(t *testing.T) {
	var out bytes.Buffer
	var c complaints
	l := upstreamlog.New(slog.New(slog.NewTextHandler(&out, nil)), upstreamlog.Rules{Record: c.record, Raises: true, Repeat: complainEvery})
	upstream := slog.NewLogLogger(l.Handler(), slog.LevelDebug) // as upstream passes it to memberlist
	for range 3 {
		upstream.Print("[WARN] memberlist: Was able to connect to server-3 over TCP but UDP probes failed, network may be misconfigured")
		upstream.Print("[ERR] memberlist: Conflicting address for server-2. Mine: 10.0.0.4:9094 Theirs: 10.0.0.2:9094 Old state: 0")
		upstream.Print("[ERR] memberlist: Conflicting address for server-2. Mine: 10.0.0.2:9094 Theirs: 10.0.0.4:9094 Old state: 0")
		upstream.Print("[DEBUG] memberlist: Initiating push/pull sync with: server-3 10.0.0.3:9094")
	}
	want := []string{
		"10.0.0.2:9094 and 10.0.0.4:9094 both have the name server-2, so one of them is left out: set --cluster.peer-name",
		"server-3 is reached over TCP and not over UDP, so notifications may be sent twice: open the cluster port for UDP too",
	}
	require.Equal(t, want, c.list(time.Now()))
	require.Empty(t, c.list(time.Now().Add(current)), "they were repeated if they were true")
	require.Equal(t, 2, strings.Count(out.String(), "\n"), "each is logged once an hour: %s", out.String())
	for _, text := range want {
		require.Contains(t, out.String(), `level=WARN msg="Problem in the cluster" problem="`+text+`"`)
	}
}
