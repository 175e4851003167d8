package logcollector

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// born returns when a file was created, or a time long ago if the file system does not record it.
func born(file *os.File) time.Time {
	var stat unix.Statx_t
	if unix.Statx(int(file.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &stat) != nil || stat.Mask&unix.STATX_BTIME == 0 {
		return time.Unix(0, 0)
	}
	return time.Unix(stat.Btime.Sec, int64(stat.Btime.Nsec))
}
