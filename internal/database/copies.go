package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	timeFormat = "20060102T150405Z"
	copyEvery  = time.Hour
	// keptCopies is the number of copies: the newest, and two that are at least a day older than the one before.
	keptCopies  = 3
	copiesApart = 24 * time.Hour
)

// Copies keeps a few copies of a database beside it, in case it gets damaged: OpenSound offers the newest.
type Copies struct {
	DB     *sql.DB
	Path   string
	Logger *slog.Logger
	// Room returns an error if nothing should be written now; nil means that there is always enough space.
	Room func() error
}

// Run creates a copy every hour until ctx ends.
func (c *Copies) Run(ctx context.Context) {
	next := time.Now()
	if all := copiesOf(c.Path); len(all) > 0 && all[0].made.Before(next) {
		next = all[0].made.Add(copyEvery)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		if err := c.Make(ctx, time.Now()); err != nil && ctx.Err() == nil {
			c.Logger.Warn("Cannot copy the database; retrying in an hour", "path", c.Path, "err", err)
		}
		next = time.Now().Add(copyEvery)
	}
}

// Make creates a copy now and removes surplus ones.
func (c *Copies) Make(ctx context.Context, now time.Time) (err error) {
	if c.Room != nil {
		if err := c.Room(); err != nil {
			return err
		}
	}
	unfinished := c.Path + ".copying"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(unfinished, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // if SQLite created it, others could read it
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(unfinished))
		}
	}()
	_, err = c.DB.ExecContext(ctx, "VACUUM INTO ?", unfinished)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := os.Rename(unfinished, copyName(c.Path, now)); err != nil {
		return err
	}
	for _, old := range surplus(copiesOf(c.Path)) {
		if err := os.Remove(old.path); err != nil {
			return err
		}
	}
	return nil
}

// copied is one copy.
type copied struct {
	path string
	made time.Time
}

func copyName(path string, made time.Time) string {
	return path + ".copy-" + made.UTC().Format(timeFormat)
}

// copiesOf lists the copies of the database at path, newest first.
func copiesOf(path string) []copied {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil // then there is no database either
	}
	var all []copied
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), filepath.Base(path)+".copy-")
		if made, err := time.Parse(timeFormat, text); ok && err == nil && e.Type().IsRegular() {
			all = append(all, copied{filepath.Join(filepath.Dir(path), e.Name()), made})
		}
	}
	slices.SortFunc(all, func(a, b copied) int { return b.made.Compare(a.made) })
	return all
}

// surplus returns the copies to remove; all is sorted, newest first. It removes the second copy as long as the third is less than
// a day older, and the oldest ones.
func surplus(all []copied) (remove []copied) {
	if len(all) >= keptCopies && all[1].made.Sub(all[2].made) < copiesApart {
		remove = append(remove, all[1])
		all = slices.Delete(slices.Clone(all), 1, 2)
	}
	return append(remove, all[min(keptCopies, len(all)):]...)
}
