package programpages

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// resident returns how many kB of the program file are mapped and unmodified.
func resident(t *testing.T) (kilobytes int) {
	t.Helper()
	program, err := os.Readlink("/proc/self/exe")
	require.NoError(t, err)
	file, err := os.Open("/proc/self/smaps")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	ours := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if !strings.HasSuffix(fields[0], ":") { // the header of a mapping
			ours = len(fields) == 6 && fields[5] == program && !strings.Contains(fields[1], "w")
		} else if ours && fields[0] == "Rss:" {
			var n int
			_, err := fmt.Sscan(fields[1], &n)
			require.NoError(t, err)
			kilobytes += n
		}
	}
	return kilobytes
}

// Pages are released and the program continues: its code and constants are read back unchanged.
func TestRelease(t *testing.T) {
	content, err := os.ReadFile("/proc/self/exe") // loads all of it into the page cache
	require.NoError(t, err)
	require.NotEmpty(t, content)
	before := resident(t)
	require.NoError(t, release())
	require.Less(t, resident(t), before)
	require.Equal(t, "0123456789", fmt.Sprintf("%010d", 123456789))
}

// A position-independent program, as distributions build them, has pages in its read-only part that were written when it was
// loaded.
func TestPositionIndependent(t *testing.T) {
	program := filepath.Join(t.TempDir(), "pie")
	build := exec.Command("go", "build", "-buildmode=pie", "-o", program, "./testdata/pie")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	output, err = exec.Command(program).CombinedOutput()
	require.NoError(t, err, string(output))
	require.Equal(t, `{"status":"I'm a teapot","type":"*http.Transport"} <nil>`+"\n", string(output))
}
