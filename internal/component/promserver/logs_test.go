package promserver

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

func TestPasswordsInURLsAreNotLogged(t *testing.T) {
	var out bytes.Buffer
	log := upstreamlog.New(slog.New(slog.NewTextHandler(&out, nil)), upstreamlog.Rules{Attr: hidePassword}).With("url", "http://someone:hunter2@example.org/write")
	log.Info("Tailing WAL", "again", "https://:hunter2@example.org", "plain", "http://example.org:9090/a@b")
	require.NotContains(t, out.String(), "hunter2")
	require.Contains(t, out.String(), "url=http://someone:xxxxx@example.org/write")
	require.Contains(t, out.String(), "plain=http://example.org:9090/a@b")
}
