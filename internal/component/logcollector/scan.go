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

// candidate is an open file to be read.
type candidate struct {
	target  *fileTarget
	key     string
	path    string // the name of the log to which its lines belong
	file    *os.File
	info    fs.FileInfo
	current bool      // it has the name now; others had it before
	copied  time.Time // when the first copy of it was made that its reader has to look at; zero if none
}

// scan is one pass over the existing files: first it finds all that are to be read, then it starts their readers, the
// oldest file of each log first.
type scan struct {
	*files

	now        time.Time
	dirs       map[string]bool // that contain files, to be watched
	seen       map[string]bool // paths that are matched
	asked      map[string]bool // keys of targets
	keys       map[string]bool // of files that are being read, were read, or are to be read
	candidates []candidate
	named      []string     // keys of names that have a file again
	again      []passedName // for the next scan to look at, too
	crowded    map[string]crowdedOut
	since      map[string]time.Time // when each log began to wait
}

// scan starts a reader for each file that is to be read and has none yet.
func (f *files) scan(ctx context.Context, watcher *fsnotify.Watcher) {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	if err := f.sender.ledger.heedClock(); err != nil {
		f.logger.Warn("Cannot record that the clock was set back", "err", err)
	}
	now := f.sender.ledger.clock.now()
	s := &scan{files: f, now: now, dirs: map[string]bool{}, seen: map[string]bool{}, asked: map[string]bool{}, keys: map[string]bool{}, crowded: map[string]crowdedOut{}, since: f.waitingSince()}
	for _, targets := range f.targets {
		for _, t := range targets {
			s.nameless(t)
			s.match(t)
			s.leftBehind(t)
		}
	}
	for _, p := range earliest(f.passed) {
		s.between(p)
	}
	f.passed = s.again
	s.start(ctx)
	s.tellOfCrowd()
	for _, key := range s.named { // only now are their files recorded instead
		f.sender.ledger.forget(key)
	}
	s.rememberNames()
	maps.DeleteFunc(f.unreadable, func(path, _ string) bool { return !s.seen[path] })
	f.metrics.unreadable.Set(float64(len(f.unreadable)))
	if len(f.targets) > 0 {
		for path := range s.seen {
			f.lastSeen[path] = sighting{now, time.Now()}
		}
		maps.DeleteFunc(f.lastSeen, func(_ string, last sighting) bool { return time.Since(last.measured) > rememberNames })
		f.scanned = now
	}
	maps.DeleteFunc(f.watched, func(key string, _ time.Time) bool { return !s.asked[key] })
	known := f.sender.ledger.known()
	maps.DeleteFunc(f.finished, func(key string, _ bool) bool {
		_, ok := known[key]
		return !ok && !s.keys[key]
	})
	f.watch(watcher, s.dirs)
	f.metrics.sources.WithLabelValues("file").Set(float64(len(f.readers)))
}

// match finds the files whose name is matched by a target.
func (s *scan) match(t *fileTarget) {
	s.dirs[t.base()] = true
	since, before := s.watchedSince(t)
	matches := t.matches()
	if len(matches) == 0 && s.lookInto(t.base()) {
		s.seen[t.base()] = true
	}
	for _, path := range matches {
		s.dirs[filepath.Dir(path)] = true
		s.seen[path] = true
		s.current(t, path)
		last, known := s.lastSeen[path]
		switch {
		case known && last.at.Equal(s.scanned):
		case known: // other files may have had the name since
			s.passed = append(s.passed, passedName{t, path, last.at})
		case before: // another file may have had it, too, before a scan saw any
			s.passed = append(s.passed, passedName{t, path, since})
		}
	}
}

// watchedSince returns the time since when a target is looked at, and whether anything was before this scan.
func (s *scan) watchedSince(t *fileTarget) (since time.Time, before bool) {
	s.asked[t.key()] = true
	since, before = s.watched[t.key()]
	if !before {
		if since, before = s.scanned, !s.scanned.IsZero(); !before {
			since = s.now
		}
		s.watched[t.key()] = since
	}
	return since, before
}

// current makes the file that has a name a candidate, unless it is being read or was read.
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
	} else if s.stillOut(key) {
		return
	}
	file, info, err := openNamed(path) // another file may have the name by now
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
	if s.isClaimed(file) {
		_ = file.Close()
		return // the next scan starts it
	}
	c := candidate{target: t, key: key, path: path, file: file, info: info, current: true}
	s.goOnAfterCopy(c)
	s.add(c)
}

// isRead reports whether the file was read to its end. A new file may have the inode number of a deleted one.
func (f *files) isRead(key string, file *os.File, info fs.FileInfo) bool {
	pos, ok := f.sender.ledger.get(key)
	return ok && pos.Offset == info.Size() && sameFile(file, pos)
}

func fileKey(id fileID, mark string) string { return "file:" + id.String() + ":" + mark }

// leftBehind finds the files that were rotated away while nothing was read: their names belong to other files now.
func (s *scan) leftBehind(t *fileTarget) {
	listed := map[string]map[fileID]string{} // by folder: each is listed once unless files are moved
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
			listed[dir], _ = filesIn(dir) // openAs returns the error
		}
		var err error
		file := openIf(listed[dir][id], id)
		if file == nil {
			file, err = openAs(pos.Path, id)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue // it is being moved, or its folder cannot be read: the next scan looks again
		}
		if err == nil && !isOf(file, pos) { // another file has the inode number now
			_ = file.Close()
			err = fs.ErrNotExist
		}
		if err != nil {
			s.gone(t, key, pos)
			continue
		}
		info, err := file.Stat()
		if err != nil {
			_ = file.Close()
			continue
		}
		s.add(candidate{target: t, key: key, path: pos.Path, file: file, info: info})
		if !pos.Rotated {
			s.passed = append(s.passed, passedName{t, pos.Path, pos.lastNamed(info)})
		}
	}
}

