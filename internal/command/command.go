// Package command implements the program's commands besides running the server: backup, restore, migrate, compose, init,
// notify-test, healthcheck and reset-password.
//
// The commands use the Options of internal/app, and the data folder or the running program that these name. Only cmd/ausguck
// imports this package.
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
