package logcollector

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/fsnotify/fsnotify"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

const (
	pathLabel     = "__path__"
	excludeLabel  = "__path_exclude__"
	hostLabel     = "__host__"
	filenameLabel = "filename"
	scanInterval  = 10 * time.Second
	clockInterval = time.Second
	rememberNames = 24 * time.Hour // how long a name without a file may come back
)

// fileTarget is a glob and the labels of the files that it matches.
type fileTarget struct {
	job           *job
	path, exclude string
	labels        model.LabelSet
	mark          string // of the job and the labels, in keys
}

// key identifies a target: service discovery makes it again whenever something changes.
func (t *fileTarget) key() string { return t.path + "\x00" + t.exclude + "\x00" + t.mark }

// sighting is when something was seen: by the clock, for comparisons with file times, and as measured time,
// because the clock may be set.
type sighting struct{ at, measured time.Time }

// files reads all files that the targets of service discovery match.
type files struct {
	logger  *slog.Logger
	sender  *sender
	metrics *metrics
	jobs    map[string]*job
	wake    chan struct{}
	// importPosition returns how far a previous Promtail had read a file.
	importPosition func(path string) int64
	// born returns when a file was created, a time long ago if unknown.
	born func(*os.File) time.Time
	// maxOpen is how many files are open at once; 0 means no limit.
	maxOpen int
	// entered is called for each change of a reader's state; may be nil.
	entered func(from, to state)
	// looking is called between a search for copies and a read, where tests rotate a file; nil otherwise.
	looking func()

	mtx        sync.Mutex
	targets    map[string][]*fileTarget // by job
	readers    map[string]*fileReader   // by key
	claimed    map[string]*os.File      // by key: copies that are read by the reader of their original
	newest     map[string]*fileReader   // by log: the reader that was started last
	finished   map[string]bool          // keys of files that are gone and were read
	unreadable map[string]string        // path → reason that was logged
	crowdedOut map[string]crowdedOut    // by key: files that wait because too many are open
	crowdTold  bool
	passed     []passedName
	lastSeen   map[string]sighting  // of paths by the last scan that matched them
	scanned    time.Time            // when the last scan was, zero before the first
	watched    map[string]time.Time // since when each target is looked at, by fileTarget.key
	wg         sync.WaitGroup
}

func newFiles(logger *slog.Logger, s *sender, m *metrics, jobs map[string]*job) *files {
	return &files{
		logger: logger, sender: s, metrics: m, jobs: jobs, wake: make(chan struct{}, 1),
		importPosition: func(string) int64 { return 0 }, born: born,
		targets: map[string][]*fileTarget{}, readers: map[string]*fileReader{}, newest: map[string]*fileReader{}, claimed: map[string]*os.File{},
		finished: map[string]bool{}, unreadable: map[string]string{}, lastSeen: map[string]sighting{}, watched: map[string]time.Time{},
	}
}

// run discovers and reads until ctx ends.
func (f *files) run(ctx context.Context) error {
	configs := map[string]discovery.Configs{}
	for name, j := range f.jobs {
		static := j.cfg.ServiceDiscoveryConfig.StaticConfigs
		for i, group := range static {
			group.Source = fmt.Sprint(i)
			if len(group.Targets) == 0 {
				group.Targets = []model.LabelSet{{model.AddressLabel: "localhost"}}
			}
		}
		configs[name] = j.cfg.ServiceDiscoveryConfig.Configs()
	}
	reg := prometheus.NewRegistry() // the metrics of scrapes already have these names
	sd, err := discovery.CreateAndRegisterSDMetrics(reg)
	if err != nil {
		return fmt.Errorf("discover log files: %w", err)
	}
	manager := discovery.NewManager(ctx, f.logger, reg, sd, discovery.Updatert(100*time.Millisecond))
	if err := manager.ApplyConfig(configs); err != nil {
		return fmt.Errorf("discover log files: %w", err)
	}
	go func() { _ = manager.Run() }() // ends with ctx
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		f.logger.Warn("Cannot watch folders; new log files are found by polling", "err", err)
		watcher = &fsnotify.Watcher{}
	} else {
		defer func() { _ = watcher.Close() }()
	}
	f.loop(ctx, manager.SyncCh(), watcher)
	f.wg.Wait()
	return nil
}

