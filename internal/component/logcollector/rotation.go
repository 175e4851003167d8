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

// packed are the extensions of files that rotation has compressed; they contain nothing new.
var packed = []string{".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z", ".zip", ".tmp"}

// generation is a file next to another one that rotation may have made from it.
type generation struct {
	path string // when it was listed
	id   fileID
	made time.Time // when it was last written
}

// generations returns the generations of path, newest first. A list that is read while files are renamed may lack some
// of them, so it counts only if two consecutive ones are the same.
func generations(path string) []generation {
	found := listGenerations(path)
	for range mostLooks {
		before := found
		found = listGenerations(path)
		if slices.EqualFunc(found, before, generation.is) {
			break
		}
	}
	return found
}

// is reports whether both are the same file with the same name.
func (g generation) is(other generation) bool { return g.path == other.path && g.id == other.id }

// rotationNumber returns the number at the end of a name, which is higher for older files; -1 if there is none.
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
	listed := map[fileID]bool{} // a file that is renamed meanwhile may be listed twice
	for _, e := range list {
		name := e.Name()
		if !e.Type().IsRegular() || name == base || slices.Contains(packed, filepath.Ext(name)) ||
			!strings.HasPrefix(name, base) && (stem == "" || !strings.HasPrefix(name, stem+"-")) {
			continue
		}
		if info, err := e.Info(); err == nil && !listed[idOf(info)] {
			listed[idOf(info)] = true
			found = append(found, generation{filepath.Join(dir, name), idOf(info), info.ModTime()})
		}
	}
	slices.SortStableFunc(found, func(a, b generation) int {
		return cmp.Or(b.made.Compare(a.made), cmp.Compare(rotationNumber(a.path), rotationNumber(b.path)))
	})
	return found
}

// open opens the generation, whatever name it has by now.
func (g generation) open() (*os.File, os.FileInfo, error) {
	file := openIf(g.path, g.id)
	if file == nil {
		var err error
		if file, err = openAs(g.path, g.id); err != nil {
			return nil, nil, err
		}
	}
	return withInfo(file)
}

// restart continues at the beginning of a file that was truncated. What had not been read is in the copies that
// copytruncate made before, if there are any: the rest of what was being read in the first, and everything in those
// made since.
func (r *fileReader) restart(ctx context.Context) error {
	now := r.clock().now() // copies made from here on are missed by the following look
	first, since, err := r.readCopy(ctx)
	if err != nil {
		return err
	}
	if first == (fileID{}) {
		since = r.looked.Add(-clockGrain)
	}
	_, until, err := r.readCopiesSince(ctx, first, since, now)
	if err != nil {
		return err
	}
	r.logger.Debug("File truncated; reading it from the beginning", "path", r.path)
	r.rewind()
	r.looked = until
	return nil
}

// missedCopies reads the copies of a file of which nothing has been read yet, and which was truncated before it was
// first looked at.
func (r *fileReader) missedCopies(ctx context.Context) (found bool, err error) {
	if r.pos.Offset > 0 || r.pos.Rotated {
		return false, nil
	}
	now := r.clock().now()
	since := r.looked.Add(-clockGrain)
	info, err := r.file.Stat()
	if err != nil || !info.ModTime().After(r.clock().since(since)) {
		return false, nil //nolint:nilerr // reading says it
	}
	found, until, err := r.readCopiesSince(ctx, fileID{}, since, now)
	if err != nil || !found {
		return false, err
	}
	r.rewind()
	r.looked = until
	return true, nil
}

// rewind sets the position to the beginning of a file.
func (r *fileReader) rewind() {
	r.pos.Offset, r.pos.Tail, r.pos.Head, r.pos.seen = 0, nil, head{}, 0
}

// readCopy stores the rest of the file that has, at the same offset, what was read last. It returns this copy and when
// it was made, zero if there is none.
func (r *fileReader) readCopy(ctx context.Context) (id fileID, made time.Time, err error) {
	for _, g := range generations(r.path) {
		file, info, err := g.open()
		if err != nil {
			continue
		}
		done, err := r.drain(ctx, file, info, true)
		_ = file.Close()
		if err != nil {
			return fileID{}, time.Time{}, err
		}
		if done {
			return idOf(info), info.ModTime(), nil
		}
	}
	return fileID{}, time.Time{}, nil
}

