//go:build !linux

package auth

import (
	"errors"
	"time"
)

// keyctlPermissions has no meaning outside Linux.
func keyctlPermissions() uint32 { return 0 }

// keyctlExpire is never called outside Linux, which alone has such a keyring.
func keyctlExpire(string, time.Duration) error { return errors.New("there is no kernel keyring") }
