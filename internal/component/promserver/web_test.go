package promserver

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRelease(t *testing.T) {
	for version, want := range map[string]string{
		"v0.313.5":      "3.13.5",
		"v0.305.0":      "3.5.0",
		"v0.316.0-rc.1": "3.16.0",
		"(devel)":       "(devel)",
	} {
		require.Equal(t, want, release(version))
	}
}

func TestQuerySamples(t *testing.T) {
	require.Equal(t, 50_000_000, querySamples(math.MaxInt64), "no limit: as stock")
	require.Equal(t, 50_000_000, querySamples(4<<30))
	require.Equal(t, 8<<20, querySamples(512<<20))
	require.Equal(t, 1_000_000, querySamples(16<<20))
}
