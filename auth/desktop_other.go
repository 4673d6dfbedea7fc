//go:build !linux

package auth

import (
	"context"
	"errors"
	"time"
)

// onBus is false: only Linux desktops have their keychains on a session bus.
func onBus(string) bool { return false }

func busReady() bool { return false }

func openOnBus(context.Context, string, time.Duration) (ring, error) {
	return nil, errors.New("there is no session bus on this system")
}