// readCopiesSince stores the copies that were made unnoticed since a time and after an earlier copy, oldest first. A
// copy with the same beginning as the file now was made from what is going to be read, unless the file is truncated
// first: up to until, at most now, no other look is needed.
func (r *fileReader) readCopiesSince(ctx context.Context, after fileID, since, now time.Time) (found bool, until time.Time, err error) {
	until = now
	heir := r.heirBegins()
	var missed []fileID
	since = r.clock().since(since)
	for _, g := range generations(r.path) {
		if g.made.Before(since) {
			break // sorted by time
		}
		file, info, err := g.open()
		if err != nil {
			continue
		}
		if idOf(info) == after { // copies made later may have an earlier time
			_ = file.Close()
			continue
		}
		_, known := r.sender.ledger.get(fileKey(idOf(info), r.mark()))
		switch made := info.ModTime(); {
		case known || info.Size() == 0 || made.Before(since) || beginAlike(firstBytes(file), heir):
		case !beginAlike(firstBytes(file), firstBytes(r.file)):
			missed = append(missed, idOf(info))
		case made.Before(until):
			until = made
		}
		_ = file.Close()
	}
	for _, id := range slices.Backward(missed) {
		file, err := openAs(r.path, id)
		if err != nil {
			continue // it was deleted
		}
		r.rewind()
		if info, failed := file.Stat(); failed == nil {
			own := r.pos.Unsure
			r.pos.Unsure = own.with(r.maybeStored(r.path, r.mark(), file))
			_, err = r.drain(ctx, file, info, false)
			r.pos.Unsure = own
			found = found || r.pos.Offset > 0
		}
		_ = file.Close()
		if err != nil {
			return false, time.Time{}, err
		}
	}
	return found, until, nil
}

// heirBegins returns the first bytes of another file that now has the name: files with the same beginning are copies of
// that one.
func (r *fileReader) heirBegins() []byte {
	heir, err := os.Open(r.path)
	if err != nil {
		return nil
	}
	defer heir.Close()
	named, err := heir.Stat()
	if err != nil {
		return nil
	}
	if own, err := r.file.Stat(); err != nil || os.SameFile(named, own) {
		return nil
	}
	return firstBytes(heir)
}

// beginAlike reports whether two files have the same beginning, as far as both go.
func beginAlike(a, b []byte) bool {
	n := min(len(a), len(b))
	return n > 0 && bytes.Equal(a[:n], b[:n])
}

// rememberCopy records in the ledger that a copy was read, under its own identity, whatever name rotation gives it
// later. Otherwise the next start would take it for an unread file.
func (r *fileReader) rememberCopy(info os.FileInfo, missed bool) {
	pos := r.pos
	pos.Path, pos.Rotated, pos.Missed = r.path, true, missed
	r.sender.ledger.put(fileKey(idOf(info), r.mark()), pos)
}

// mark returns the part of the key that identifies the target of the file.
func (r *fileReader) mark() string { return r.key[strings.LastIndexByte(r.key, ':')+1:] }

// firstBytes returns at most headBytes of a file.
func firstBytes(file io.ReaderAt) []byte {
	b := make([]byte, headBytes)
	n, _ := file.ReadAt(b, 0) // fewer if the file is shorter
	return b[:n]
}

// drain stores what follows the position in a copy; own means that a part of it was read already. done is false if it
// is not a copy. The position that is written then is that of a file from its beginning.
func (r *fileReader) drain(ctx context.Context, copied *os.File, info os.FileInfo, own bool) (done bool, err error) {
	if _, same, err := r.read(copied, r.pos.Offset); err != nil || !same {
		return false, nil //nolint:nilerr // it is not the copy, or cannot be read
	}
	key := fileKey(idOf(info), r.mark())
	if !r.claim(r, key, copied, own) {
		return true, nil
	}
	defer r.release(key)
	if known, ok := r.sender.ledger.get(key); ok && known.Offset > r.pos.Offset && sameFile(copied, known) { // had its own reader
		r.pos.Offset, r.pos.Tail, r.pos.Head = known.Offset, known.Tail, known.Head
	}
	for {
		content, same, err := r.read(copied, r.pos.Offset)
		if err != nil || len(content) == 0 || !same {
			break //nolint:nilerr // that is all that can be read of it
		}
		full := len(content) >= fullRead
		if stored, err := r.store(ctx, copied, content, !full, !full); err != nil {
			return true, err
		} else if !stored {
			break
		}
	}
	r.rememberCopy(info, !own)
	return true, nil
}

// readAgain returns the bytes of a batch that was read before, from the file or from the copy that copytruncate made of
// it; nil if neither has them.
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

// bytesOf returns the bytes of a batch if file has them, recognized by the bytes before them, their last ones, and the
// file's first ones.
func (r *fileReader) bytesOf(file io.ReaderAt, i intent) ([]byte, error) {
	content, same, err := r.read(file, i.From.Offset)
	size := int(i.To.Offset - i.From.Offset)
	if err != nil || !same || len(content) < size {
		return nil, err
	}
	content = content[:size]
	if !bytes.Equal(tailOf(i.From.Tail, content), i.To.Tail) || i.From.Head.followed(i.From.Offset, content) != i.To.Head {
		return nil, nil
	}
	return content, nil
}
