// Package command is what the program does besides running: backup, restore, migrate, compose, init, notify-test,
// healthcheck and reset-password.
//
// It works on the Options of internal/app, and on the data folder or the running program that they name. cmd/ausguck is its
// only importer.
package command

import (
	"errors"
	"io/fs"
	"os"
)

func fileExists(name string) bool {
	_, err := os.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}
