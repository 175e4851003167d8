package dashjson_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestV2BecomesClassic(t *testing.T) {
	files, err := filepath.Glob("testdata/v2*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if strings.HasSuffix(file, ".classic.json") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			d, err := dashjson.Parse(content)
			require.NoError(t, err)
			require.Equal(t, dashjson.V2, d.Shape)
			got, err := dashjson.EncodeIndent(dashjson.NewObject("dashboard", d.Body, "notices", d.Notices))
			require.NoError(t, err)
			golden := strings.TrimSuffix(file, ".json") + ".classic.json"
			if *update {
				require.NoError(t, os.WriteFile(golden, got, 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
			again, err := dashjson.Parse([]byte(encode(t, d.Body)))
			require.NoError(t, err)
			require.Equal(t, encode(t, d.Body), encode(t, again.Body), "classic stays as it is")
		})
	}
}
