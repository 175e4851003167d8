package logcollector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/atomicfile"
)

// afterPowerCut is the damage of a file that the previous process did not close, on a machine that has restarted since.
const afterPowerCut = "the machine went down before all of it was on the disk"

// load reads the file, and the previous one if that is incomplete. intact means that the file has its beginning as
// written.
func (l *ledger) load() (intact bool, err error) {
	content, err := os.ReadFile(l.path)
	gone := errors.Is(err, fs.ErrNotExist)
	if err != nil && !gone {
		return false, err
	}
	var state replayed
	if intact = state.replay(content); !intact {
		before, failed := os.ReadFile(l.previous())
		_, once := os.Stat(filepath.Join(filepath.Dir(l.path), "positions.yaml"))
		switch {
		case failed == nil:
			l.damage = "its beginning is damaged; the copy before it is used"
		case gone && once != nil:
			return false, nil // the first start
		default:
			l.damage = "its beginning is damaged, and no copy exists"
		}
		if gone {
			l.damage = "it is gone; the copy before it is used when there is one"
		}
		state = replayed{}
		state.replay(before)
		state.replay(content) // the records after the beginning are still valid
	}
	switch {
	case l.damage != "":
	case state.torn:
		l.damage = "records of it are damaged"
	case !state.closed && state.boot != "" && state.boot != l.boot:
		l.damage = afterPowerCut
	}
	l.lost, l.all, l.pending = state.lost, state.all, state.pending
	if l.all == nil {
		l.all, l.pending = map[string]position{}, map[string]intent{}
	}
	return intact, nil
}

func (l *ledger) previous() string { return strings.TrimSuffix(l.path, ".jsonl") + ".previous.jsonl" }

// replayed is the state that the records of a file describe.
type replayed struct {
	all          map[string]position
	pending      map[string]intent
	begun        []intent
	boot         string
	lost         int64
	closed, torn bool
}

// replay reports whether the first record is present, on which all others build.
func (r *replayed) replay(content []byte) (whole bool) {
	if r.all == nil {
		r.all, r.pending = map[string]position{}, map[string]intent{}
	}
	plain := bytes.HasPrefix(content, []byte("{")) // of a version without checksums
	r.torn = r.torn || len(content) > 0 && content[len(content)-1] != '\n'
	r.begun = nil
	for first := true; len(content) > 0; first = false {
		var line []byte
		line, content, _ = bytes.Cut(content, newline)
		rec, err := decodeRecord(line, plain)
		if err != nil {
			r.torn = r.torn || !plain
			continue
		}
		whole = whole || first && rec.All != nil
		r.closed = rec.Closed
		r.apply(rec)
	}
	return whole
}

func (r *replayed) apply(rec record) {
	switch {
	case rec.All != nil:
		r.all, r.boot, r.lost = rec.All, rec.Boot, rec.Lost
		clear(r.pending)
	case rec.Put != nil:
		maps.Copy(r.all, rec.Put)
	case rec.Forget != "":
		delete(r.all, rec.Forget)
		delete(r.pending, rec.Forget)
	case len(rec.Begin) > 0:
		for _, i := range rec.Begin {
			r.pending[i.Key] = i
		}
		r.begun = rec.Begin
	case len(rec.Wait) > 0:
		for _, i := range rec.Wait {
			r.pending[i.Key] = i
		}
	case rec.Done:
		for _, i := range r.begun {
			r.all[i.Key] = i.To
			delete(r.pending, i.Key)
		}
		r.begun = nil
	}
}

var checksums = crc32.MakeTable(crc32.Castagnoli)

// encode returns a record's line: a checksum and JSON.
func (r record) encode() ([]byte, error) {
	content, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(content, checksums), content), nil
}

func decodeRecord(line []byte, plain bool) (record, error) {
	var r record
	if !plain {
		sum, content, _ := bytes.Cut(line, []byte{' '})
		if want := fmt.Sprintf("%08x", crc32.Checksum(content, checksums)); string(sum) != want {
			return r, errors.New("checksum mismatch")
		}
		line = content
	}
	return r, json.Unmarshal(line, &r)
}

// compact rewrites the file: all positions, and what is not known to be stored. The previous file is kept if it is
// intact.
func (l *ledger) compact(intact bool) error {
	l.forgetOld()
	content, err := record{All: l.all, Boot: l.boot, Lost: l.lost}.encode()
	if err != nil {
		return err
	}
	for _, open := range []record{{Wait: slices.Collect(maps.Values(l.pending))}, {Begin: l.begun}} {
		if len(open.Wait)+len(open.Begin) == 0 {
			continue
		}
		line, err := open.encode()
		if err != nil {
			return err
		}
		content = append(content, line...)
	}
	if intact { // copied, so that a file with its name always exists, even on a full disk
		before, err := os.ReadFile(l.path)
		if err == nil {
			err = atomicfile.Write(l.previous(), before, 0o600)
		}
		if err != nil {
			return fmt.Errorf("save the positions of collected lines: %w", err)
		}
	}
	if err := atomicfile.Write(l.path, content, 0o600); err != nil {
		return fmt.Errorf("write the positions of collected lines: %w", err)
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, err = os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0o600)
	l.size, l.synced = int64(len(content)), time.Now()
	l.most = max(ledgerCompactAt, 2*l.size)
	return err
}

// compactSoon rewrites the file when it has grown.
func (l *ledger) compactSoon() error {
	if l.size < l.most {
		return nil
	}
	l.most = l.size + ledgerCompactAt // if it fails, it is tried again then
	return l.compact(true)
}

// append writes a record; on a full disk, no part of it remains.
func (l *ledger) append(r record) error {
	line, err := r.encode()
	if err != nil {
		return err
	}
	n, err := l.file.Write(line)
	if err != nil {
		return errors.Join(fmt.Errorf("write the positions of collected lines: %w", err), l.file.Truncate(l.size))
	}
	l.size += int64(n)
	return nil
}

// sync flushes what was written to disk from time to time.
func (l *ledger) sync() error {
	l.mtx.Lock()
	file, due := l.file, time.Since(l.synced) >= syncEvery
	if due {
		l.synced = time.Now()
	}
	l.mtx.Unlock()
	if !due {
		return nil
	}
	if err := file.Sync(); !errors.Is(err, os.ErrClosed) { // otherwise it was rewritten meanwhile, which syncs it
		return err
	}
	return nil
}
