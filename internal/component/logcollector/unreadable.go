package logcollector

import (
	"errors"
	"io/fs"
	"os"
)

// lookInto reports whether a folder hides its files, and logs it.
func (f *files) lookInto(dir string) (hidden bool) {
	d, err := os.Open(dir)
	if err != nil {
		f.complain(dir, err)
		return f.unreadable[dir] != ""
	}
	_ = d.Close() // it was only read
	return false
}

// complain logs once that a file cannot be read, and why.
func (f *files) complain(path string, err error) {
	if errors.Is(err, fs.ErrNotExist) || f.unreadable[path] == err.Error() {
		return
	}
	f.unreadable[path] = err.Error()
	f.metrics.unreadable.Set(float64(len(f.unreadable)))
	remedy := ""
	if errors.Is(err, fs.ErrPermission) {
		remedy = "let the user of this process read it, for example by its group (adm on Debian), or: sudo setfacl -m u:ausguck:rX " + path
	}
	f.logger.Warn("Cannot read a log file or its folder; retrying", "path", path, "remedy", remedy, "err", err)
}
