//go:build linux

package auth

import (
	"time"

	"github.com/99designs/keyring"
	"golang.org/x/sys/unix"
)

// keyctlPermissions lets every session of the user read the items; by default
// only the session that made them could.
func keyctlPermissions() uint32 {
	return keyring.GetPermissions(keyring.KEYCTL_PERM_ALL, keyring.KEYCTL_PERM_ALL, 0, 0)
}

// keyctlExpire has the kernel forget an item of unitty's after a time.
func keyctlExpire(key string, after time.Duration) error {
	ring, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, "keyring", serviceName, 0)
	if err != nil {
		return err
	}
	id, err := unix.KeyctlSearch(ring, "user", key, 0)
	if err != nil {
		return err
	}
	_, err = unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, int(after/time.Second), 0, 0)
	return err
}
