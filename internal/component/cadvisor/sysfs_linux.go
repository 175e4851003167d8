package cadvisor

import (
	"os"
	"strings"

	"github.com/google/cadvisor/lib/utils/sysfs"
)

// machineIDs are where the host's id may be: in a container it is below its root.
const machineIDs = "/rootfs/etc/machine-id,/host/etc/machine-id,/etc/machine-id,/var/lib/dbus/machine-id"

// hostSysFs answers for the machine's UUID with its id where the firmware's may not be read, as nobody but root may.
type hostSysFs struct{ sysfs.SysFs }

// GetSystemUUID implements sysfs.SysFs. It never fails: upstream would log an error that nobody has to act on.
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