func (f *files) loop(ctx context.Context, groups <-chan map[string][]*targetgroup.Group, watcher *fsnotify.Watcher) {
	ticker, clock := time.NewTicker(scanInterval), time.NewTicker(clockInterval)
	defer ticker.Stop()
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case g := <-groups:
			f.apply(g)
		case <-clock.C:
			f.sender.ledger.clock.now() // detects that it was set, even while all readers wait
			continue
		case <-ticker.C:
		case <-f.wake:
		case e, ok := <-watcher.Events:
			if !ok || !e.Has(fsnotify.Create) {
				continue
			}
		case err := <-watcher.Errors:
			f.logger.Debug("Folders cannot be watched at the moment", "err", err)
		}
		f.scan(ctx, watcher)
	}
}

// apply turns the result of service discovery into targets.
func (f *files) apply(all map[string][]*targetgroup.Group) {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	host, _ := os.Hostname()
	for name, groups := range all {
		j := f.jobs[name]
		var targets []*fileTarget
		seen := map[string]bool{}
		for _, g := range groups {
			for _, t := range g.Targets {
				target := f.target(j, g.Labels.Merge(t), host)
				if target == nil || seen[target.key()] {
					continue
				}
				seen[target.key()] = true
				targets = append(targets, target)
			}
		}
		f.targets[name] = targets
	}
}

// target relabels; nil means that the target does not apply here.
func (f *files) target(j *job, discovered model.LabelSet, host string) *fileTarget {
	set, keep := relabelled(discovered, j.cfg.RelabelConfigs)
	if !keep || set[pathLabel] == "" {
		return nil
	}
	if h, ok := set[hostLabel]; ok && string(h) != host {
		return nil
	}
	t := &fileTarget{job: j, path: string(set[pathLabel]), exclude: string(set[excludeLabel]), labels: publicLabels(set)}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, j.name, t.labels.String())
	t.mark = fmt.Sprintf("%016x", h.Sum64())
	return t
}

func relabelled(set model.LabelSet, configs []*relabel.Config) (model.LabelSet, bool) {
	b := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range set {
		b.Set(string(name), string(value))
	}
	keep := relabel.ProcessBuilder(b, configs...)
	result := model.LabelSet{}
	b.Range(func(l labels.Label) { result[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return result, keep
}

func publicLabels(set model.LabelSet) model.LabelSet {
	public := model.LabelSet{}
	for name, value := range set {
		if !strings.HasPrefix(string(name), model.ReservedLabelPrefix) && value != "" {
			public[name] = value
		}
	}
	return public
}

func (f *files) watch(watcher *fsnotify.Watcher, dirs map[string]bool) {
	if watcher.Events == nil {
		return
	}
	for _, dir := range watcher.WatchList() {
		if !dirs[dir] {
			_ = watcher.Remove(dir)
		}
		delete(dirs, dir)
	}
	for dir := range dirs {
		_ = watcher.Add(dir) // if it fails, the next scan finds new files
	}
}

// base returns the folder that contains all matches.
func (t *fileTarget) base() string {
	if dir, err := filepath.Abs(filepath.Dir(t.path)); err == nil && !strings.ContainsAny(dir, "*?[{\\") {
		return dir
	}
	dir, _ := doublestar.SplitPattern(filepath.ToSlash(t.path))
	return filepath.Clean(dir)
}

// matches returns the paths that a target currently matches.
func (t *fileTarget) matches() []string {
	paths := []string{t.path}
	if info, err := os.Stat(t.path); err != nil || info.IsDir() {
		if paths, err = doublestar.FilepathGlob(t.path); err != nil {
			return nil
		}
	}
	var kept []string
	for _, p := range paths {
		if out, _ := doublestar.PathMatch(t.exclude, p); t.exclude != "" && (out || t.exclude == p) {
			continue
		}
		if abs, err := filepath.Abs(p); err == nil {
			kept = append(kept, abs)
		}
	}
	return kept
}

// offsets returns how far each file has been read, for positions.yaml.
func (f *files) offsets() map[string]int64 {
	offsets := map[string]int64{}
	for key, p := range maps.All(f.sender.ledger.known()) {
		if strings.HasPrefix(key, "file:") && p.Path != "" {
			offsets[p.Path] = max(offsets[p.Path], p.Offset)
		}
	}
	return offsets
}
