package terminal

import (
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// drawer is how the runtime calls the goroutine in which Bubble Tea draws.
const drawer = "bubbletea/v2.(*Program).startRenderer.func"

// AwaitDrawn waits, after Program.ReleaseTerminal, until the goroutine that drew has come to its end, and tells whether it
// has within the limit. That goroutine stops a ticker as its last act, after ReleaseTerminal has returned, and
// Program.RestoreTerminal starts the same ticker again: in the wrong order nothing would be drawn until Beat sets it. The
// library offers no way to wait for it, so the goroutines of the process are looked through; a process draws one program.
func AwaitDrawn(limit time.Duration) bool {
	for begin := time.Now(); drawing(); time.Sleep(time.Millisecond) {
		if time.Since(begin) >= limit {
			return false
		}
	}
	return true
}

// drawing tells whether a goroutine draws, or is about to end.
func drawing() bool {
	for _, r := range goroutines() {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); strings.Contains(f.Function, drawer) {
				return true
			}
		}
	}
	return false
}

// goroutines gives the stacks of all goroutines.
func goroutines() []runtime.StackRecord {
	for n := runtime.NumGoroutine(); ; {
		records := make([]runtime.StackRecord, n+16) // some may begin meanwhile
		got, ok := runtime.GoroutineProfile(records)
		if ok {
			return records[:got]
		}
		n = got
	}
}

// ShowCursor makes the cursor visible on the screen that the shell has back. The library shows it on its own screen, and some
// terminals keep that apart for each of the two. On the shell's it may have hidden it, in an empty frame that came before the first
// one of the program. There is nothing to do about a terminal that does not take it.
func ShowCursor(out io.Writer) { _, _ = io.WriteString(out, ansi.SetModeTextCursorEnable) }
