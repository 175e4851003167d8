package library

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/component/dashboards/provision"
	"github.com/ausguck/ausguck/internal/grafana"
)

// builtInFolder is the folder of the dashboards in the binary.
const (
	builtInFolder    = "Ausguck"
	builtInFolderUID = "ausguck"
)

// provider is a directory of dashboard files.
type provider struct {
	name            string
	folder          string // title; empty is General
	folderUID       string
	path            string // on this host
	disableDeletion bool
	allowUIUpdates  bool
	interval        time.Duration
	folders         bool // subdirectories of path become folders
	builtIn         bool // path is in Config.builtIn
}

type providerFile struct {
	APIVersion int         `yaml:"apiVersion"`
	Providers  []yaml.Node `yaml:"providers"`
}

type providerYAML struct {
	Name                  string         `yaml:"name"`
	OrgID                 int64          `yaml:"orgId"`
	Folder                string         `yaml:"folder"`
	FolderUID             string         `yaml:"folderUid"`
	Type                  string         `yaml:"type"`
	DisableDeletion       bool           `yaml:"disableDeletion"`
	Editable              *bool          `yaml:"editable"`
	AllowUIUpdates        bool           `yaml:"allowUiUpdates"`
	UpdateIntervalSeconds int64          `yaml:"updateIntervalSeconds"`
	Options               map[string]any `yaml:"options"`
}

const (
	defaultInterval = 10 * time.Second // Grafana's default
	maxInterval     = 24 * time.Hour
)

// Config holds the settings from provisioning/dashboards and what was found at the paths they name.
type Config struct {
	// Problems lists dashboard files that cannot be shown, each as "file: reason". They prevent neither startup nor reload.
	Problems []error

	files     *provision.Files
	builtIn   fs.FS
	dir       string
	providers []provider
	// scanned holds the providers' files as they were checked, so that they are read only once at startup.
	scanned []*providerFiles
}

// Load reads the files. builtIn holds the built-in dashboards and dir the saved ones; an empty value means none. It
// returns all problems, each as "file:line: field: reason".
func Load(files *provision.Files, builtIn fs.FS, dir string) (*Config, []error) {
	c := &Config{files: files, builtIn: builtIn, dir: dir}
	problems := files.Each("dashboards", c.readProviders)
	c.addDefaultProviders()
	return c, problems
}

// Check reads the dashboards and fills Problems with what startup would report.
func (c *Config) Check(resolve Resolver) {
	for _, p := range c.providers {
		now, _ := p.scan(c.builtIn, nil, resolve, true)
		c.scanned = append(c.scanned, now)
	}
	_, c.Problems = mergeProvisioned(c.scanned, nil)
	if c.dir != "" {
		_, problems := scanSaved(os.DirFS(c.dir), c.dir, nil, resolve)
		c.Problems = append(c.Problems, problems...)
	}
}

// readProviders reads one file of provisioning/dashboards.
func (c *Config) readProviders(file string, root *yaml.Node) []error {
	var f providerFile
	var problems []error
	snake := root.Kind == yaml.SequenceNode // the format before apiVersion
	if snake {
		for _, n := range root.Content {
			f.Providers = append(f.Providers, *n)
		}
	} else {
		_, problems = provision.Version(file, root)
		if errs := c.files.Decode(file, "", root, false, &f); len(errs) > 0 {
			return append(problems, errs...)
		}
	}
	for i := range f.Providers {
		var y providerYAML
		field := fmt.Sprintf("providers[%d]", i)
		if errs := c.files.Decode(file, field, &f.Providers[i], snake, &y); len(errs) > 0 {
			problems = append(problems, errs...)
			continue
		}
		where := fmt.Sprintf("%s:%d: %s", file, f.Providers[i].Line, field)
		p, errs := c.provider(where, y)
		problems = append(problems, errs...)
		c.providers = append(c.providers, p)
	}
	return problems
}

