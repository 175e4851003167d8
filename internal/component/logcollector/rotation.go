package logcollector

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// packed are the endings of files that a rotation has compressed; they hold nothing new.
var packed = []string{".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z", ".zip", ".tmp"}

// generation is a file beside another that rotation may have made of it. A name may be another file's a moment later, so
// what is opened is looked at again.
type generation struct {
	path string
	made time.Time // when it was last written
}

// generations returns those of path, the newest first.
func generations(path string) []generation {
	found := listGenerations(path)
	// Who goes through the list opens by name; names that were moved on meanwhile are at the end.
	if n := len(found); n > 0 {
		if next := nextName(found[n-1].path); next != "" {
			found = append(found, generation{next, found[n-1].made})
		}
	}
	return found
}

// nextName returns the name that a rotation by numbers gives a file next, empty for other names.
func nextName(path string) string {
	dot := strings.LastIndexByte(path, '.')
	n, err := strconv.Atoi(path[dot+1:])
	if err != nil {
		return ""
	}
	return path[:dot+1] + strconv.Itoa(n+1)
}

func listGenerations(path string) []generation {
	dir, base := filepath.Split(path)
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	var found []generation
	for _, e := range list {
		name := e.Name()
		if !e.Type().IsRegular() || name == base || slices.Contains(packed, filepath.Ext(name)) ||
			!strings.HasPrefix(name, base) && (stem == "" || !strings.HasPrefix(name, stem+"-")) {
			continue
		}
		if info, err := e.Info(); err == nil {
			found = append(found, generation{filepath.Join(dir, name), info.ModTime()})
		}
	}
	slices.SortStableFunc(found, func(a, b generation) int { return b.made.Compare(a.made) })
	return found
}

// open opens what has the name now.
func (g generation) open() (*os.File, os.FileInfo, error) {
	file, err := os.Open(g.path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// restart goes to the beginning of a file that was truncated. What had not been read is in the copy that
// copytruncate makes before, when there is one.
func (r *fileReader) restart(ctx context.Context) error {
	if r.pos.Offset > 0 {
		if err := r.readCopy(ctx); err != nil {
			return err
		}
	}
	r.logger.Debug("File truncated; reading it from its beginning", "path", r.path)
	r.pos.Offset, r.pos.Tail, r.pos.Head, r.pos.seen = 0, nil, head{}, 0
	return nil
}

// readCopy stores the rest of the file that holds, at the same place, what was read last.
func (r *fileReader) readCopy(ctx context.Context) error {
	for _, g := range generations(r.path) {
		file, info, err := g.open()
		if err != nil {
			continue
		}
		done, err := r.drain(ctx, file)
		_ = file.Close()
		if err != nil {
			return err
		}
		if done {
			r.copied = info.ModTime()
			r.rememberCopy(info)
			return nil
		}
	}
	return nil
}

// rememberCopy has the ledger know a copy that was read by its own identity, under whatever name rotation gives it later.
// The next start would else take it for a file of which nothing was read.
func (r *fileReader) rememberCopy(info os.FileInfo) {
	mark := r.key[strings.LastIndexByte(r.key, ':')+1:]
	pos := r.pos
	pos.Path, pos.Beside = r.path, true
	r.sender.ledger.put(fileKey(idOf(info), mark), pos)
}

// lookForCopies finds the copies that were made since the last one that was read, while nobody looked. now is what the
// file begins with: a copy that begins so too was made of what is being read.
func (r *fileReader) lookForCopies(now []byte) {
	now = now[:min(len(now), headBytes)]
	var missed []fileID
	for _, g := range generations(r.path) {
		file, info, err := g.open()
		if err != nil {
			continue
		}
		if info.Size() > 0 && info.ModTime().After(r.copied) && !bytes.HasPrefix(firstBytes(file), now) {
			missed = append(missed, idOf(info))
		}
		_ = file.Close()
		if !g.made.After(r.copied) {
			break // sorted by time
		}
	}
	if len(missed) > 0 {
		r.missed(missed)
	}
}

// firstBytes returns at most headBytes of a file.
func firstBytes(file io.ReaderAt) []byte {
	b := make([]byte, headBytes)
	n, _ := file.ReadAt(b, 0) // at most what there is
	return b[:n]
}

// drain stores what follows the position in a copy; done is false when it is no copy. The position that is
// written then is that of a file from its beginning.
func (r *fileReader) drain(ctx context.Context, copied io.ReaderAt) (done bool, err error) {
	for first := true; ; first = false {
		content, same, err := r.read(copied, r.pos.Offset)
		if err != nil || !same && first {
			return false, nil //nolint:nilerr // it is not the copy, or cannot be read
		}
		if len(content) == 0 || !same {
			return true, nil
		}
		full := len(content) >= fullRead
		if stored, err := r.store(ctx, content, r.pos.Offset, !full, !full); err != nil || !stored {
			return true, err
		}
	}
}

// readAgain returns the bytes of a batch that was read before, from the file or from the copy that copytruncate made of
// it; nil when neither has them.
func (r *fileReader) readAgain(i intent) ([]byte, error) {
	content, err := r.bytesOf(r.file, i)
	if content != nil || err != nil {
		return content, err
	}
	for _, g := range generations(r.path) {
		file, _, err := g.open()
		if err != nil {
			continue
		}
		content, err := r.bytesOf(file, i)
		_ = file.Close()
		if err == nil && content != nil {
			return content, nil
		}
	}
	return nil, nil
}

// bytesOf returns the bytes of a batch when file has them, known by those before it and by its last ones.
func (r *fileReader) bytesOf(file io.ReaderAt, i intent) ([]byte, error) {
	content, same, err := r.read(file, i.From.Offset)
	size := int(i.To.Offset - i.From.Offset)
	if err != nil || !same || len(content) < size || !bytes.Equal(tailOf(i.From.Tail, content[:size]), i.To.Tail) {
		return nil, err
	}
	return content[:size], nil
}
