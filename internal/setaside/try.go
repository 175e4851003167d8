package setaside

import (
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
)

// Try calls read, which is to read something once as a library will read it for good, and returns its error. A panic is an
// error too, and so is a page that a memory-mapped file does not have: some libraries trust what they read. It is no help
// against what they do in goroutines of their own.
func Try(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("damaged: %v", r)
		}
	}()
	return read()
}

// Readable returns why path, which may be missing, is no file that can be read and written.
func Readable(path string) error {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err == nil && info.IsDir():
		return &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case err == nil:
		var f *os.File
		if f, err = os.OpenFile(path, os.O_RDWR, 0); err == nil {
			return f.Close()
		}
	}
	return err
}
