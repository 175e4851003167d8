package promserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/ausguck/ausguck/internal/setaside"
)

// Upstream opens a storage entirely or not at all, except for the WAL, which it repairs. Here each piece is read as
// upstream will read it, and pieces on which it would fail are set aside: blocks and their tombstones (soundblock.go),
// a checkpoint (soundwal.go), and anything that is not a regular file where one is expected.

const backupInstead = "if you have a backup, stop Ausguck and restore the file from it"

// makeSound sets aside what would keep upstream from starting. The error names what could not be moved.
func (s *settings) makeSound() error {
	return errors.Join(
		s.soundFile("lock", "nothing", "no action is needed"),
		s.soundSegments("wal"),
		s.soundSegments("wbl"),
		s.soundCheckpoint(),
		s.soundHeadChunks(),
		s.soundBlocks(),
	)
}

func (s *settings) loss(path string, cause error, lost, remedy string) setaside.Loss {
	return setaside.Loss{Part: "promserver", Path: path, Cause: cause, Lost: lost, Remedy: remedy}
}

// soundFile sets aside a file that cannot be used.
func (s *settings) soundFile(name, lost, remedy string) error {
	path := filepath.Join(s.Dir, name)
	if err := setaside.Readable(path); err != nil {
		return s.SetAside.Move(s.loss(path, err, lost, remedy))
	}
	return nil
}

// soundSegments puts an empty segment in place of a WAL segment that is unreadable or missing: upstream accepts no
// gaps.
func (s *settings) soundSegments(name string) error {
	dir := filepath.Join(s.Dir, name)
	numbers, err := numbered(dir)
	if err != nil {
		return err
	}
	for i, n := range numbers {
		path := filepath.Join(dir, fmt.Sprintf("%08d", n))
		lost := "samples of one segment of the " + strings.ToUpper(name) + ": some of the last hours"
		if err := setaside.Readable(path); err != nil {
			if err := s.SetAside.Move(s.loss(path, err, lost, backupInstead)); err != nil {
				return err
			}
			if err := os.WriteFile(path, nil, 0o640); err != nil {
				return fmt.Errorf("replace it with an empty segment: %w", err)
			}
		}
		for gap := n + 1; i+1 < len(numbers) && gap < numbers[i+1]; gap++ {
			path := filepath.Join(dir, fmt.Sprintf("%08d", gap))
			if err := os.WriteFile(path, nil, 0o640); err != nil {
				return fmt.Errorf("replace it with an empty segment: %w", err)
			}
			s.SetAside.Say(s.loss(path, errors.New("the segment is missing"), lost, backupInstead))
		}
	}
	return nil
}

// soundHeadChunks sets aside the head's chunks if one of their files is unreadable or missing in the sequence. They
// only save work: the WAL has the same samples.
func (s *settings) soundHeadChunks() error {
	dir := filepath.Join(s.Dir, "chunks_head")
	numbers, err := numbered(dir)
	if err != nil {
		return err
	}
	var cause error
	for i, n := range numbers {
		cause = readableChunks(filepath.Join(dir, fmt.Sprintf("%06d", n)))
		if cause == nil && i > 0 && n != numbers[i-1]+1 {
			cause = fmt.Errorf("file %06d is missing", n-1)
		}
		if cause != nil {
			return s.SetAside.Move(s.loss(dir, cause, "only out-of-order samples: the others are read from the WAL", "no action is needed"))
		}
	}
	return nil
}

// readableChunks returns why upstream would not open a file of head chunks. Upstream can handle one that is too short.
func readableChunks(path string) error {
	if err := setaside.Readable(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var header [chunks.HeadChunkFileHeaderSize]byte
	if _, err := f.ReadAt(header[:], 0); err != nil {
		return nil
	}
	if magic := binary.BigEndian.Uint32(header[:]); magic != chunks.MagicHeadChunks || header[4] != 1 {
		return fmt.Errorf("it begins with %x", header[:5])
	}
	return nil
}

// numbered lists the entries of dir whose names are numbers, in order; a missing folder has none.
func numbered(dir string) (numbers []int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
