// Package confpath finds files that configurations refer to by their paths in the official containers.
//
// A compose file mounts a folder at /etc/prometheus, and its prometheus.yml names other files there, such as
// /etc/prometheus/rules/*.yml. Here the same folder is --config.dir, and such a path refers to the file below it. The package
// imports only the standard library.
package confpath

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// containers are the configuration folders of the official images.
var containers = []string{"/etc/prometheus", "/etc/alertmanager", "/etc/loki", "/etc/promtail", "/etc/blackbox_exporter"}

// Here returns the location of path, which may be a pattern: path itself if it exists here or is not a container path, otherwise
// the same path below dir.
func Here(path, dir string) string {
	if !filepath.IsAbs(path) {
		return path
	}
	clean := filepath.Clean(path)
	for _, c := range containers {
		rest, inside := strings.CutPrefix(clean, c+string(filepath.Separator))
		if !inside || filepath.Clean(dir) == c {
			continue
		}
		if there, err := filepath.Glob(clean); err == nil && len(there) > 0 {
			return path
		}
		if _, err := os.Stat(c); err == nil {
			if found, err := filepath.Glob(filepath.Join(dir, rest)); err != nil || len(found) == 0 {
				return path // the folder exists here too, and neither has the file
			}
		}
		return filepath.Join(dir, rest)
	}
	return path
}

// Moved records the paths that Here has mapped.
type Moved struct{ paths []string }

// Here is like the function, for one configuration file.
func (m *Moved) Here(path, dir string) string {
	here := Here(path, dir)
	if here != path && !slices.Contains(m.paths, path) {
		m.paths = append(m.paths, path)
	}
	return here
}

// Warning describes where the mapped paths are read; empty if there are none.
func (m *Moved) Warning(file, dir string) string {
	if len(m.paths) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: paths of the official container are not here and are read below %s instead: %s", file, dir, strings.Join(m.paths, ", "))
}

// Visit calls visit with every path in a configuration: strings whose YAML key ends in _file, and lists of files.
func Visit(cfg any, visit func(path *string)) { visitValue(reflect.ValueOf(cfg), "", visit) }

// lists are the keys of lists of paths.
var lists = map[string]bool{"files": true, "rule_files": true, "scrape_config_files": true, "templates": true}

func visitValue(v reflect.Value, key string, visit func(*string)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			visitValue(v.Elem(), key, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case !f.IsExported() || name == "-" && !strings.HasSuffix(f.Type.Name(), "Configs"):
			case strings.Contains(options, "inline") || f.Anonymous:
				visitValue(v.Field(i), key, visit)
			default:
				visitValue(v.Field(i), name, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			visitValue(v.Index(i), key, visit)
		}
	case reflect.String:
		if (strings.HasSuffix(key, "_file") || lists[key]) && v.CanAddr() {
			if path, ok := v.Addr().Interface().(*string); ok && *path != "" {
				visit(path)
			}
		}
	}
}
