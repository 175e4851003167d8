package promserver

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuerySamples(t *testing.T) {
	require.Equal(t, 50_000_000, querySamples(math.MaxInt64), "no limit: as stock")
	require.Equal(t, 50_000_000, querySamples(4<<30))
	require.Equal(t, 8<<20, querySamples(512<<20))
	require.Equal(t, 1_000_000, querySamples(16<<20))
}
