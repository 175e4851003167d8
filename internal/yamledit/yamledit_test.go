package yamledit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestAppend(t *testing.T) {
	const job = "# Ours.\n- job_name: b\n  static_configs:\n    - targets: [b:1]\n"
	for name, c := range map[string]struct{ file, want string }{
		"empty":      {"", "jobs:\n  # Ours.\n  - job_name: b\n    static_configs:\n      - targets: [b:1]\n"},
		"comment":    {"# nothing\n", "# nothing\n\njobs:\n  # Ours.\n  - job_name: b\n    static_configs:\n      - targets: [b:1]\n"},
		"missing":    {"global: {}\n\n", "global: {}\n\njobs:\n  # Ours.\n  - job_name: b\n    static_configs:\n      - targets: [b:1]\n"},
		"null":       {"jobs: # none yet\nglobal: {}\n", "jobs: # none yet\n  # Ours.\n  - job_name: b\n    static_configs:\n      - targets: [b:1]\nglobal: {}\n"},
		"no items":   {"jobs: [] # none\nglobal: {}\n", "jobs: # none\n  # Ours.\n  - job_name: b\n    static_configs:\n      - targets: [b:1]\nglobal: {}\n"},
		"last":       {"jobs:\n  - job_name: a # first", "jobs:\n  - job_name: a # first\n  # Ours.\n  - job_name: b\n    static_configs:\n      - targets: [b:1]\n"},
		"left":       {"jobs:\n- job_name: a\n\n# Next.\nglobal: {}\n", "jobs:\n- job_name: a\n# Ours.\n- job_name: b\n  static_configs:\n    - targets: [b:1]\n\n# Next.\nglobal: {}\n"},
		"windows":    {"jobs:\r\n- job_name: a\r\n", "jobs:\r\n- job_name: a\r\n# Ours.\r\n- job_name: b\r\n  static_configs:\r\n    - targets: [b:1]\r\n"},
		"deep":       {"---\njobs:\n      - job_name: |\n          a\n          # not a comment\nz: 1\n", ""},
		"a document": {"---\njobs:\n  - job_name: a\n...\n", ""},
		"brackets":   {"jobs: [{job_name: a}]\n", ""},
		"alias":      {"x: &x\n- job_name: a\njobs: *x\n", ""},
		"anchor":     {"jobs: &x\n- job_name: a\ny: *x\n", ""},
		"braces":     {"{jobs: []}\n", ""},
		"no list":    {"jobs: {a: 1}\n", ""},
		"nothing":    {"jobs: ~\n", ""},
		"two":        {"jobs:\n- job_name: a\n---\njobs: []\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Append([]byte(c.file), "jobs", job)
			if c.want == "" {
				require.ErrorIs(t, err, ErrStyle)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
			again, err := Append(got, "jobs", job)
			require.NoError(t, err)
			require.Equal(t, strings.Count(string(got), "Ours")+1, strings.Count(string(again), "Ours"))
		})
	}
	_, err := Append([]byte("jobs: ["), "jobs", job)
	require.ErrorContains(t, err, "yaml: line 1")
}

func TestAddSection(t *testing.T) {
	got, err := AddSection([]byte("a: 1\n"), "b:\n  c: 2 # two\n")
	require.NoError(t, err)
	require.Equal(t, "a: 1\n\nb:\n  c: 2 # two\n", string(got))
	_, err = AddSection(got, "b: 3\n")
	require.ErrorContains(t, err, "b exists already")
}

func TestItem(t *testing.T) {
	file := []byte("# top\njobs:\n  # The first,\n  # with two lines.\n  - name: a\n    x:\n      - 1 # one\n\n  # The second.\n  - name: b\n\n# The end.\nz: 1\n")
	named := func(name string) func(*yaml.Node) bool {
		return func(item *yaml.Node) bool { return item.Content[1].Value == name }
	}
	first, ok := Item(file, "jobs", named("a"))
	require.True(t, ok)
	require.Equal(t, "# The first,\n# with two lines.\n- name: a\n  x:\n    - 1 # one\n", first)
	second, ok := Item(file, "jobs", named("b"))
	require.True(t, ok)
	require.Equal(t, "# The second.\n- name: b\n", second)
	_, ok = Item(file, "jobs", named("c"))
	require.False(t, ok)
	section, ok := Section(file, "z")
	require.True(t, ok)
	require.Equal(t, "z: 1\n", section)
}

// Whatever the file, all of its lines are preserved in order, and its content is the same with one more item.
func FuzzAppend(f *testing.F) {
	for _, seed := range []string{"", "jobs:\n- a\n", "jobs:\n  - a: |\n      b\n\n  - c\n# x\nd: 1\n", "jobs: []\n", "a: &a [1]\njobs: *a\n", "jobs:\r\n- a\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		got, err := Append([]byte(file), "jobs", "- ours\n")
		if err != nil {
			return
		}
		rest := string(got)
		for line := range strings.Lines(file) {
			line = strings.TrimRight(strings.ReplaceAll(line, "[]", ""), " \t\r\n")
			_, after, found := strings.Cut(strings.ReplaceAll(rest, "[]", ""), line)
			require.True(t, found, "the line %q is gone from %q", line, got)
			rest = after
		}
		var meant struct {
			Jobs []any `yaml:"jobs"`
		}
		require.NoError(t, yaml.Unmarshal(got, &meant))
		require.Equal(t, "ours", meant.Jobs[len(meant.Jobs)-1])
	})
}
