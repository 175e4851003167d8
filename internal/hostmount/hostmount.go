// Package hostmount finds the host's /proc, /sys and / inside a container: which of them are mounted, where, and what is missing.
// Outside a container it finds nothing. It wraps nothing.
package hostmount

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mounts contains the locations of the host's folders.
type Mounts struct {
	// Container is set if this process runs in a container.
	Container bool
	// Name is the host's name if its root is mounted: a container has its own name, which is different for each new container.
	Name string
	// Proc, Sys, Root and Log are the mount points of the host's /proc, /sys, / and /var/log; empty if they are not mounted.
	Proc, Sys, Root, Log string
	// ForeignNetwork is set if this process has its own network namespace, so that its /proc/net is not the host's.
	ForeignNetwork bool
	// Missing lists what is not mounted.
	Missing []Missing
}

// Missing is a folder of the host that is not mounted.
type Missing struct {
	// Folder is the host's folder, Without describes what does not work without it.
	Folder, Without string
	// Volume is the entry for `volumes:` in a compose file that mounts it.
	Volume string
}

// Common mount points of the host's folders, from the documentation of node_exporter and cAdvisor.
var (
	roots = []string{"rootfs", "host/root", "host/rootfs", "host"}
	procs = []string{"host/proc"}
	syses = []string{"host/sys"}
)

// markers are files that container engines create.
var markers = []string{".dockerenv", "run/.containerenv"}

// Find searches below the given folder, which is / except in tests.
func Find(below string) Mounts {
	var m Mounts
	for _, marker := range markers {
		if exists(filepath.Join(below, marker)) {
			m.Container = true
		}
	}
	if m.Container = m.Container && !onDisk(below); !m.Container {
		return m
	}
	for _, name := range roots {
		if dir := filepath.Join(below, name); isRoot(dir) {
			m.Root = dir
			break
		}
	}
	if m.Root != "" {
		name, _ := os.ReadFile(filepath.Join(m.Root, "etc/hostname")) // not every system has this file
		m.Name = strings.TrimSpace(string(name))
	}
	m.Proc = first(below, m.Root, procs, "proc", isProc)
	m.Sys = first(below, m.Root, syses, "sys", isSys)
	m.Log = hostLog(below, m.Root)
	if m.Proc != "" {
		own, host := inode(filepath.Join(below, "proc/self/net/dev")), inode(filepath.Join(m.Proc, "1/net/dev"))
		m.ForeignNetwork = own != 0 && host != 0 && own != host
	}
	m.missing()
	return m
}

// first returns the first matching folder, below the container's root or below the host's.
func first(below, root string, places []string, inRoot string, is func(string) bool) string {
	for _, name := range places {
		if dir := filepath.Join(below, name); is(dir) {
			return dir
		}
	}
	if root != "" {
		if dir := filepath.Join(root, inRoot); is(dir) {
			return dir
		}
	}
	return ""
}

// hostLog returns /var/log if something is mounted there, otherwise the one in the host's root.
func hostLog(below, root string) string {
	if isMount(below, "/var/log") {
		return filepath.Join(below, "var/log")
	}
	if root != "" && exists(filepath.Join(root, "var/log")) {
		return filepath.Join(root, "var/log")
	}
	return ""
}

func (m *Mounts) missing() {
	if m.Root == "" {
		m.Missing = append(m.Missing, Missing{"/", "the host's file systems are not measured", "/:/rootfs:ro,rslave"})
	}
	if m.Proc == "" {
		m.Missing = append(m.Missing, Missing{"/proc", "network and mounts are this container's", "/proc:/host/proc:ro"})
	}
	if m.Sys == "" {
		m.Missing = append(m.Missing, Missing{"/sys", "the host's network devices and sensors are not seen", "/sys:/host/sys:ro"})
	}
	if m.Log == "" {
		m.Missing = append(m.Missing, Missing{"/var/log", "the host's log files are not collected", "/var/log:/var/log:ro"})
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// isRoot distinguishes a host's root from a folder that an image happens to have: it contains what every system has.
func isRoot(dir string) bool {
	return exists(filepath.Join(dir, "etc")) && (exists(filepath.Join(dir, "usr")) || exists(filepath.Join(dir, "var")))
}

func isProc(dir string) bool {
	return exists(filepath.Join(dir, "1/net")) && exists(filepath.Join(dir, "stat"))
}

func isSys(dir string) bool { return exists(filepath.Join(dir, "class/net")) }

// onDisk reports whether the root is a whole disk, as in a virtual machine created from an image, which also has a marker. A
// container's root is an overlay, or a folder of a disk.
func onDisk(below string) bool {
	for fields := range mounts(below) {
		if separator := slices.Index(fields, "-"); fields[4] == "/" && separator > 0 && separator+2 < len(fields) {
			return fields[3] == "/" && strings.HasPrefix(fields[separator+2], "/dev/")
		}
	}
	return false
}

// isMount reports whether something is mounted at the folder, whose name has no spaces.
func isMount(below, dir string) bool {
	for fields := range mounts(below) {
		if fields[4] == dir {
			return true
		}
	}
	return false
}

// mounts returns the lines of this process's mountinfo, see proc_pid_mountinfo(5): field 3 is the root within the file system,
// field 4 the mount point, and the device is the second field after a dash.
func mounts(below string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		table, err := os.ReadFile(filepath.Join(below, "proc/self/mountinfo"))
		if err != nil {
			return
		}
		for line := range strings.Lines(string(table)) {
			if fields := strings.Fields(line); len(fields) > 4 && !yield(fields) {
				return
			}
		}
	}
}
