//go:build !unix

package picture_test

import "time"

// cpuTime is not measured here.
func cpuTime(bool) time.Duration { return 0 }
