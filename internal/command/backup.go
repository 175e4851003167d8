package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/backup"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/datadir"
)

// progressEvery is the interval between progress messages of a backup.
const progressEvery = 2 * time.Second

// Backup requests all data from the Ausguck that runs on the same data folder and writes it to file, which must not exist yet, or
// to out if file is "-". It needs no password: a user with write access to the folder may read its data.
func Backup(ctx context.Context, o app.Options, file string, out, progress io.Writer) error {
	if err := o.Complete(); err != nil {
		return err
	}
	if file == "-" {
		return fetchBackup(ctx, o, "standard output", out, progress)
	}
	if fileExists(file) {
		return fmt.Errorf("%s already exists; choose another file", file)
	}
	partial := file + ".partial"
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // it contains the users' password hashes
	if err != nil {
		return err
	}
	if err = errors.Join(fetchBackup(ctx, o, file, f, progress), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	return os.Rename(partial, file)
}

// fetchBackup writes the backup to out; name identifies it in progress messages.
func fetchBackup(ctx context.Context, o app.Options, name string, out, progress io.Writer) (err error) {
	token, release, err := temporaryToken(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	url, err := ownURL(o)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/ausguck/backup", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := ownClient().Do(r)
	if err != nil {
		return fmt.Errorf("connect to the running Ausguck: %w; if it is not running, copy the folder %s instead", err, o.StoragePath)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(answer.Body, 4096)) // the status is informative enough without it
		return fmt.Errorf("%s answers %s: %s", url, answer.Status, strings.TrimSpace(string(reason)))
	}
	size, err := strconv.ParseInt(answer.Header.Get(app.BackupBytes), 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not an Ausguck that supports backups: its response does not state the size", url)
	}
	counter := &counter{out: progress, next: time.Now().Add(progressEvery), total: size}
	if _, err := io.Copy(out, io.TeeReader(answer.Body, counter)); err != nil {
		return fmt.Errorf("the backup was interrupted: %w", err)
	}
	fmt.Fprintf(progress, "%s: %s of data in the backup\n", name, units.Base2Bytes(size).Round(1))
	return nil
}

// counter prints from time to time how much has been received.
type counter struct {
	out         io.Writer
	next        time.Time
	come, total int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.come += int64(len(p))
	if now := time.Now(); now.After(c.next) {
		c.next = now.Add(progressEvery)
		fmt.Fprintf(c.out, "%s have come, of %s before compression\n", units.Base2Bytes(c.come).Round(1), units.Base2Bytes(c.total).Round(1))
	}
	return len(p), nil
}

// temporaryToken creates a short-lived admin token in the database of the data folder.
func temporaryToken(ctx context.Context, o app.Options) (token string, release func() error, err error) {
	path := datadir.In(o.StoragePath, datadir.Database)
	if !fileExists(path) {
		return "", nil, fmt.Errorf("%s does not exist; set --storage.path to the data folder", path)
	}
	admin, _, err := o.Admin(os.LookupEnv)
	if err != nil {
		return "", nil, err
	}
	db, err := database.Open(path)
	if err != nil {
		return "", nil, err
	}
	users := auth.New(auth.Options{DB: db, Logger: o.Logger, AdminLogin: admin.Login})
	if err := users.Prepare(ctx); err != nil {
		return "", nil, errors.Join(err, db.Close())
	}
	token, forget, err := users.TemporaryToken(ctx, "backup", time.Hour)
	if err != nil {
		return "", nil, errors.Join(err, db.Close())
	}
	return token, func() error {
		return errors.Join(forget(context.WithoutCancel(ctx)), db.Close())
	}, nil
}

// Restore creates the data folder from a backup, which it reads from in if file is "-". The folder must be empty.
func Restore(o app.Options, file string, in io.Reader) (m backup.Manifest, dir string, err error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return m, o.StoragePath, err
		}
		defer f.Close()
		in = f
	}
	m, err = backup.Restore(in, o.StoragePath)
	return m, o.StoragePath, err
}
