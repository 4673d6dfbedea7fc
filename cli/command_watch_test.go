package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/unity"
)

// TestTheLiveTableOfCommands draws over itself, keeps to its room, puts open commands first and shows no control characters.
func TestTheLiveTableOfCommands(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	at := now.Add(-5 * time.Minute)
	var out bytes.Buffer
	table := &liveTable{app: &app{out: &out}, now: func() time.Time { return now }, words: func(r watchRow) string { return "last seen 05:00" }}
	var rows []watchRow
	for i := range 40 {
		rows = append(rows, watchRow{key: fmt.Sprint(i), HostName: unity.NewText(fmt.Sprintf("HOST-%02d\x1b[2J", i)), SiteName: unity.NewText("Quay"), Command: "scan",
			state: unity.StateNotYetReceived, DateRequested: &at})
	}
	if err := table.begin(rows); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 23 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%d lines on a terminal of 24, or control characters: %q", n, out.String())
	}
	out.Reset()
	for i, s := range []unity.CommandState{unity.StateExecuted, unity.StateElapsed, 0} {
		next := rows[i]
		next.state = s
		if err := table.row(next); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "\x1b[23A\r\x1b[J"); got != 3 {
		t.Errorf("drawn over %d times, want 3: %q", got, out.String())
	}
	lines := table.lines(100, 60)
	if last := lines[len(lines)-1]; !strings.HasSuffix(last, "2 of 40") {
		t.Errorf("the bar says %q", last)
	}
	for place, want := range map[int]string{1: "not listed yet", 39: "elapsed", 40: "sent to agent"} {
		if !strings.HasPrefix(lines[place], want) {
			t.Errorf("line %d is %q, want %s", place, lines[place], want)
		}
	}
	for _, l := range table.lines(30, 10) {
		if ansi.StringWidth(l) > 30 {
			t.Errorf("%q is wider than 30 cells", l)
		}
	}
}
