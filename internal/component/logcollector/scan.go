package logcollector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/prometheus/common/model"
	"golang.org/x/text/encoding/ianaindex"
)

// passedName is a name that went from one file to another. Others may have had it in between.
type passedName struct {
	target *fileTarget
	path   string
	since  time.Time // when it was last known whose name it was
}

// candidate is an open file that is to be read.
type candidate struct {
	target  *fileTarget
	key     string
	path    string // the name of the log whose lines it holds
	file    *os.File
	info    fs.FileInfo
	current bool // it has the name now; others had it before
}

// scan is one look at the files that there are: first it finds all that are to be read, then it starts their readers, the
// oldest file of each log first.
type scan struct {
	*files

	dirs       map[string]bool // that hold files, to be watched
	seen       map[string]bool // paths that are matched
	keys       map[string]bool // of files that are read, were read, or are to be read
	candidates []candidate
}

// scan starts a reader for each file that is to be read and is not yet.
func (f *files) scan(ctx context.Context, watcher *fsnotify.Watcher) {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	now := time.Now()
	s := &scan{files: f, dirs: map[string]bool{}, seen: map[string]bool{}, keys: map[string]bool{}}
	for _, targets := range f.targets {
		for _, t := range targets {
			s.match(t)
			s.leftBehind(t)
		}
	}
	for _, p := range f.passed {
		s.between(p)
	}
	f.passed = nil
	s.start(ctx)
	maps.DeleteFunc(f.unreadable, func(path, _ string) bool { return !s.seen[path] })
	f.metrics.unreadable.Set(float64(len(f.unreadable)))
	if len(f.targets) > 0 {
		f.seen, f.scanned = s.seen, now
	}
	known := f.sender.ledger.known()
	maps.DeleteFunc(f.finished, func(key string, _ bool) bool {
		_, ok := known[key]
		return !ok && !s.keys[key]
	})
	f.watch(watcher, s.dirs)
	f.metrics.sources.WithLabelValues("file").Set(float64(len(f.readers)))
}

// match finds the files that have a name that a target matches.
func (s *scan) match(t *fileTarget) {
	s.dirs[t.base()] = true
	matches := t.matches()
	if len(matches) == 0 && s.lookInto(t.base()) {
		s.seen[t.base()] = true
	}
	for _, path := range matches {
		s.dirs[filepath.Dir(path)] = true
		s.seen[path] = true
		s.current(t, path)
		if s.files.seen != nil && !s.files.seen[path] { // it may have been rotated since it was made
			s.passed = append(s.passed, passedName{t, path, s.scanned})
		}
	}
}

// current takes the file that has a name for a candidate, unless it is read or was.
func (s *scan) current(t *fileTarget, path string) {
	info, err := os.Stat(path)
	if err != nil {
		s.complain(path, err)
		return
	}
	if !info.Mode().IsRegular() {
		return
	}
	if key := fileKey(idOf(info), t.mark); s.readers[key] != nil {
		s.keys[key] = true
		return
	}
	file, info, err := generation{path: path}.open() // the name may be another file's by now
	if err != nil {
		s.complain(path, err)
		return
	}
	delete(s.unreadable, path)
	key := fileKey(idOf(info), t.mark)
	if s.keys[key] || s.readers[key] != nil || s.finished[key] && s.isRead(key, file, info) {
		s.keys[key] = true
		_ = file.Close()
		return
	}
	s.keys[key] = true
	s.candidates = append(s.candidates, candidate{t, key, path, file, info, true})
}

// isRead reports whether nothing follows what was read. A new file may have the number of one that was deleted.
func (f *files) isRead(key string, file *os.File, info fs.FileInfo) bool {
	pos, ok := f.sender.ledger.get(key)
	return ok && pos.Offset == info.Size() && sameFile(file, pos)
}

func fileKey(id fileID, mark string) string { return "file:" + id.String() + ":" + mark }

// leftBehind finds the files that were rotated away while nobody read: their names belong to others now.
func (s *scan) leftBehind(t *fileTarget) {
	listed := map[string]map[fileID]string{} // by folder: each is listed once as long as nothing moves
	for key, pos := range s.sender.ledger.known() {
		if !strings.HasSuffix(key, ":"+t.mark) || s.keys[key] || s.readers[key] != nil || s.finished[key] {
			continue
		}
		var id fileID
		if _, err := fmt.Sscanf(key, "file:%d:%d:", &id.dev, &id.inode); err != nil {
			continue
		}
		dir := filepath.Dir(pos.Path)
		if _, ok := listed[dir]; !ok {
			listed[dir], _ = filesIn(dir) // openAs says why it cannot be
		}
		var err error
		file := openIf(listed[dir][id], id)
		if file == nil {
			file, err = openAs(pos.Path, id)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue // it is being moved, or its folder cannot be read: the next scan looks again
		}
		if err == nil && !isOf(file, pos) { // another file has the number now
			_ = file.Close()
			err = fs.ErrNotExist
		}
		if err != nil {
			if _, open := s.sender.ledger.unfinished(key); open {
				s.logger.Warn("A log file is gone with lines that may not be stored", "path", pos.Path)
			}
			s.sender.ledger.forget(key)
			s.passed = append(s.passed, passedName{t, pos.Path, time.Unix(pos.At, 0)})
			continue
		}
		info, err := file.Stat()
		if err != nil {
			_ = file.Close()
			continue
		}
		s.keys[key] = true
		s.candidates = append(s.candidates, candidate{t, key, pos.Path, file, info, false})
		if !pos.Rotated {
			s.passed = append(s.passed, passedName{t, pos.Path, info.ModTime()})
		}
	}
}

