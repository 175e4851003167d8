package logcollector

import (
	"os"
	"slices"
	"strings"
	"time"
)

// passedName is a name that passed from one file to another. Other files may have had it in between.
type passedName struct {
	target *fileTarget
	path   string
	since  time.Time // when the file that had the name was last known
}

// earliest keeps for each name only the earliest time from which on to look: the look covers all generations of a log,
// and at startup there is one entry per generation.
func earliest(passed []passedName) (names []passedName) {
	for _, p := range passed {
		i := slices.IndexFunc(names, func(n passedName) bool { return n.target == p.target && n.path == p.path })
		switch {
		case i < 0:
			names = append(names, p)
		case p.since.Before(names[i].since):
			names[i].since = p.since
		}
	}
	return names
}

// between finds files that had a name so briefly that no scan saw them: rotation has already moved them on.
func (s *scan) between(p passedName) {
	since := s.sender.ledger.clock.since(p.since)
	for _, g := range generations(p.path) {
		if g.made.Before(since) {
			return // sorted by time
		}
		file, info, err := g.open()
		if err != nil {
			continue
		}
		key := fileKey(idOf(info), p.target.mark)
		pos, known := s.sender.ledger.get(key)
		growing := info.Size() == 0 && s.sender.ledger.clock.now().Sub(info.ModTime()) < scanInterval // or it is being copied
		switch {
		case growing:
			s.lookAgain(p)
		case s.keys[key] || s.readers[key] != nil || s.claimed[key] != nil || known && sameFile(file, pos) || s.isCopy(p, file, info.ModTime()):
		case s.isCopyOfUnseen(p, file):
			s.lookAgain(p)
		default:
			s.sender.ledger.put(key, position{Path: p.path, Rotated: true, Unsure: s.maybeStored(p.path, p.target.mark, file)})
			s.add(candidate{target: p.target, key: key, path: p.path, file: file, info: info})
			continue // it stays open
		}
		_ = file.Close()
	}
}

// lookAgain makes the next scan look for files that had the name, too.
func (s *scan) lookAgain(p passedName) {
	if !slices.Contains(s.again, p) {
		s.again = append(s.again, p)
	}
}

// nameIsPassed makes the next scan look for files that had a name in between.
func (f *files) nameIsPassed(p passedName) {
	f.mtx.Lock()
	f.passed = append(f.passed, p)
	f.mtx.Unlock()
	f.scanSoon()
}

// nameKey is the ledger's key for a log without a file.
func nameKey(path, mark string) string { return "name:" + path + ":" + mark }

// rememberNames records in the ledger the names of logs that currently have no file, while only files with other names
// are left of them.
func (s *scan) rememberNames() {
	known := s.sender.ledger.known()
	for key, pos := range known {
		if !strings.HasPrefix(key, "file:") || !pos.Rotated || s.seen[pos.Path] {
			continue
		}
		name := nameKey(pos.Path, key[strings.LastIndexByte(key, ':')+1:])
		if _, ok := known[name]; !ok {
			s.sender.ledger.put(name, position{Path: pos.Path})
		}
	}
}

// nameless finds the names of logs that had no files left: other files may have had them since.
func (s *scan) nameless(t *fileTarget) {
	for key, pos := range s.sender.ledger.known() {
		if !strings.HasPrefix(key, "name:") || !strings.HasSuffix(key, ":"+t.mark) {
			continue
		}
		if _, err := os.Lstat(pos.Path); err == nil {
			s.passed = append(s.passed, passedName{t, pos.Path, pos.known()})
			s.named = append(s.named, key)
		}
	}
}
