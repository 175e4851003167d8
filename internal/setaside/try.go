package setaside

import (
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
)

// Try calls read, which reads data once in the same way as a library will later, and returns its error. A panic is also returned
// as an error, and so is a missing page of a memory-mapped file: some libraries trust what they read. It does not catch panics in
// goroutines that libraries start.
func Try(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("damaged: %v", r)
		}
	}()
	return read()
}

// Readable returns why path, which may not exist, is not a readable and writable file.
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
