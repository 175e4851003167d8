package logcollector

import (
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// crowdedOut is a file that is currently not read because the maximum number of files is open.
type crowdedOut struct {
	log, path string
	since     time.Time
}

// maxFiles returns how many log files may be open at once. The rest of the process's limit of open files is needed for
// the connections, blocks and databases of the other parts.
func (o Options) maxFiles() int {
	if o.MaxFiles > 0 {
		return o.MaxFiles
	}
	return openLimit() / 2
}

// log returns the key of the log, whose files are read one after another.
func (c candidate) log() string { return c.target.mark + ":" + c.path }

// waitingSince returns the time at which each log began to wait.
func (f *files) waitingSince() map[string]time.Time {
	since := map[string]time.Time{}
	for _, w := range f.crowdedOut {
		if first, ok := since[w.log]; !ok || w.since.Before(first) {
			since[w.log] = w.since
		}
	}
	return since
}

// stillOut reports whether a file continues to wait, without opening it.
func (s *scan) stillOut(key string) bool {
	w, waits := s.crowdedOut[key]
	if !waits || len(s.readers) < s.maxOpen {
		return false
	}
	s.keys[key] = true
	s.crowded[key] = w
	return true
}

// add makes a file a candidate. If there are too many, the last one in turn has to wait: among logs, the one that has
// waited the shortest, and among the files of a log, the newest.
func (s *scan) add(c candidate) {
	s.keys[c.key] = true
	s.candidates = append(s.candidates, c)
	if s.maxOpen <= 0 || len(s.readers)+len(s.candidates) <= s.maxOpen {
		return
	}
	last := 0
	for i, c := range s.candidates {
		if s.turn(s.candidates[last], c) <= 0 {
			last = i
		}
	}
	s.leaveOut(s.candidates[last])
	s.candidates = slices.Delete(s.candidates, last, last+1)
}

// turn compares which of two candidates is read first.
func (s *scan) turn(a, b candidate) int {
	sinceA, waitsA := s.since[a.log()]
	sinceB, waitsB := s.since[b.log()]
	switch {
	case waitsA && !waitsB:
		return -1
	case waitsB && !waitsA:
		return 1
	}
	if c := sinceA.Compare(sinceB); c != 0 {
		return c
	}
	return olderFirst(a, b)
}

// leaveOut closes a file until more can be opened. It is recorded in the ledger, in case it is rotated before it is
// read.
func (s *scan) leaveOut(c candidate) {
	if _, known := s.sender.ledger.get(c.key); !known {
		pos := s.beginning(c)
		pos.Looked = s.sender.ledger.clock.now().UnixNano()
		s.sender.ledger.put(c.key, pos)
	}
	w, waits := s.crowdedOut[c.key]
	if !waits {
		w = crowdedOut{log: c.log(), since: time.Now()}
	}
	w.path = c.file.Name()
	s.crowded[c.key] = w
	_ = c.file.Close()
}

// isCopyOfWaiting reports whether a file is a copy, made at the given time, of a waiting file of its log.
func (s *scan) isCopyOfWaiting(log string, first []byte, made time.Time) bool {
	for key, w := range s.crowded {
		if w.log != log {
			continue
		}
		file, err := os.Open(w.path)
		if err != nil {
			continue
		}
		alike := beginAlike(first, firstBytes(file))
		_ = file.Close()
		if alike {
			if pos, ok := s.sender.ledger.get(key); ok && pos.Offset == 0 && made.Before(pos.known()) {
				pos.Looked = made.UnixNano()
				s.sender.ledger.put(key, pos)
			}
			return true
		}
	}
	return false
}

// tellOfCrowd logs once which files are left out.
func (s *scan) tellOfCrowd() {
	f := s.files
	f.crowdedOut = s.crowded
	f.metrics.waiting.Set(float64(len(f.crowdedOut)))
	if len(f.crowdedOut) == 0 || f.crowdTold {
		return
	}
	f.crowdTold = true
	const named = 20
	paths := slices.Sorted(func(yield func(string) bool) {
		for w := range maps.Values(f.crowdedOut) {
			if !yield(w.path) {
				return
			}
		}
	})
	text := strings.Join(paths[:min(named, len(paths))], ", ")
	if len(paths) > named {
		text += ", …"
	}
	f.logger.Warn("Too many log files to open at once; some are read when others are finished or rotated",
		"open", len(f.readers), "waiting", len(paths), "paths", text, "metric", "ausguck_logcollector_waiting_files",
		"remedy", "raise the process's limit of open files, of which the log collector takes half (LimitNOFILE= of the systemd unit, ulimit -n, or --ulimit nofile= of a container), or match fewer files in promtail.yml")
}
