//go:build linux

package auth

import "github.com/99designs/keyring"

// keyctlPermissions lets every session of the user read the items; by default
// only the session that made them could.
func keyctlPermissions() uint32 {
	return keyring.GetPermissions(keyring.KEYCTL_PERM_ALL, keyring.KEYCTL_PERM_ALL, 0, 0)
}
