// Package setaside moves unusable files out of the way of their readers, and keeps a list of what was lost, so that a damaged
// file costs its content and does not prevent the start.
//
// It wraps nothing and knows no format: a part reads its own files (see Try), and reports what is lost. Every part may import it.
package setaside

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Loss is data in the data folder that a part continues without.
type Loss struct {
	// Part is the name of the part that owns the file.
	Part string
	// Path is the file or folder.
	Path string
	// Cause is the error.
	Cause error
	// Lost describes what is lost for users; Remedy what they can do about it. Both are sentences without a period.
	Lost, Remedy string
}

// Notice is a Loss as shown to users.
type Notice struct {
	Time time.Time `json:"time"`
	Part string    `json:"part"`
	Path string    `json:"path"`
	// Aside is where the file is now, empty if there was none.
	Aside  string `json:"aside,omitempty"`
	Cause  string `json:"cause"`
	Lost   string `json:"lost"`
	Remedy string `json:"remedy"`
}

// Shelf records what is set aside until the process ends. A nil Shelf moves files and records nothing.
type Shelf struct {
	logger *slog.Logger
	total  *prometheus.CounterVec

	mtx     sync.Mutex
	notices []Notice
}

// New returns an empty Shelf and registers ausguck_data_set_aside_total, which is 0 for each of parts.
func New(logger *slog.Logger, reg prometheus.Registerer, parts ...string) *Shelf {
	s := &Shelf{logger: logger, total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ausguck_data_set_aside_total",
		Help: "Files in the data folder that a part runs without, because they are damaged or missing.",
	}, []string{"part"})}
	reg.MustRegister(s.total)
	for _, part := range parts {
		s.total.WithLabelValues(part)
	}
	return s
}

// Notices returns what was lost since the process started, oldest first.
func (s *Shelf) Notices() []Notice {
	if s == nil {
		return nil
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return slices.Clone(s.notices)
}

// Move renames l.Path to the name that Name returns, and reports it. If it fails, the file is not moved.
func (s *Shelf) Move(l Loss) error {
	aside := Name(l.Path, time.Now())
	if err := os.Rename(l.Path, aside); err != nil {
		return fmt.Errorf("set aside unreadable data (%w): %w", l.Cause, err)
	}
	syncFolder(filepath.Dir(l.Path))
	s.tell(l, aside)
	return nil
}

// Say reports something that is lost, or that stays where it is.
func (s *Shelf) Say(l Loss) { s.tell(l, "") }

// Moved reports something that its owner has renamed to aside, or copied there.
func (s *Shelf) Moved(l Loss, aside string) { s.tell(l, aside) }

func (s *Shelf) tell(l Loss, aside string) {
	if s == nil {
		return
	}
	s.total.WithLabelValues(l.Part).Inc()
	n := Notice{Time: time.Now(), Part: l.Part, Path: l.Path, Aside: aside, Cause: l.Cause.Error(), Lost: l.Lost, Remedy: l.Remedy}
	s.mtx.Lock()
	s.notices = append(s.notices, n)
	s.mtx.Unlock()
	pairs := []any{"part", l.Part, "path", l.Path}
	if aside != "" {
		pairs = append(pairs, "set_aside_as", aside)
	}
	s.logger.Error("Data is damaged or missing; continuing without it", append(pairs, "lost", l.Lost, "remedy", l.Remedy, "err", l.Cause)...)
}

const infix = ".corrupt-"

// IsAside reports whether path is a name that Name has returned.
func IsAside(path string) bool { return strings.Contains(filepath.Base(path), infix) }

// Name returns the name of a file that is set aside: its name, ".corrupt-" and the time. No file with that name exists.
func Name(path string, at time.Time) string {
	aside := path + infix + at.UTC().Format("20060102T150405Z")
	for n, name := 2, aside; ; n++ {
		if _, err := os.Lstat(aside); err != nil { // it does not exist, or cannot exist
			return aside
		}
		aside = fmt.Sprintf("%s-%d", name, n)
	}
}

// syncFolder makes a rename survive a power failure, if the file system supports it.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
