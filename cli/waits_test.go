package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity/dispatch"
)

// TestAWaitIsSaidOnce reports a job that waits twice, and does other things between.
func TestAWaitIsSaidOnce(t *testing.T) {
	var b bytes.Buffer
	told := (&app{err: &b}).waits()
	for _, note := range []string{"", dispatch.NoteThrottled, dispatch.NoteThrottled, "reading again", "", dispatch.NoteThrottled} {
		told(dispatch.Job{Note: note})
	}
	if n := strings.Count(b.String(), "too many requests\n"); n != 2 || strings.Contains(b.String(), "reading") {
		t.Errorf("it says %q", b.String())
	}
}