// isOf reports whether a file is the one of a position; of one that was not read yet, its name says it.
func isOf(file *os.File, pos position) bool {
	if len(pos.Tail) == 0 {
		return strings.HasPrefix(filepath.Base(file.Name()), filepath.Base(pos.Path))
	}
	return sameFile(file, pos)
}

// between finds files that had a name so shortly that no scan saw them: rotation has moved them on already.
func (s *scan) between(p passedName) {
	for _, g := range generations(p.path) {
		if g.made.Before(p.since) {
			return // sorted by time
		}
		file, info, err := g.open()
		if err != nil {
			continue
		}
		key := fileKey(idOf(info), p.target.mark)
		pos, known := s.sender.ledger.get(key)
		if s.keys[key] || s.readers[key] != nil || known && sameFile(file, pos) || s.isCopy(p, file) {
			_ = file.Close()
			continue
		}
		s.keys[key] = true
		s.sender.ledger.put(key, position{Path: p.path, Rotated: true})
		s.candidates = append(s.candidates, candidate{p.target, key, p.path, file, info, false})
	}
}

// isCopy reports whether a file is a copy of one whose lines have been read in part: the reader of that one reads it.
func (s *scan) isCopy(p passedName, file *os.File) bool {
	for key, pos := range s.sender.ledger.known() {
		if pos.Path == p.path && len(pos.Tail) > 0 && strings.HasSuffix(key, ":"+p.target.mark) && sameFile(file, pos) {
			return true
		}
	}
	return false
}

// nameIsPassed has the next scan look for files that had a name in between.
func (f *files) nameIsPassed(p passedName) {
	f.mtx.Lock()
	f.passed = append(f.passed, p)
	f.mtx.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// start runs a reader of each candidate. Lines of a log are stored in the order in which they were written, because the store
// refuses those that are far behind others: a reader waits until the one of the file before has read what there is.
func (s *scan) start(ctx context.Context) {
	slices.SortStableFunc(s.candidates, func(a, b candidate) int {
		switch {
		case a.current == b.current:
		case a.current:
			return 1
		default:
			return -1
		}
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), -cmp.Compare(rotationNumber(a.file.Name()), rotationNumber(b.file.Name())))
	})
	for _, c := range s.candidates {
		s.read(ctx, c)
	}
}

// read runs the reader of a candidate; f.mtx is held.
func (f *files) read(ctx context.Context, c candidate) {
	t, key := c.target, c.key
	if pos, ok := f.sender.ledger.get(key); ok && (pos.Path != c.path || pos.Rotated) && !sameFile(c.file, pos) {
		f.sender.ledger.forget(key) // another file has the inode now
	} else if !ok {
		if offset := f.importPosition(c.path); offset > 0 && offset <= c.info.Size() {
			f.sender.ledger.put(key, position{Path: c.path, Offset: offset})
		}
	}
	log := t.mark + ":" + c.path
	r := &fileReader{
		logger: f.logger, sender: f.sender, metrics: f.metrics, job: t.job, key: key, id: idOf(c.info), path: c.path,
		labels:   t.labels.Merge(model.LabelSet{filenameLabel: model.LabelValue(c.path)}),
		passed:   func(since time.Time) { f.nameIsPassed(passedName{t, c.path, since}) },
		caughtUp: make(chan struct{}),
	}
	if before := f.newest[log]; before != nil {
		r.older = before.caughtUp
	}
	if name := t.job.cfg.Encoding; name != "" {
		if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil { // checked when it was loaded
			r.decode = e.NewDecoder()
		}
	}
	f.readers[key], f.newest[log] = r, r
	delete(f.finished, key)
	f.wg.Go(func() {
		err := r.follow(ctx, c.file)
		f.mtx.Lock()
		defer f.mtx.Unlock()
		delete(f.readers, key)
		if f.newest[log] == r {
			delete(f.newest, log)
		}
		_ = c.file.Close() // only now may another file get its number
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.complain(c.path, err)
			return
		}
		f.finished[key] = true
	})
}
