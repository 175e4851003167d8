package cadvisor

import (
	"os"
	"strings"

	"github.com/google/cadvisor/lib/utils/sysfs"
)

// machineIDs are the possible locations of the host's ID: in a container it is below the host's root mount.
const machineIDs = "/rootfs/etc/machine-id,/host/etc/machine-id,/etc/machine-id,/var/lib/dbus/machine-id"

// hostSysFs returns the machine's ID in place of its UUID if the firmware's UUID cannot be read, which only root may
// do.
type hostSysFs struct{ sysfs.SysFs }

// GetSystemUUID implements sysfs.SysFs. It never fails: upstream would log an error that requires no action.
func (h hostSysFs) GetSystemUUID() (string, error) {
	if id, err := h.SysFs.GetSystemUUID(); err == nil {
		return id, nil
	}
	for name := range strings.SplitSeq(machineIDs, ",") {
		if id, err := os.ReadFile(name); err == nil {
			return strings.TrimSpace(string(id)), nil
		}
	}
	return "", nil
}
