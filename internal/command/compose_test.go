package command_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/command"
)

// In a container the folder of the image is not the host's: what is written for the host mounts what is beside it.
func TestComposeInAContainer(t *testing.T) {
	for name, tt := range map[string]struct {
		config      string // below the folder of the test
		inContainer bool
		mounts      string
		todo        bool
	}{
		"the image's folder":            {"etc/ausguck", true, "- ./monitoring:/etc/ausguck:ro", true},
		"a folder that is mounted, too": {"w/conf", true, "- ./conf:/etc/ausguck:ro", false},
		"none":                          {"", true, "- ./monitoring:/etc/ausguck:ro", true},
		"on the host":                   {"etc/ausguck", false, "- ./../etc/ausguck:/etc/ausguck:ro", false},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			config := ""
			if tt.config != "" {
				config = filepath.Join(root, tt.config)
				require.NoError(t, os.MkdirAll(config, 0o755))
			}
			_, todo, err := command.WriteCompose(filepath.Join(root, "w"), config, tt.inContainer)
			require.NoError(t, err)
			content, err := os.ReadFile(filepath.Join(root, "w", "ausguck.yml"))
			require.NoError(t, err)
			require.Contains(t, string(content), tt.mounts)
			require.Equal(t, tt.todo, todo != "", todo)
			if tt.todo {
				require.Contains(t, todo, "does not exist yet. Create it with: ausguck init "+filepath.Join(root, "w", "monitoring"))
			}
		})
	}
}
