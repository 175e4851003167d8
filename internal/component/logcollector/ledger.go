package logcollector

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// position is how far a source was read. Each kind of source uses the fields that it needs.
type position struct {
	Path   string `json:"path,omitempty"`   // of a file, or the name of a container
	Offset int64  `json:"offset,omitempty"` // of a file
	Tail   []byte `json:"tail,omitempty"`   // the bytes before the offset, by which the file is known again
	Head   head   `json:"head,omitzero"`    // and those that it begins with
	Cursor string `json:"cursor,omitempty"` // of the journal
	Given  int64  `json:"given,omitempty"`  // the last time that was given to a line, UnixNano
	Time   int64  `json:"time,omitempty"`   // the last time that a line brought, UnixNano
	Same   int    `json:"same,omitempty"`   // how many lines brought that time
	At     int64  `json:"at,omitempty"`     // when this was written, Unix
	// Rotated is set of a file that was found under a name that rotation had given it.
	Rotated bool `json:"beside,omitempty"`
	// Missed is set of a copy of which nothing had been read when it was found: it may have been found before its original.
	Missed bool `json:"missed,omitempty"`

	seen int64 // up to where a file was seen to reach
}

// intent is a batch that is about to be stored: the lines of a source from one position to another, with the time
// that the first of them gets. After a crash the same lines are read again, get the same times, and are looked
// for in the store before they are sent.
type intent struct {
	Key  string   `json:"key"`
	From position `json:"from"`
	To   position `json:"to"`
	Base int64    `json:"base,omitempty"`
}

// record is a line of the ledger's file; one field is set.
type record struct {
	Begin  []intent            `json:"begin,omitempty"`
	Done   bool                `json:"done,omitempty"`
	Wait   []intent            `json:"wait,omitempty"` // begun, and not done before others begin
	Forget string              `json:"forget,omitempty"`
	Put    map[string]position `json:"put,omitempty"`
	All    map[string]position `json:"all,omitempty"`
}

const (
	ledgerCompactAt = 4 << 20
	forgetAfter     = 30 * 24 * time.Hour
)

// ledger remembers positions in a file to which it appends: an intent before each push, and a mark after it. A
// process that is killed leaves at most its last line torn, which means that nothing was pushed for it.
type ledger struct {
	mtx     sync.Mutex
	path    string
	file    *os.File
	size    int64
	all     map[string]position
	begun   []intent          // of the push that runs
	pending map[string]intent // of the push that ran when the process before this one ended, and of those that wait
}

func openLedger(dir string) (*ledger, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the log collector's folder: %w", err)
	}
	l := &ledger{path: filepath.Join(dir, "ledger.jsonl"), all: map[string]position{}, pending: map[string]intent{}}
	content, err := os.ReadFile(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read what was collected before: %w", err)
	}
	l.replay(content)
	for key, p := range l.all {
		if _, ok := l.pending[key]; !ok && p.At > 0 && time.Since(time.Unix(p.At, 0)) > forgetAfter {
			delete(l.all, key)
		}
	}
	return l, l.compact()
}

func (l *ledger) replay(content []byte) {
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for lines.Scan() {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue // torn by a crash
		}
		switch {
		case r.All != nil:
			l.all = r.All
		case r.Put != nil:
			maps.Copy(l.all, r.Put)
		case r.Forget != "":
			delete(l.all, r.Forget)
			delete(l.pending, r.Forget)
		case len(r.Begin) > 0:
			for _, i := range r.Begin {
				l.pending[i.Key] = i
			}
			l.begun = r.Begin
		case len(r.Wait) > 0:
			for _, i := range r.Wait {
				l.pending[i.Key] = i
			}
		case r.Done:
			for _, i := range l.begun {
				l.all[i.Key] = i.To
				delete(l.pending, i.Key)
			}
			l.begun = nil
		}
	}
	l.begun = nil
}

// compact writes the file anew: all positions, and what is not known to be stored.
func (l *ledger) compact() error {
	all, err := json.Marshal(record{All: l.all})
	if err != nil {
		return err
	}
	content := append(all, '\n')
	open := l.begun
	for _, i := range l.pending {
		open = append(open, i)
	}
	if len(open) > 0 {
		line, err := json.Marshal(record{Begin: open})
		if err != nil {
			return err
		}
		content = append(append(content, line...), '\n')
	}
	if err := replaceFile(l.path, content); err != nil {
		return fmt.Errorf("write what was collected: %w", err)
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, err = os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0o600)
	l.size = int64(len(content))
	return err
}

// append writes a record; on a full disk nothing of it stays.
func (l *ledger) append(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	n, err := l.file.Write(append(line, '\n'))
	if err != nil {
		return errors.Join(fmt.Errorf("write what was collected: %w", err), l.file.Truncate(l.size))
	}
	l.size += int64(n)
	return nil
}

// get returns a position.
func (l *ledger) get(key string) (position, bool) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	p, ok := l.all[key]
	return p, ok
}

// unfinished returns, once, the batch of a source of which nobody knows whether it was stored.
func (l *ledger) unfinished(key string) (intent, bool) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	i, ok := l.pending[key]
	return i, ok
}

// known returns all positions of sources, those that are not finished as they began.
func (l *ledger) known() map[string]position {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	all := make(map[string]position, len(l.all))
	for key, p := range l.all {
		all[key] = p
	}
	for key, i := range l.pending {
		all[key] = i.From
	}
	return all
}

// begin must be called before a push; the one before must be done, or wait.
func (l *ledger) begin(intents []intent) error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if len(intents) == 0 {
		return nil
	}
	if err := l.append(record{Begin: intents}); err != nil {
		return err
	}
	l.begun = intents
	return nil
}

// done says that what was begun is stored. When it cannot be written, the next start looks into the store.
func (l *ledger) done(intents []intent) error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if len(intents) == 0 {
		return nil
	}
	for _, i := range intents {
		i.To.At = time.Now().Unix()
		l.all[i.Key] = i.To
		delete(l.pending, i.Key)
	}
	l.begun = nil
	if l.size > ledgerCompactAt {
		return l.compact()
	}
	return l.append(record{Done: true})
}

// wait says that it is not known whether all of what was begun is stored, and that others begin before it is.
func (l *ledger) wait(intents []intent) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	for _, i := range intents {
		l.pending[i.Key] = i
	}
	l.begun = nil
}

// forget drops a source that is gone.
func (l *ledger) forget(key string) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	delete(l.all, key)
	delete(l.pending, key)
	_ = l.append(record{Forget: key}) // it is forgotten after a while anyhow
}

// inherit gives what is known of a file that is gone to its copy.
func (l *ledger) inherit(gone, heir string) {
	l.mtx.Lock()
	pos, i := l.all[gone], l.pending[gone]
	_, open := l.pending[gone]
	l.mtx.Unlock()
	pos.Rotated = true
	l.put(heir, pos)
	if open {
		i.Key, i.From.Rotated, i.To.Rotated = heir, true, true
		l.mtx.Lock()
		l.pending[heir] = i
		_ = l.append(record{Wait: []intent{i}}) // as with put
		l.mtx.Unlock()
	}
	l.forget(gone)
}

// put sets a position that does not come from a batch.
func (l *ledger) put(key string, p position) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	p.At = time.Now().Unix()
	l.all[key] = p
	_ = l.append(record{Put: map[string]position{key: p}}) // when it fails, the source's first batch writes it
}

func (l *ledger) close() error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return errors.Join(l.file.Sync(), l.file.Close())
}

// replaceFile writes a file anew so that after a power cut it is the old or the new one, and not an empty one.
func replaceFile(path string, content []byte) error {
	file, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
