package versions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRelease(t *testing.T) {
	for version, want := range map[string]string{
		"0.313.5":      "3.13.5",
		"0.305.0":      "3.5.0",
		"0.316.0-rc.1": "3.16.0",
		"(devel)":      "(devel)",
	} {
		require.Equal(t, want, release(version))
	}
}
