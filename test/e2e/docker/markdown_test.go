package docker_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documented is a command in a page: a shell block, or a command in a sentence or table.
type documented struct {
	line int
	text string
}

var (
	fence  = regexp.MustCompile("^( *)```(\\w*)$")
	inline = regexp.MustCompile("`([^`]+)`")
	// commandStart matches the beginning of commands, as opposed to files, flags and names. The program with only the
	// name of a subcommand is a name, too: `ausguck migrate`.
	commandStart = regexp.MustCompile(`^(sudo|docker|docker-compose|ausguck|curl|logcli|amtool|promtool|systemctl|journalctl|systemd-analyze|dpkg|chown|kill|echo|make) `)
)

// commandsOf returns the commands of a page in order, and its YAML blocks.
func commandsOf(t *testing.T, page string) (commands []documented, yaml []string) {
	t.Helper()
	content, err := os.ReadFile(page)
	require.NoError(t, err)
	var block []string
	var indent, language string
	inBlock, begun := false, 0
	for i, line := range strings.Split(string(content), "\n") {
		match := fence.FindStringSubmatch(line)
		switch {
		case match != nil && !inBlock:
			inBlock, begun, indent, language, block = true, i+2, match[1], match[2], nil
		case match != nil:
			inBlock = false
			switch text := strings.Join(block, "\n"); language {
			case "sh", "console", "bash":
				commands = append(commands, documented{begun, text})
			case "yaml":
				yaml = append(yaml, text)
			}
		case inBlock:
			block = append(block, strings.TrimPrefix(line, indent))
		default:
			for _, span := range inline.FindAllStringSubmatch(line, -1) {
				text := strings.ReplaceAll(span[1], `\|`, "|") // as in tables
				if words := strings.Fields(text); commandStart.MatchString(text) && (len(words) > 2 || text == "ausguck check") {
					commands = append(commands, documented{i + 1, text})
				}
			}
		}
	}
	require.False(t, inBlock, "%s: a block has no end", page)
	return commands, yaml
}

func TestCommandsOfAPage(t *testing.T) {
	page := t.TempDir() + "/page.md"
	text := "Run `ausguck check`, never `kill -9`, in `/var/log`.\n\n1. First\n\n   ```console\n   cd x &&\n     ls\n   ```\n" +
		"| a | `curl -s x \\| wc -l` |\n\n```yaml\na: b\n```\n```promql\nup\n```\n"
	require.NoError(t, os.WriteFile(page, []byte(text), 0o644))
	commands, yaml := commandsOf(t, page)
	require.Equal(t, []documented{{1, "ausguck check"}, {6, "cd x &&\n  ls"}, {9, "curl -s x | wc -l"}}, commands)
	require.Equal(t, []string{"a: b"}, yaml)
}
