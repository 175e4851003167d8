// Package problem finds all errors in a YAML file at once, each as "file:line: field: reason". It knows no format: the owner of a
// format provides the function that loads it. Every part may import it.
package problem

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is the content of a YAML file, with its name.
type File struct {
	// Name is the path shown in messages.
	Name    string
	Content []byte
}

// Locate converts the error that load returned for the whole file into all problems of the file, with their lines.
//
// Upstreams stop at the first invalid section, and return no line for their own checks. So the file is loaded once per section
// and list item, with all other lines blanked: an error then belongs to that section, and YAML's line numbers remain valid. The
// sections in lean, on which others depend, are loaded together with every later one if they are valid themselves.
func Locate(f File, whole error, load func(content string) error, lean ...string) []error {
	lines := strings.Split(string(f.Content), "\n")
	var doc yaml.Node
	if err := yaml.Unmarshal(f.Content, &doc); err != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return describe(f.Name, part{}, whole)
	}
	parts := sections(doc.Content[0], len(lines))
	slices.SortStableFunc(parts, func(a, b part) int { return rank(lean, a.field) - rank(lean, b.field) })
	var always []part
	var problems []error
	for _, p := range parts {
		if err := load(only(lines, append(slices.Clone(always), p))); err != nil {
			problems = append(problems, describe(f.Name, p.narrow(lines, err), err)...)
		} else if slices.Contains(lean, p.field) {
			always = append(always, p)
		}
	}
	if len(problems) == 0 { // only the combination is invalid, such as a duplicate job name
		return describe(f.Name, lastMention(parts, lines, whole), whole)
	}
	return problems
}

// rank sorts the sections that others depend on before those.
func rank(lean []string, field string) int {
	if i := slices.Index(lean, field); i >= 0 {
		return i
	}
	return len(lean)
}

// part is a range of lines that can be loaded on its own.
type part struct {
	field      string
	header     int // line of the top-level key, 1-based
	first, end int // lines [first, end) of the part, 1-based
}

// sections returns the parts of the document: each top-level key, and for lists each item.
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
	return parts
}

// only returns a file that contains nothing but the lines of the parts.
func only(lines []string, parts []part) string {
	kept := make([]string, len(lines))
	for _, p := range parts {
		kept[p.header-1] = lines[p.header-1]
		for n := p.first; n < p.end && n <= len(lines); n++ {
			kept[n-1] = lines[n-1]
		}
	}
	return strings.Join(kept, "\n")
}

// Describe returns the problems in err, an error of the YAML library or one that wraps it, as "file:line: reason" if a line is
// known.
func Describe(file string, err error) []error { return describe(file, part{}, err) }

// yamlPosition matches the lines in errors of the YAML library.
var yamlPosition = regexp.MustCompile(`(?m)^\s*(?:yaml: )?line (\d+): (.*)$`)

// describe returns the problems in err as "file:line: field: reason".
func describe(file string, p part, err error) []error {
	field := ""
	if p.field != "" {
		field = p.field + ": "
	}
	if ms := yamlPosition.FindAllStringSubmatch(err.Error(), -1); ms != nil {
		var problems []error
		for _, m := range ms {
			problems = append(problems, fmt.Errorf("%s:%s: %s%s", file, m[1], field, Plain(m[2])))
		}
		return problems
	}
	if p.first == 0 {
		return []error{fmt.Errorf("%s: %s", file, Plain(err.Error()))}
	}
	return []error{fmt.Errorf("%s:%d: %s%s", file, p.first, field, Plain(err.Error()))}
}

var quoted = regexp.MustCompile(`"([^"]+)"`)

// narrow returns p starting at the line with the value that err quotes. The last quotation is the value itself; earlier ones are
// fragments of it.
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

// lastMention returns the part that an error about a combination refers to: the last one with the name that the error quotes.
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

// Plain rewrites an error of the YAML library without the names of Go types. A string in place of a section is not repeated: it
// may be a secret without its key.
func Plain(reason string) string {
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
	return fmt.Sprintf("must be %s, not %s", want, got)
}

// Readable returns nil if the file can be opened, otherwise the reason and a remedy.
func Readable(file string) error {
	f, err := os.Open(file)
	if err == nil {
		return f.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("file %s does not exist", file)
	}
	return Explain(err)
}

// Line returns the 1-based number of the first line that contains s.
func Line(content []byte, s string) int {
	for i, line := range strings.Split(string(content), "\n") {
		if strings.Contains(line, s) {
			return i + 1
		}
	}
	return 1
}

// Explain adds to a permission error of a file the command that fixes it.
func Explain(err error) error {
	var pathErr *fs.PathError
	if errors.Is(err, fs.ErrPermission) && errors.As(err, &pathErr) {
		return fmt.Errorf("%w; run: sudo chmod a+r %s", err, pathErr.Path)
	}
	return err
}

// At returns "file:line: reason", with the line of the first mention of text.
func At(f File, text string, reason error) error {
	return fmt.Errorf("%s:%s: %w", f.Name, strconv.Itoa(Line(f.Content, text)), reason)
}
