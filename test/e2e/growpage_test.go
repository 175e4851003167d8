package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// growPage is docs/grow.md. Its files and commands are used as they are printed.
type growPage struct{ text string }

func readGrowPage(t *testing.T) growPage {
	t.Helper()
	text, err := os.ReadFile("../../docs/grow.md")
	require.NoError(t, err)
	return growPage{string(text)}
}

// section returns the part below a heading.
func (p growPage) section(t *testing.T, heading string) growPage {
	t.Helper()
	start := regexp.MustCompile(`(?m)^(#+) ` + regexp.QuoteMeta(heading) + `$`).FindStringSubmatchIndex(p.text)
	require.NotNil(t, start, "docs/grow.md has no section %q", heading)
	level := start[3] - start[2]
	rest := p.text[start[1]:]
	if end := regexp.MustCompile(`(?m)^#{1,` + string(rune('0'+level)) + `} `).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	return growPage{rest}
}

// file returns the block of code after the line that begins with the name of a file, as in "`loki.yml` on each host:".
func (p growPage) file(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile("(?m)^`" + regexp.QuoteMeta(name) + "`[^\n]*:\n\n```\\w*\n((?s:.*?))^```$").FindStringSubmatch(p.text)
	require.NotNil(t, found, "the section has no file %q", name)
	return found[1]
}

// commands returns the arguments of all commands of the blocks of sh, as a shell passes them; a backslash continues a line.
func (p growPage) commands(t *testing.T) (commands [][]string) {
	t.Helper()
	for line := range strings.Lines(strings.ReplaceAll(p.script(), "\\\n", " ")) {
		fields := strings.Fields(line)
		if strings.Contains(line, "'") {
			words, err := exec.Command("sh", "-c", `printf '%s\0' `+line).Output()
			require.NoError(t, err, line)
			fields = strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")
		}
		if len(fields) > 0 {
			commands = append(commands, fields)
		}
	}
	return commands
}

// script returns the blocks of sh as they are printed.
func (p growPage) script() (script string) {
	for _, block := range regexp.MustCompile("(?m)^```sh\n((?s:.*?))^```$").FindAllStringSubmatch(p.text, -1) {
		script += block[1]
	}
	return script
}

// flag returns a flag that the text of the section mentions.
func (p growPage) flag(t *testing.T, name string) string {
	t.Helper()
	require.Contains(t, p.text, "`"+name+"`")
	return name
}

// command returns the arguments of the only command that begins with the words, without them.
func (p growPage) command(t *testing.T, words ...string) (args []string) {
	t.Helper()
	var found [][]string
	for _, c := range p.commands(t) {
		if begin := strings.Join(words, " "); strings.HasPrefix(strings.Join(c, " ")+" ", begin+" ") {
			found = append(found, c[len(words):])
		}
	}
	require.Len(t, found, 1, "commands %q", words)
	return found[0]
}
