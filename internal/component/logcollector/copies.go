package logcollector

import (
	"os"
	"strings"
	"time"
)

// isCopy reports whether a file is a copy, made at the given time, of a file that has a reader or will get one: if the
// file is truncated before that reader first looks at it, the reader reads the copy.
func (s *scan) isCopy(p passedName, file *os.File, made time.Time) bool {
	first := firstBytes(file)
	for i, c := range s.candidates {
		if c.path == p.path && c.target == p.target && beginAlike(first, firstBytes(c.file)) {
			if c.copied.IsZero() || made.Before(c.copied) {
				s.candidates[i].copied = made
			}
			return true
		}
	}
	return s.isCopyOfWaiting(p.target.mark+":"+p.path, first, made) || s.isCopyOfKnown(p.path, p.target.mark, "", file)
}

// isCopyOfUnseen reports whether a file is a copy of the one that has the name now, if that was created so recently that
// this scan has not seen it. The next one sees both.
func (s *scan) isCopyOfUnseen(p passedName, file *os.File) bool {
	named, info, err := openNamed(p.path)
	if err != nil {
		return false
	}
	defer named.Close()
	key := fileKey(idOf(info), p.target.mark)
	return !s.keys[key] && s.readers[key] == nil && beginAlike(firstBytes(file), firstBytes(named))
}

// isCopyOfKnown reports whether a file is a copy of another file of the log, other than the one with the key except.
func (f *files) isCopyOfKnown(path, mark, except string, file *os.File) bool {
	first := firstBytes(file)
	for key, pos := range f.sender.ledger.known() {
		if pos.Path != path || key == except || !strings.HasSuffix(key, ":"+mark) {
			continue
		}
		if r := f.readers[key]; r != nil {
			if beginAlike(first, firstBytes(r.file)) {
				return true
			}
			if last := r.last.Load(); last != nil && len(last.Tail) > 0 && sameFile(file, *last) { // after the look at the file
				return true
			}
		}
		if i, open := f.sender.ledger.unfinished(key); open {
			pos = i.To
		}
		if len(pos.Tail) > 0 && sameFile(file, pos) {
			return true
		}
	}
	return false
}

// claim assigns a copy to r, unless another reader has it or will get it. If own is set, the copy has the rest of what r
// was reading.
func (f *files) claim(r *fileReader, key string, copied *os.File, own bool) bool {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	if f.readers[key] != nil || f.claimed[key] != nil {
		return false
	}
	if !own {
		_, found := f.sender.ledger.get(key) // by a scan, and it may wait for its reader
		if found || f.isCopyOfKnown(r.path, r.mark(), r.key, copied) {
			return false
		}
	}
	f.claimed[key] = copied
	return true
}

// release ends the claim on a copy that was read. A file that waited for it may begin.
func (f *files) release(key string) {
	f.mtx.Lock()
	delete(f.claimed, key)
	f.mtx.Unlock()
	f.scanSoon()
}

// isClaimed reports whether a copy of a file is being read because it was found before the file itself.
func (f *files) isClaimed(file *os.File) bool {
	for _, copied := range f.claimed {
		if beginAlike(firstBytes(copied), firstBytes(file)) {
			return true
		}
	}
	return false
}

// goOnAfterCopy continues reading a new file where a copy of it that was found earlier ends.
func (s *scan) goOnAfterCopy(c candidate) {
	if _, known := s.sender.ledger.get(c.key); known {
		return
	}
	for key, pos := range s.sender.ledger.known() {
		if pos.Missed && pos.Path == c.path && strings.HasSuffix(key, ":"+c.target.mark) && sameFile(c.file, pos) {
			pos.Missed, pos.Rotated = false, false
			s.sender.ledger.put(c.key, pos)
			return
		}
	}
}
