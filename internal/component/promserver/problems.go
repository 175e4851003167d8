package promserver

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"
)

// locate turns the error of config.Load into all problems of the file, with their lines.
//
// Upstream stops at the first section that is wrong and names no line for what it checks itself. So the
// file is loaded once per section and list item, with all other lines blanked: what is wrong then is
// wrong there, and YAML's own line numbers still hold.
func locate(src Source, whole error) []error {
	lines := strings.Split(string(src.Content), "\n")
	var doc yaml.Node
	if err := yaml.Unmarshal(src.Content, &doc); err != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return describe(src.Name, part{}, whole)
	}
	parts := sections(doc.Content[0], len(lines))
	var always []part // what the other sections lean on, when it is right by itself
	var problems []error
	for _, p := range parts {
		if err := loadParts(lines, append(slices.Clone(always), p)); err != nil {
			problems = append(problems, describe(src.Name, p.narrow(lines, err), err)...)
		} else if p.field == "global" {
			always = append(always, p)
		}
	}
	if len(problems) == 0 { // wrong only in combination, such as a job name that is there twice
		return describe(src.Name, lastMention(parts, lines, whole), whole)
	}
	return problems
}

// part is a run of lines of the file that can be loaded by itself.
type part struct {
	field      string
	header     int // line of the top-level key, 1-based
	first, end int // lines [first, end) of the part, 1-based
}

// sections returns the parts of the document: each top-level key, and for keys that hold a list each
// item of it. global comes first.
func sections(root *yaml.Node, lines int) []part {
	var parts []part
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		end := lines + 1
		if i+2 < len(root.Content) {
			end = root.Content[i+2].Line
		}
		if value.Kind != yaml.SequenceNode || value.Style&yaml.FlowStyle != 0 || len(value.Content) == 0 || value.Content[0].Line == key.Line {
			parts = append(parts, part{key.Value, key.Line, key.Line, end})
			continue
		}
		for j, item := range value.Content {
			itemEnd := end
			if j+1 < len(value.Content) {
				itemEnd = value.Content[j+1].Line
			}
			parts = append(parts, part{fmt.Sprintf("%s[%d]", key.Value, j), key.Line, item.Line, itemEnd})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int {
		return boolOrder(a.field == "global", b.field == "global")
	})
	return parts
}

