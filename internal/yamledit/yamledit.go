// Package yamledit adds to YAML files that people wrote and preserves every other byte: comments, order, quotes and line endings.
// It knows no format. It rejects a change that would mean anything other than what was requested.
package yamledit

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrStyle is returned for a list that cannot be extended line by line, such as one in brackets or an alias.
var ErrStyle = errors.New("the list is not written with one item per line")

// Append adds items to the list at a top-level key, which it adds if it is missing. The items are lines of YAML that begin with
// "- " at the left margin; comments between them are kept.
func Append(content []byte, key, items string) ([]byte, error) {
	f, err := parse(content)
	if err != nil {
		return nil, err
	}
	k, value := f.find(key)
	switch {
	case k == nil:
		f.insert(len(f.lines), 0, "\n"+key+":\n"+indent(items, 2))
	case value.Tag == "!!null" && value.Value == "":
		f.insert(k.Line, 0, indent(items, 2))
	case value.Kind != yaml.SequenceNode || value.Anchor != "":
		return nil, ErrStyle
	case len(value.Content) == 0:
		line := f.lines[value.Line-1]
		before, after, found := strings.Cut(line, "[]")
		if !found {
			return nil, ErrStyle
		}
		f.lines[value.Line-1] = strings.TrimRight(before, " ") + after
		f.insert(value.Line, 0, indent(items, 2))
	case value.Style&yaml.FlowStyle != 0:
		return nil, ErrStyle
	default:
		f.insert(f.end(key), value.Column-1, items)
	}
	added, err := decode(items)
	if err != nil {
		return nil, err
	}
	list, ok := added.([]any)
	if !ok {
		return nil, fmt.Errorf("the items for %s are not a list", key)
	}
	return f.checked(func(old map[string]any) {
		before, _ := old[key].([]any)
		old[key] = slices.Concat(before, list)
	})
}

// AddSection adds a top-level key that the file does not have. The section is YAML text that begins with the key.
func AddSection(content []byte, section string) ([]byte, error) {
	f, err := parse(content)
	if err != nil {
		return nil, err
	}
	added, err := decode(section)
	if err != nil {
		return nil, err
	}
	more, ok := added.(map[string]any)
	if !ok || len(more) != 1 {
		return nil, errors.New("a section is one key with its value")
	}
	for key := range more {
		if k, _ := f.find(key); k != nil {
			return nil, fmt.Errorf("%s exists already", key)
		}
	}
	f.insert(len(f.lines), 0, "\n"+section)
	return f.checked(func(old map[string]any) {
		for key, value := range more {
			old[key] = value
		}
	})
}

// Item returns the lines of the first item in a top-level list for which is returns true, including the comment above it, with
// its "- " at the left margin.
func Item(content []byte, key string, is func(*yaml.Node) bool) (string, bool) {
	f, err := parse(content)
	if err != nil {
		return "", false
	}
	_, value := f.find(key)
	if value == nil || value.Kind != yaml.SequenceNode || value.Style&yaml.FlowStyle != 0 {
		return "", false
	}
	margin := value.Column - 1
	for i, item := range value.Content {
		if !is(item) {
			continue
		}
		from, to := item.Line-1, f.end(key)
		for from > 0 && strings.HasPrefix(strings.TrimSpace(f.lines[from-1]), "#") {
			from--
		}
		if i+1 < len(value.Content) {
			to = f.above(value.Content[i+1].Line - 1)
		}
		var out strings.Builder
		for _, line := range f.lines[from:to] {
			out.WriteString(line[min(margin, len(line)):] + "\n")
		}
		return out.String(), true
	}
	return "", false
}

// Section returns the lines of a top-level key and its value.
func Section(content []byte, key string) (string, bool) {
	f, err := parse(content)
	if err != nil {
		return "", false
	}
	k, _ := f.find(key)
	if k == nil {
		return "", false
	}
	return strings.Join(f.lines[k.Line-1:f.end(key)], "\n") + "\n", true
}

// file is a YAML file whose document is a block-style mapping, or empty.
type file struct {
	content []byte
	lines   []string // without line endings
	newline string
	root    *yaml.Node // nil for an empty file
}

func parse(content []byte) (*file, error) {
	f := &file{content: content, newline: "\n"}
	if strings.Contains(string(content), "\r\n") {
		f.newline = "\r\n"
	}
	text := strings.TrimRight(strings.ReplaceAll(string(content), "\r\n", "\n"), "\n \t")
	if text != "" {
		f.lines = strings.Split(text, "\n")
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return f, nil
	}
	f.root = doc.Content[0]
	if f.root.Kind != yaml.MappingNode || f.root.Style&yaml.FlowStyle != 0 {
		return nil, ErrStyle
	}
	return f, nil
}

func (f *file) find(key string) (k, value *yaml.Node) {
	if f.root == nil {
		return nil, nil
	}
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		if f.root.Content[i].Value == key {
			return f.root.Content[i], f.root.Content[i+1]
		}
	}
	return nil, nil
}

// end returns the number of lines up to the end of a key's value; the comment and the empty lines above the next key do not
// belong to it.
func (f *file) end(key string) int {
	for i := 0; i+2 < len(f.root.Content); i += 2 {
		if f.root.Content[i].Value == key {
			return f.above(f.root.Content[i+2].Line - 1)
		}
	}
	return len(f.lines)
}

// above returns the number of lines before the comment above a line, without empty ones.
func (f *file) above(line int) int {
	for line > 0 {
		if before := strings.TrimSpace(f.lines[line-1]); before != "" && !strings.HasPrefix(before, "#") {
			break
		}
		line--
	}
	return line
}

// insert inserts text after the given number of lines.
func (f *file) insert(after, margin int, text string) {
	added := strings.Split(strings.TrimRight(indent(text, margin), "\n"), "\n")
	if after == 0 {
		added = slices.DeleteFunc(added, func(line string) bool { return line == "" })
	}
	f.lines = slices.Insert(f.lines, after, added...)
}

// checked returns the file if its content is equivalent to the previous content with the change.
func (f *file) checked(change func(map[string]any)) ([]byte, error) {
	want := map[string]any{}
	if f.root != nil {
		if err := f.root.Decode(&want); err != nil {
			return nil, err
		}
	}
	change(want)
	text := strings.Join(f.lines, f.newline) + f.newline
	got := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
		return nil, ErrStyle
	}
	return []byte(text), nil
}

func decode(text string) (v any, err error) {
	err = yaml.Unmarshal([]byte(text), &v)
	return v, err
}

func indent(text string, margin int) string {
	space := strings.Repeat(" ", margin)
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(space)
		}
		out.WriteString(line)
	}
	return out.String()
}
