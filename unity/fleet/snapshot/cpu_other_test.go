//go:build !unix

package snapshot

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
