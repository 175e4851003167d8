package programpages

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mapping is a part of the address space.
type mapping struct {
	from, to   uintptr
	mode, path string
	// written is how many kB of it are nowhere else: in a file of the program's kind they were changed when it was loaded.
	written int
}

// release lets go of the pages of the program's file. Most of them are used once: the start runs through the set-up of
// every library that an engine links. They stay in the page cache, so what is used again costs a minor fault, and the
// kernel can drop the rest first when memory is short.
//
// A mapping that cannot be written to may have been: a program that is made to run at any address (-buildmode=pie) has its
// pointers set when it is loaded, and is protected then.
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

// parse reads the mappings of files.
func parse(smaps []byte) (all []mapping) {
	for lines := bufio.NewScanner(bytes.NewReader(smaps)); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		switch name {
		case "Anonymous", "Swap": // not Private_Dirty, which a file that was written just now has too
			var kilobytes int
			if _, err := fmt.Sscan(rest, &kilobytes); err == nil && len(all) > 0 {
				all[len(all)-1].written += kilobytes
			}
			continue
		}
		var m mapping
		var offset, device, inode string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %s %s %s %s", &m.from, &m.to, &m.mode, &offset, &device, &inode, &m.path); n >= 6 {
			all = append(all, m) // those without a path too: what follows is theirs
		}
	}
	return all
}
