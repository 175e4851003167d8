package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Reload reads all files again and applies them, or changes nothing and returns all problems. During the start it waits until the
// start has completed. Flags are not read again: they require a restart.
func (a *App) Reload() error {
	done, err := a.beginReload()
	if err != nil {
		return err
	}
	defer done()
	l := a.options.loadAll(a.known, false)
	err = l.err()
	if err == nil {
		err = a.apply()
	}
	for p := range a.parts() {
		p.reloaded(err)
	}
	if err != nil {
		a.options.Logger.Error("Configuration not reloaded; keeping the previous one", "err", err)
		return err
	}
	a.remember(l)
	a.group.Retry() // the configuration may be the reason why a part is down
	a.options.Logger.Info("Configuration reloaded")
	return nil
}

// beginReload waits for the start and for a reload in progress.
func (a *App) beginReload() (done func(), err error) {
	select {
	case <-a.settled:
	case <-a.stopping:
		return nil, errors.New("the program is stopping")
	}
	a.reloading.Lock()
	return a.reloading.Unlock, nil
}

// reloadAlone reads the files of one part again and applies them, or changes nothing and returns all problems.
func (a *App) reloadAlone(p part) error {
	done, err := a.beginReload()
	if err != nil {
		return err
	}
	defer done()
	l := newLoading(&a.options)
	l.known = a.known
	p.load(l)
	err = l.err()
	if err == nil {
		err = p.apply()
	}
	p.reloaded(err)
	if err != nil {
		return err
	}
	a.remember(l)
	a.options.Logger.Info("Configuration reloaded", "part", p.name())
	return nil
}

// apply applies the loaded configuration of each part. If one of them fails, those before it are rolled back.
func (a *App) apply() error {
	var applied []part
	for p := range a.parts() {
		err := p.apply()
		if err == nil {
			applied = append(applied, p)
			continue
		}
		err = fmt.Errorf("%s: %w", p.name(), err)
		for i := len(applied) - 1; i >= 0; i-- {
			if back := applied[i].undo(); back != nil {
				err = errors.Join(err, fmt.Errorf("%s: restore the previous configuration: %w", applied[i].name(), back))
			}
		}
		return err
	}
	return nil
}

// remember saves the configurations that loaded for later starts, and reports those that did not.
func (a *App) remember(l *loading) {
	log := a.options.Logger
	logged(log, l.warnings)
	for part, d := range l.loaded {
		if err := a.known.save(part, d); err != nil {
			log.Warn("Cannot save a copy of the configuration; an older copy is used if the file does not load at the next start", "part", part, "file", d.Name, "err", err)
		}
	}
	for part, f := range l.faults {
		log.Error("Configuration file does not load and is replaced; fix the file and reload", "part", part, "using", f.instead, "err", errors.Join(f.problems...))
	}
	faults, loaded := map[string]fault{}, map[string]document{}
	if before := a.faults.Load(); before != nil {
		maps.Copy(faults, *before)
		maps.Copy(loaded, *a.loaded.Load())
	}
	for part, d := range l.loaded {
		delete(faults, part)
		loaded[part] = d
	}
	maps.Copy(faults, l.faults)
	warned := map[string][]string{}
	if before := a.warned.Load(); before != nil && !l.whole {
		maps.Copy(warned, *before)
		for part := range l.loaded {
			delete(warned, part)
		}
	}
	maps.Copy(warned, l.warned)
	a.warned.Store(&warned)
	a.faults.Store(&faults)
	a.loaded.Store(&loaded)
	for p := range a.parts() {
		if f, wrong := faultOf(l.faults, p.name()); wrong {
			p.reloaded(f)
		}
	}
}

// settleTime is how long files must remain unchanged before a change is considered complete.
const settleTime = time.Second

// watchFiles reloads after a change of a configuration file, for --config.auto-reload.
func (a *App) watchFiles(ctx context.Context) {
	interval := max(time.Duration(a.options.AutoReloadInterval), time.Second)
	last := a.fingerprint()
	for wait(ctx, interval) {
		now := a.fingerprint()
		if now == last {
			continue
		}
		for wait(ctx, settleTime) { // a write may be in progress
			next := a.fingerprint()
			if next == now {
				break
			}
			now = next
		}
		if ctx.Err() != nil {
			return
		}
		last = now
		_ = a.Reload() // logged by Reload; the next change causes another attempt
	}
}

// wait returns false if ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// fingerprint changes if a loaded file or a file in the configuration folder changes.
func (a *App) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	var files []string
	loaded := *a.loaded.Load()
	for _, key := range slices.Sorted(maps.Keys(loaded)) {
		files = append(append(files, loaded[key].Name), loaded[key].beside...)
	}
	if a.options.ConfigDir != "" {
		_ = filepath.WalkDir(a.options.ConfigDir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return nil
		})
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		h.Write([]byte(path))
		h.Write(content)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
