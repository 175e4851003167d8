package logcollector

import (
	"bytes"
	"cmp"
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
	n := rotationNumber(path)
	if n < 0 {
		return ""
	}
	return path[:strings.LastIndexByte(path, '.')+1] + strconv.Itoa(n+1)
}

// rotationNumber returns the number at the end of a name, which is higher for older files; -1 without one.
func rotationNumber(path string) int {
	n, err := strconv.Atoi(path[strings.LastIndexByte(path, '.')+1:])
	if err != nil || n > 9999 { // a date
		return -1
	}
	return n
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
	slices.SortStableFunc(found, func(a, b generation) int {
		return cmp.Or(b.made.Compare(a.made), cmp.Compare(rotationNumber(a.path), rotationNumber(b.path)))
	})
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

// restart goes to the beginning of a file that was truncated. What had not been read is in the copies that copytruncate has
// made before, when there are any: the rest of what was being read in the first, and the whole of those made since.
func (r *fileReader) restart(ctx context.Context) error {
	if r.pos.Offset > 0 {
		made, err := r.readCopy(ctx)
		if err != nil {
			return err
		}
		if !made.IsZero() {
			if err := r.readCopiesSince(ctx, made); err != nil {
				return err
			}
		}
	}
	r.logger.Debug("File truncated; reading it from its beginning", "path", r.path)
	r.rewind()
	return nil
}

// rewind sets the position to the beginning of a file.
func (r *fileReader) rewind() {
	r.pos.Offset, r.pos.Tail, r.pos.Head, r.pos.seen = 0, nil, head{}, 0
}

// readCopy stores the rest of the file that holds, at the same place, what was read last. It returns when that copy was made,
// zero without one.
func (r *fileReader) readCopy(ctx context.Context) (made time.Time, err error) {
	for _, g := range generations(r.path) {
		file, info, err := g.open()
		if err != nil {
			continue
		}
		done, err := r.drain(ctx, file)
		_ = file.Close()
		if err != nil {
			return time.Time{}, err
		}
		if done {
			r.rememberCopy(info)
			return info.ModTime(), nil
		}
	}
	return time.Time{}, nil
}

// readCopiesSince stores the copies that were made after another, while nobody looked, the oldest first. A copy that begins as
// the file does now was made of what is going to be read.
func (r *fileReader) readCopiesSince(ctx context.Context, made time.Time) error {
	now := firstBytes(r.file)
	var missed []fileID
	for _, g := range generations(r.path) {
		if !g.made.After(made) {
			break // sorted by time
		}
		file, info, err := g.open()
		if err != nil {
			continue
		}
		_, known := r.sender.ledger.get(fileKey(idOf(info), r.mark()))
		if !known && info.ModTime().After(made) && !beginAlike(firstBytes(file), now) {
			missed = append(missed, idOf(info))
		}
		_ = file.Close()
	}
	for _, id := range slices.Backward(missed) {
		file, err := openAs(r.path, id)
		if err != nil {
			continue // it was deleted
		}
		r.rewind()
		_, err = r.drain(ctx, file)
		if info, failed := file.Stat(); err == nil && failed == nil {
			r.rememberCopy(info)
		}
		_ = file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// beginAlike reports whether two files begin alike, as far as both go.
func beginAlike(a, b []byte) bool {
	n := min(len(a), len(b))
	return n > 0 && bytes.Equal(a[:n], b[:n])
}

// rememberCopy has the ledger know a copy that was read by its own identity, under whatever name rotation gives it later.
// The next start would else take it for a file of which nothing was read.
func (r *fileReader) rememberCopy(info os.FileInfo) {
	pos := r.pos
	pos.Path, pos.Rotated = r.path, true
	r.sender.ledger.put(fileKey(idOf(info), r.mark()), pos)
}

// mark returns the part of the key that says for which target the file is read.
func (r *fileReader) mark() string { return r.key[strings.LastIndexByte(r.key, ':')+1:] }

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
