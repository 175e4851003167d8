package queue

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Kinds of records in a file.
const (
	recordAccept = byte(1) // an entry
	recordDone   = byte(2) // its key
	recordSeen   = byte(3) // keys to reject; each file begins with one, so that older files can be removed
)

// record is stored as length and CRC-32 of the rest (4 bytes each, little endian), kind (1), key (16), milliseconds since 1970
// (8) and payload.
type record struct {
	kind    byte
	key     Key
	at      int64
	payload []byte
}

const (
	headLength = 8
	bodyLength = 1 + 16 + 8
	maxRecord  = 64 << 20
)

func (r record) appendTo(b []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, headLength)...)
	b = append(b, r.kind)
	b = append(b, r.key[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.at))
	b = append(b, r.payload...)
	body := b[start+headLength:]
	binary.LittleEndian.PutUint32(b[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[start+4:], crc32.ChecksumIEEE(body))
	return b
}

// errTorn marks the end of a file that was being written when the process died.
var errTorn = errors.New("torn record")

// readRecord returns io.EOF at the end and errTorn at anything that is not a complete record.
func readRecord(from io.Reader) (record, int64, error) {
	var head [headLength]byte
	if n, err := io.ReadFull(from, head[:]); err != nil {
		if n == 0 && err == io.EOF {
			return record{}, 0, io.EOF
		}
		return record{}, 0, errTorn
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length < bodyLength || length > maxRecord {
		return record{}, 0, errTorn
	}
	body, err := io.ReadAll(io.LimitReader(from, int64(length))) // grows with the existing data, not with the claimed length
	if err != nil || len(body) != int(length) || crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(head[4:]) {
		return record{}, 0, errTorn
	}
	return record{
		kind: body[0], key: Key(body[1:17]), at: int64(binary.LittleEndian.Uint64(body[17:25])), payload: body[25:],
	}, headLength + int64(length), nil
}

// journal has the files of a queue, oldest first.
type journal struct {
	dir      string
	limit    int64
	segments []*segment
	file     *os.File // of the last segment
	size     int64    // size of its complete records
	number   int
}

type segment struct {
	path string
	open int // its entries that are not done
}

func openJournal(o Options, restore func(record, *segment)) (*journal, error) {
	j := &journal{dir: o.Dir, limit: o.Segment}
	paths, err := filepath.Glob(filepath.Join(o.Dir, "*.queue"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	for _, path := range paths {
		if _, err := fmt.Sscanf(filepath.Base(path), "%d.queue", &j.number); err != nil {
			return nil, fmt.Errorf("file %s does not belong into a queue", path)
		}
		s := &segment{path: path}
		j.segments = append(j.segments, s)
		if err := s.read(o, restore); err != nil {
			return nil, err
		}
	}
	return j, nil
}

func (s *segment) read(o Options, restore func(record, *segment)) error {
	f, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("open queue: %w", err)
	}
	defer f.Close()
	from, at := bufio.NewReader(f), int64(0)
	for {
		r, n, err := readRecord(from)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil: // nothing after it was ever acknowledged: a failed write is truncated before the next one
			o.Logger.Warn("Ignoring the incomplete end of a queue file", "path", s.path, "offset", at)
			return nil
		}
		restore(r, s)
		at += n
	}
}

func (j *journal) full() bool { return j.size >= j.limit }

func (j *journal) current() *segment { return j.segments[len(j.segments)-1] }

// rotate starts a new file with the keys seen so far.
func (j *journal) rotate(seen []Key) error {
	j.number++
	path := filepath.Join(j.dir, fmt.Sprintf("%012d.queue", j.number))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("begin queue file: %w", err)
	}
	keys := make([]byte, 0, len(seen)*len(Key{}))
	for _, k := range seen {
		keys = append(keys, k[:]...)
	}
	first := record{kind: recordSeen, payload: keys}.appendTo(nil)
	if _, err = f.Write(first); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = syncDir(j.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("begin queue file: %w", err), f.Close(), os.Remove(path))
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.size = f, int64(len(first))
	j.segments = append(j.segments, &segment{path: path})
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// write appends the records, or leaves the file unchanged.
func (j *journal) write(records []record, sync bool) error {
	var b []byte
	for _, r := range records {
		b = r.appendTo(b)
	}
	_, err := j.file.WriteAt(b, j.size)
	if err == nil && sync {
		err = j.file.Sync()
	}
	if err != nil {
		return errors.Join(err, j.file.Truncate(j.size))
	}
	j.size += int64(len(b))
	return nil
}

// removeDone removes the oldest files as long as all their entries are done: marks in later files are then obsolete. The last
// file is kept.
func (j *journal) removeDone() {
	for len(j.segments) > 1 && j.segments[0].open == 0 {
		if err := os.Remove(j.segments[0].path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return // retried after the next write
		}
		j.segments = j.segments[1:]
	}
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return errors.Join(j.file.Sync(), j.file.Close())
}
