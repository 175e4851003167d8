package logcollector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// orphans reads on in files that were rotated away while nobody read: their names belong to others now.
func (f *files) orphans(ctx context.Context, t *fileTarget, matched map[string]bool) {
	listed := map[string]map[fileID]string{} // by folder: each is listed once as long as nothing moves
	for key, pos := range f.sender.ledger.known() {
		if !strings.HasSuffix(key, ":"+t.mark) || matched[key] || f.readers[key] != nil || f.finished[key] {
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
			if _, open := f.sender.ledger.unfinished(key); open {
				f.logger.Warn("A log file is gone with lines that may not be stored", "path", pos.Path)
			}
			f.sender.ledger.forget(key)
			f.moves = append(f.moves, move{t, pos.Path, time.Unix(pos.At, 0)}) // others may have had its name since
			continue
		}
		matched[key] = true
		f.start(ctx, t, key, pos.Path, file)
	}
}

// isOf reports whether a file is the one of a position; of one that was not read yet, its name says it.
func isOf(file *os.File, pos position) bool {
	if len(pos.Tail) == 0 {
		return strings.HasPrefix(filepath.Base(file.Name()), filepath.Base(pos.Path))
	}
	return sameFile(file, pos)
}

// lookBeside has the next scan look for files that had a name in between.
func (f *files) lookBeside(m move) {
	f.mtx.Lock()
	f.moves = append(f.moves, m)
	f.mtx.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// adopt reads files that had a name so shortly that no scan saw them: rotation has moved them on already.
func (f *files) adopt(ctx context.Context, m move) {
	for _, g := range generations(m.path) {
		if g.made.Before(m.lastSeen) {
			return // sorted by time
		}
		if file, _, err := g.open(); err == nil {
			f.startBeside(ctx, m.target, m.path, file)
		}
	}
}

// adoptCopies reads copies of a file that was truncated again before anybody looked.
func (f *files) adoptCopies(ctx context.Context, t *fileTarget, path string, copies []fileID) {
	f.mtx.Lock()
	defer f.mtx.Unlock()
	for _, id := range copies {
		if file, err := openAs(path, id); err == nil {
			f.startBeside(ctx, t, path, file)
		}
	}
}

// startBeside reads a file that path was the name of, unless it is or was read already; f.mtx is held.
func (f *files) startBeside(ctx context.Context, t *fileTarget, path string, file *os.File) {
	info, err := file.Stat()
	key := ""
	if err == nil {
		key = fileKey(idOf(info), t.mark)
	}
	pos, known := f.sender.ledger.get(key)
	if err != nil || f.readers[key] != nil || known && sameFile(file, pos) {
		_ = file.Close()
		return
	}
	f.sender.ledger.put(key, position{Path: path, Beside: true})
	f.start(ctx, t, key, path, file)
}