func boolOrder(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

// loadParts loads a file in which only the lines of the parts are left.
func loadParts(lines []string, parts []part) error {
	kept := make([]string, len(lines))
	for _, p := range parts {
		kept[p.header-1] = lines[p.header-1]
		for n := p.first; n < p.end && n <= len(lines); n++ {
			kept[n-1] = lines[n-1]
		}
	}
	_, err := config.Load(strings.Join(kept, "\n"), slog.New(slog.DiscardHandler))
	return err
}

// describe returns the problems that err holds as "file:line: field: reason".
func describe(file string, p part, err error) []error {
	field := ""
	if p.field != "" {
		field = p.field + ": "
	}
	if ms := yamlPosition.FindAllStringSubmatch(err.Error(), -1); ms != nil {
		var problems []error
		for _, m := range ms {
			problems = append(problems, fmt.Errorf("%s:%s: %s%s", file, m[1], field, plainYAML(m[2])))
		}
		return problems
	}
	if p.first == 0 {
		return []error{fmt.Errorf("%s: %s", file, plainYAML(err.Error()))}
	}
	return []error{fmt.Errorf("%s:%d: %s%s", file, p.first, field, plainYAML(err.Error()))}
}

var quoted = regexp.MustCompile(`"([^"]+)"`)

// narrow returns p from the line on that holds the value which err quotes. The last quotation is the
// value itself; those before are pieces of it.
func (p part) narrow(lines []string, err error) part {
	for _, m := range slices.Backward(quoted.FindAllStringSubmatch(err.Error(), -1)) {
		for n := p.first; n < p.end && n <= len(lines); n++ {
			if strings.Contains(lines[n-1], m[1]) {
				p.first = n
				return p
			}
		}
	}
	return p
}

// lastMention finds the part that an error about a combination speaks of: the last one with the name
// that the error quotes.
func lastMention(parts []part, lines []string, err error) part {
	for _, p := range slices.Backward(parts) {
		for _, m := range quoted.FindAllStringSubmatch(err.Error(), -1) {
			if strings.Contains(strings.Join(lines[p.first-1:min(p.end-1, len(lines))], "\n"), m[1]) {
				return p.narrow(lines, err)
			}
		}
	}
	return part{}
}

var (
	unknownField = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
	otherSD      = regexp.MustCompile(`^\w+_sd_configs$`)
	mismatch     = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `[^`]*`)? into (\\S+)$")
	scalar       = regexp.MustCompile(`^(u?int|float|bool|string|.*Duration)`)
	yamlKinds    = map[string]string{"str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "seq": "a list", "map": "a section with fields"}
)

// plainYAML says what the YAML library says without the names of Go types. A text that stands where a
// section belongs is not repeated: it may be a secret that lost its key.
func plainYAML(reason string) string {
	reason = strings.TrimPrefix(reason, "yaml: ")
	if m := unknownField.FindStringSubmatch(reason); m != nil {
		if otherSD.MatchString(m[1]) {
			return m[1] + ": this service discovery is not built in; use file_sd_configs or http_sd_configs"
		}
		return m[1] + ": unknown field"
	}
	m := mismatch.FindStringSubmatch(reason)
	if m == nil || scalar.MatchString(m[2]) {
		return reason
	}
	want := "a section with fields"
	if strings.HasPrefix(m[2], "[]") {
		want = "a list"
	}
	got, ok := yamlKinds[m[1]]
	if !ok {
		got = m[1]
	}
	return fmt.Sprintf("%s is needed here, not %s", want, got)
}

// rulePatterns returns the rule files that a file names which does not load as a whole.
func rulePatterns(src Source) []string {
	var doc struct {
		RuleFiles yaml.Node `yaml:"rule_files"`
	}
	var patterns []string
	if yaml.Unmarshal(src.Content, &doc) != nil || doc.RuleFiles.Decode(&patterns) != nil {
		return nil
	}
	for i, p := range patterns {
		patterns[i] = commonconfig.JoinDir(src.Dir, p)
	}
	return patterns
}

// checkFiles reports the files named in HTTP client settings that cannot be read. Upstream notices a
// missing one at the first request.
func checkFiles(src Source, cfg *config.Config) []error {
	clients := map[string]commonconfig.HTTPClientConfig{}
	for _, c := range cfg.ScrapeConfigs {
		clients[fmt.Sprintf("scrape_configs: job_name %q", c.JobName)] = c.HTTPClientConfig
	}
	for i, c := range cfg.AlertingConfig.AlertmanagerConfigs {
		clients["alerting: alertmanagers["+strconv.Itoa(i)+"]"] = c.HTTPClientConfig
	}
	for i, c := range cfg.RemoteWriteConfigs {
		clients["remote_write["+strconv.Itoa(i)+"]"] = c.HTTPClientConfig
	}
	for i, c := range cfg.RemoteReadConfigs {
		clients["remote_read["+strconv.Itoa(i)+"]"] = c.HTTPClientConfig
	}
	var problems []error
	for where, c := range clients {
		for _, file := range clientFiles(c) {
			if err := readable(file); err != nil {
				line := lineOf(src.Content, filepath.Base(file))
				problems = append(problems, fmt.Errorf("%s:%d: %s: %w", src.Name, line, where, err))
			}
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return problems
}

func clientFiles(c commonconfig.HTTPClientConfig) []string {
	files := []string{c.TLSConfig.CAFile, c.TLSConfig.CertFile, c.TLSConfig.KeyFile, c.BearerTokenFile}
	if c.BasicAuth != nil {
		files = append(files, c.BasicAuth.PasswordFile, c.BasicAuth.UsernameFile)
	}
	if c.Authorization != nil {
		files = append(files, c.Authorization.CredentialsFile)
	}
	if c.OAuth2 != nil {
		files = append(files, c.OAuth2.ClientSecretFile)
	}
	return slices.DeleteFunc(files, func(f string) bool { return f == "" })
}

func readable(file string) error {
	f, err := os.Open(file)
	if err == nil {
		return f.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("file %s does not exist", file)
	}
	return explainUnreadable(err)
}

// lineOf returns the 1-based number of the first line that contains s.
func lineOf(content []byte, s string) int {
	for i, line := range strings.Split(string(content), "\n") {
		if strings.Contains(line, s) {
			return i + 1
		}
	}
	return 1
}