func (c *Config) provider(where string, y providerYAML) (provider, []error) {
	p := provider{
		name: cmp.Or(y.Name, "default"), folder: y.Folder, folderUID: y.FolderUID,
		disableDeletion: y.DisableDeletion, allowUIUpdates: y.AllowUIUpdates, interval: defaultInterval,
	}
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(where+": "+format, args...)) }
	if y.Type != "" && y.Type != "file" {
		bad("type: only file is supported, not %q", y.Type)
	}
	if y.UpdateIntervalSeconds < 0 {
		bad("updateIntervalSeconds: %d is less than 0", y.UpdateIntervalSeconds)
	} else if y.UpdateIntervalSeconds > 0 {
		p.interval = min(time.Duration(y.UpdateIntervalSeconds)*time.Second, maxInterval)
	}
	if y.FolderUID != "" && !grafana.LegalUID(y.FolderUID) {
		bad("folderUid: %q may contain letters, digits, - and _, at most 40 characters", y.FolderUID)
	}
	for _, other := range c.providers {
		if other.name == p.name {
			bad("name: %q is used twice; Grafana would read only one of them", p.name)
		}
	}
	p.folders, _ = y.Options["foldersFromFilesStructure"].(bool)
	if p.folders && p.folder != "" && p.folderUID != "" { // with only one, Grafana starts and uses the directories
		bad("foldersFromFilesStructure: requires that folder and folderUid are empty")
	}
	if p.folders {
		p.folder, p.folderUID = "", ""
	}
	path, _ := y.Options["path"].(string)
	if path == "" {
		path, _ = y.Options["folder"].(string) // the key in old files
	}
	if path == "" {
		bad("options.path: required; the folder with dashboard files")
		return p, problems
	}
	p.path = c.localPath(where, path)
	return p, problems
}

// usualMount is where dashboards are mounted in Grafana's documentation and in the original's compose file.
const usualMount = "/var/lib/grafana/dashboards"

// localPath maps path, which may be a path inside a container, to a path on this host.
func (c *Config) localPath(where, path string) string {
	if filepath.IsAbs(path) {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	base := filepath.Join(c.files.ConfigDir, "grafana")
	candidates := []string{}
	if !filepath.IsAbs(path) {
		candidates = append(candidates, filepath.Join(c.files.ConfigDir, path), filepath.Join(base, path))
	}
	for _, known := range []struct{ container, here string }{
		{"/etc/grafana/provisioning/dashboards", filepath.Join(base, "provisioning", "dashboards")},
		{"/etc/grafana/provisioning", filepath.Join(base, "provisioning")},
		{usualMount, filepath.Join(base, "dashboards")},
		{"/etc/grafana/dashboards", filepath.Join(base, "dashboards")},
		{"/etc/dashboards", filepath.Join(base, "dashboards")},
		{"/dashboards", filepath.Join(base, "dashboards")},
		{"/var/lib/grafana", base},
		{"/etc/grafana", base},
	} {
		if rest, ok := strings.CutPrefix(filepath.Clean(path)+"/", known.container+"/"); ok {
			candidates = append(candidates, filepath.Join(known.here, rest))
		}
	}
	// Files stored without subdirectories in the repository are often mounted into a subdirectory of a container.
	candidates = append(candidates, filepath.Join(base, "dashboards", filepath.Base(path)), filepath.Join(base, "dashboards"))
	for _, candidate := range candidates {
		if info, err := os.Stat(candidate); err == nil && (info.IsDir() || isJSON(candidate)) {
			if filepath.IsAbs(path) && !usual(base, candidate, path) {
				c.files.Warn("%s: options.path: %s does not exist; reading %s instead", where, path, candidate)
			}
			return candidate
		}
	}
	c.files.Warn("%s: options.path: %s does not exist; its dashboards appear when it does", where, path)
	return path
}

// usual reports whether a path of Grafana's container maps to its usual local counterpart, which needs no warning. The
// built-in set uses one of these paths so that a stock Grafana can read it too.
func usual(base, candidate, path string) bool {
	path = filepath.Clean(path)
	for container, here := range map[string]string{usualMount: "dashboards", "/etc/grafana/provisioning": "provisioning"} {
		if rest, ok := strings.CutPrefix(path+"/", container+"/"); ok && candidate == filepath.Join(base, here, rest) {
			return true
		}
	}
	return false
}

// addDefaultProviders adds the directory that is read by default, and the built-in dashboards.
func (c *Config) addDefaultProviders() {
	if len(c.providers) == 0 && c.files.ConfigDir != "" {
		c.providers = append(c.providers, provider{
			name: "default", path: filepath.Join(c.files.ConfigDir, "grafana", "dashboards"),
			interval: defaultInterval, folders: true,
		})
	}
	if c.builtIn != nil {
		c.providers = append(c.providers, provider{
			name: "built-in", folder: builtInFolder, folderUID: builtInFolderUID, path: "grafana/dashboards", interval: maxInterval, builtIn: true,
		})
	}
}
