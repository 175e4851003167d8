package programpages

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mapping is a mapping in the address space.
type mapping struct {
	from, to   uintptr
	mode, path string
	// written is how many kB of it exist nowhere else: in a mapping of the program file, they were modified when it was loaded.
	written int
}

// release releases the pages of the program file. Most of them are used only once: the start runs the initialization of every
// library that an engine links. They remain in the page cache, so using them again costs a minor fault, and the kernel can drop
// the rest first when memory is low.
//
// A read-only mapping may have been written to: the pointers in a position-independent program (-buildmode=pie) are set when it
// is loaded, before it is protected.
func release() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return err
	}
	for _, m := range parse(smaps) {
		if m.path != program || m.mode[1] == 'w' || m.written > 0 {
			continue
		}
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); failed != 0 {
			return fmt.Errorf("madvise %s: %w", m.path, failed)
		}
	}
	return nil
}

// parse returns the mappings of files.
func parse(smaps []byte) (all []mapping) {
	for lines := bufio.NewScanner(bytes.NewReader(smaps)); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		switch name {
		case "Anonymous", "Swap": // not Private_Dirty, which also includes a file that was just written
			var kilobytes int
			if _, err := fmt.Sscan(rest, &kilobytes); err == nil && len(all) > 0 {
				all[len(all)-1].written += kilobytes
			}
			continue
		}
		var m mapping
		var offset, device, inode string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %s %s %s %s", &m.from, &m.to, &m.mode, &offset, &device, &inode, &m.path); n >= 6 {
			all = append(all, m) // also those without a path, because the lines that follow belong to them
		}
	}
	return all
}