// gone forgets a file that is gone. Its unread lines are in a copy that copytruncate has made, or lost.
func (s *scan) gone(t *fileTarget, key string, pos position) {
	s.passed = append(s.passed, passedName{t, pos.Path, pos.known()})
	if !pos.Rotated {
		s.sender.ledger.put(nameKey(pos.Path, t.mark), position{Path: pos.Path, Looked: pos.Looked})
	}
	read := pos
	if i, open := s.sender.ledger.unfinished(key); open {
		read = i.To
	}
	for _, g := range generations(pos.Path) {
		file, info, err := g.open()
		if err != nil {
			continue
		}
		heir := fileKey(idOf(info), t.mark)
		if _, known := s.sender.ledger.get(heir); known || s.keys[heir] || len(read.Tail) == 0 || !sameFile(file, read) {
			_ = file.Close()
			continue
		}
		s.sender.ledger.inherit(key, heir)
		s.add(candidate{target: t, key: heir, path: pos.Path, file: file, info: info})
		return
	}
	if _, open := s.sender.ledger.unfinished(key); open {
		s.logger.Warn("A log file was deleted before all lines were stored", "path", pos.Path)
	}
	s.sender.ledger.forget(key)
}

// isOf reports whether a file is the one of a position; if it was not read yet, it is identified by its name.
func isOf(file *os.File, pos position) bool {
	if len(pos.Tail) == 0 {
		return strings.HasPrefix(filepath.Base(file.Name()), filepath.Base(pos.Path))
	}
	return sameFile(file, pos)
}

// maybeStored returns the times with which lines of a file may be stored that are unknown to the ledger: those that it
// lost when it was damaged, unless the file is newer, and those with which other files of the log may be stored: a copy
// is newer than its lines.
func (f *files) maybeStored(path, mark string, file *os.File) (times span) {
	unknown, _ := f.sender.ledger.get("")
	if unknown.Unsure.empty() {
		return span{}
	}
	if f.madeAt(file) <= unknown.Unsure.To {
		times = unknown.Unsure
	}
	for key, pos := range f.sender.ledger.known() {
		if pos.Path == path && strings.HasSuffix(key, ":"+mark) {
			times = times.with(pos.Unsure)
		}
	}
	return times
}

// madeAt returns the earliest time at which a file may have been created, UnixNano.
func (f *files) madeAt(file *os.File) int64 {
	born, c := f.born(file), f.sender.ledger.clock
	c.before(born)
	return c.since(born).UnixNano()
}

func (f *files) scanSoon() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// start starts a reader for each candidate. Lines of a log are stored in the order in which they were written, because
// the store rejects lines far behind others: a reader waits until that of the previous file has caught up.
func (s *scan) start(ctx context.Context) {
	slices.SortStableFunc(s.candidates, olderFirst)
	for _, c := range s.candidates {
		s.read(ctx, c)
	}
}

// olderFirst orders the files of a log as they were written; the current one is last.
func olderFirst(a, b candidate) int {
	switch {
	case a.current == b.current:
	case a.current:
		return 1
	default:
		return -1
	}
	return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), -cmp.Compare(rotationNumber(a.file.Name()), rotationNumber(b.file.Name())))
}

// read starts the reader of a candidate; f.mtx is held.
func (f *files) read(ctx context.Context, c candidate) {
	t, key := c.target, c.key
	looked := time.Time{}
	pos, known := f.sender.ledger.get(key)
	if known && (pos.Path != c.path || pos.Rotated) && !sameFile(c.file, pos) {
		f.sender.ledger.forget(key) // another file has the inode now
		known = false
	}
	if !known {
		looked = f.sender.ledger.clock.now()
		pos = f.beginning(c)
		if !c.copied.IsZero() && c.copied.Before(looked) {
			looked = c.copied
			pos.Looked = looked.UnixNano()
		}
		// It is known from now on, in case it is rotated before any of it is stored.
		f.sender.ledger.put(key, pos)
	}
	log := c.log()
	r := &fileReader{
		logger: f.logger, sender: f.sender, metrics: f.metrics, job: t.job, key: key, id: idOf(c.info), path: c.path,
		labels:   t.labels.Merge(model.LabelSet{filenameLabel: model.LabelValue(c.path)}),
		passed:   func(since time.Time) { f.nameIsPassed(passedName{t, c.path, since}) },
		caughtUp: make(chan struct{}),
		claim:    f.claim,
		release:  f.release,

		maybeStored: f.maybeStored,
		file:        c.file,
		looked:      looked,
		entered:     f.entered,
		looking:     f.looking,
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
		err := r.follow(ctx)
		f.mtx.Lock()
		defer f.mtx.Unlock()
		delete(f.readers, key)
		if f.newest[log] == r {
			delete(f.newest, log)
		}
		_ = c.file.Close() // only now may another file get its inode number
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.complain(c.path, err)
			return
		}
		f.finished[key] = true
		if len(f.crowdedOut) > 0 {
			f.scanSoon() // another file can be opened
		}
	})
}

// beginning returns the position from which an unread file is read.
func (f *files) beginning(c candidate) position {
	pos := position{Path: c.path, Unsure: f.maybeStored(c.path, c.target.mark, c.file)}
	if !pos.Unsure.empty() && c.file.Name() == c.path { // no copy
		pos.Unsure.From = max(pos.Unsure.From, f.madeAt(c.file))
	}
	if offset := f.importPosition(c.path); offset > 0 && offset <= c.info.Size() {
		pos.Offset = offset
	}
	return pos
}
