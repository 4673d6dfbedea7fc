//go:build !linux

package auth

// keyctlPermissions has no meaning outside Linux.
func keyctlPermissions() uint32 { return 0 }
