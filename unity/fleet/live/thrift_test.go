package live

import (
	"runtime/debug"
	"testing"
)

// TestThrift holds that garbage is collected as usual again once a sync is over, and that a pace of the user's own is kept.
func TestThrift(t *testing.T) {
	t.Setenv("GOGC", "")
	was := debug.SetGCPercent(percentUsual)
	defer debug.SetGCPercent(was)
	pace := func() int {
		now := debug.SetGCPercent(percentUsual)
		debug.SetGCPercent(now)
		return now
	}
	done := thrift()
	if now := pace(); now != percentSync {
		t.Errorf("%d percent during a sync", now)
	}
	done()
	if now := pace(); now != percentUsual {
		t.Errorf("%d percent after a sync", now)
	}
	t.Setenv("GOGC", "300")
	debug.SetGCPercent(300)
	thrift()()
	if now := pace(); now != 300 {
		t.Errorf("%d percent where the user wants 300", now)
	}
}
