package hostmount_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/hostmount"
)

// tree creates files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

const mountedLog = "1 2 0:9 / / rw - overlay overlay rw\n3 1 8:1 /var/log /var/log ro - ext4 /dev/sda rw\n"

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   map[string]string
		want    hostmount.Mounts // without Missing
		missing []string
	}{
		{"no container", map[string]string{"rootfs/etc/passwd": "", "rootfs/usr/x": ""}, hostmount.Mounts{}, nil},
		{
			"a virtual machine made from an image",
			map[string]string{".dockerenv": "", "proc/self/mountinfo": "1 0 254:0 / / rw,relatime - ext4 /dev/vda rw\n"},
			hostmount.Mounts{}, nil,
		},
		{
			"a folder of a disk", map[string]string{
				".dockerenv": "", "proc/self/mountinfo": "1 0 254:0 /vfs/dir/1 / rw,relatime - ext4 /dev/vda rw\n2 1 254:0 /var/log /var/log ro - ext4 /dev/vda rw\n",
				"var/log/x": "", "rootfs/etc/x": "", "rootfs/usr/x": "", "rootfs/proc/stat": "", "rootfs/proc/1/net/dev": "", "rootfs/sys/class/net/lo": "",
			},
			hostmount.Mounts{Container: true, Root: "rootfs", Proc: "rootfs/proc", Sys: "rootfs/sys", Log: "var/log"}, nil,
		},
		{
			"nothing is mounted", map[string]string{".dockerenv": "", "proc/self/mountinfo": "", "var/log/x": ""},
			hostmount.Mounts{Container: true},
			[]string{"/:/rootfs:ro,rslave", "/proc:/host/proc:ro", "/sys:/host/sys:ro", "/var/log:/var/log:ro"},
		},
		{
			"podman, everything from the root", map[string]string{
				"run/.containerenv": "", "rootfs/etc/hostname": "vm1\n", "rootfs/usr/x": "", "rootfs/var/log/syslog": "",
				"rootfs/proc/stat": "", "rootfs/proc/1/net/dev": "", "rootfs/sys/class/net/lo": "", "proc/self/net/dev": "",
			},
			hostmount.Mounts{Container: true, Name: "vm1", Root: "rootfs", Proc: "rootfs/proc", Sys: "rootfs/sys", Log: "rootfs/var/log", ForeignNetwork: true},
			nil,
		},
		{
			"the original's mounts", map[string]string{
				".dockerenv": "", "rootfs/etc/passwd": "", "rootfs/var/x": "", "host/proc/stat": "", "host/proc/1/net/dev": "",
				"host/sys/class/net/lo": "", "proc/self/mountinfo": mountedLog, "var/log/syslog": "",
			},
			hostmount.Mounts{Container: true, Root: "rootfs", Proc: "host/proc", Sys: "host/sys", Log: "var/log"},
			nil,
		},
		{
			"folders without what a host has", map[string]string{".dockerenv": "", "rootfs/x": "", "host/proc/stat": "", "host/sys/x": ""},
			hostmount.Mounts{Container: true},
			[]string{"/:/rootfs:ro,rslave", "/proc:/host/proc:ro", "/sys:/host/sys:ro", "/var/log:/var/log:ro"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, c.files)
			got := hostmount.Find(dir)
			var missing []string
			for _, m := range got.Missing {
				missing = append(missing, m.Volume)
				require.NotEmpty(t, m.Without)
			}
			require.Equal(t, c.missing, missing)
			got.Missing = nil
			for _, p := range []*string{&c.want.Root, &c.want.Proc, &c.want.Sys, &c.want.Log} {
				if *p != "" {
					*p = filepath.Join(dir, *p)
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestView(t *testing.T) {
	proc := tree(t, map[string]string{
		"stat": "cpu", "1/net/dev": "eth0", "1/mounts": "/", "2/stat": "", "10/stat": "", "self/net/dev": "own", "net/dev": "own", "sys/kernel/x": "1",
	})
	dir := filepath.Join(t.TempDir(), "below", "procfs")
	for range 2 { // also if there is one already
		view, err := hostmount.View(proc, dir)
		require.NoError(t, err)
		for name, want := range map[string]string{"stat": "cpu", "net/dev": "eth0", "1/mounts": "/", "sys/kernel/x": "1"} {
			content, err := os.ReadFile(filepath.Join(view, name))
			require.NoError(t, err)
			require.Equal(t, want, string(content))
		}
		require.NoDirExists(t, filepath.Join(view, "2"))
		require.NoDirExists(t, filepath.Join(view, "10"))
	}
	_, err := hostmount.View(filepath.Join(proc, "none"), dir)
	require.ErrorContains(t, err, "create a view of")
}
