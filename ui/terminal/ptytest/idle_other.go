//go:build unix && !linux

package ptytest

import "time"

// starved is known on Linux only.
func (t *Term) starved() (waited time.Duration, running bool) { return 0, false }

// pending tells whether keys are still on their way; what the kernel holds is known on Linux only.
func (t *Term) pending() bool { return !t.in.empty() }
