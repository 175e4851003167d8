// Package hostmount finds the host's /proc, /sys and / inside a container: what of them is mounted, where, and what is
// missing. Outside a container there is nothing to find. It wraps nothing.
package hostmount

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mounts says where the host's folders are.
type Mounts struct {
	// Container is whether this process runs in a container.
	Container bool
	// Name is the host's, when its root is mounted: a container has a name of its own, which changes with each that is made.
	Name string
	// Proc, Sys, Root and Log are where the host's /proc, /sys, / and /var/log are; empty where they are not mounted.
	Proc, Sys, Root, Log string
	// ForeignNetwork is whether this process has a network of its own, so that its /proc/net is not the host's.
	ForeignNetwork bool
	// Missing has what is not mounted.
	Missing []Missing
}

// Missing is a folder of the host that is not mounted.
type Missing struct {
	// Folder is the host's, Without what does not work as long as it is missing.
	Folder, Without string
	// Volume is the entry of `volumes:` in a compose file that mounts it.
	Volume string
}

// The places at which people mount the host's folders: node_exporter's and cAdvisor's documentation have them.
var (
	roots = []string{"rootfs", "host/root", "host/rootfs", "host"}
	procs = []string{"host/proc"}
	syses = []string{"host/sys"}
)

// markers are files that container engines make.
var markers = []string{".dockerenv", "run/.containerenv"}

// Find looks below the folder, which is / outside of tests.
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
		name, _ := os.ReadFile(filepath.Join(m.Root, "etc/hostname")) // not every system has it
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

// first returns the first place that is what is looked for, below the container's root or below the host's.
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

// hostLog returns /var/log when something is mounted there, else that of the host's root.
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

// isRoot tells a host's root from a folder that an image happens to have: it has what every system has.
func isRoot(dir string) bool {
	return exists(filepath.Join(dir, "etc")) && (exists(filepath.Join(dir, "usr")) || exists(filepath.Join(dir, "var")))
}

func isProc(dir string) bool {
	return exists(filepath.Join(dir, "1/net")) && exists(filepath.Join(dir, "stat"))
}

func isSys(dir string) bool { return exists(filepath.Join(dir, "class/net")) }

// onDisk says whether the root is a whole disk, as that of a virtual machine made from an image, which has a marker
// too. A container's is an overlay, or a folder of a disk.
func onDisk(below string) bool {
	for fields := range mounts(below) {
		if separator := slices.Index(fields, "-"); fields[4] == "/" && separator > 0 && separator+2 < len(fields) {
			return fields[3] == "/" && strings.HasPrefix(fields[separator+2], "/dev/")
		}
	}
	return false
}

// isMount says whether something is mounted at the folder, whose name has no blanks.
func isMount(below, dir string) bool {
	for fields := range mounts(below) {
		if fields[4] == dir {
			return true
		}
	}
	return false
}

// mounts are the lines of this process's mountinfo, see proc_pid_mountinfo(5): the root within the file system is field
// 3, the place field 4, the device the second after a dash.
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
