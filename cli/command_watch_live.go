package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// liveTable is a table on a terminal that is drawn over itself at every change. What does not fit is counted.
type liveTable struct {
	app *app
	now func() time.Time
	// words say of a row when its agent is expected, or what it has reported since.
	words func(watchRow) string
	rows  []watchRow
	// drawn is how many lines the last drawing took.
	drawn int
}

func (t *liveTable) begin(rows []watchRow) error {
	t.rows = slices.Clone(rows)
	return t.draw()
}

func (t *liveTable) row(r watchRow) error {
	if i := slices.IndexFunc(t.rows, func(old watchRow) bool { return old.key == r.key }); i >= 0 {
		t.rows[i] = r
	} else {
		t.rows = append(t.rows, r)
	}
	return t.draw()
}

func (t *liveTable) end() error { return nil }

// size is the room of the terminal in cells.
func (t *liveTable) size() (w, h int) {
	if w, h := t.app.screenSize(); w > 0 {
		return w, h
	}
	return 80, 24
}

func (t *liveTable) draw() error {
	if len(t.rows) == 0 {
		return nil
	}
	w, h := t.size()
	lines := t.lines(w-1, max(h-1, 3))
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", t.drawn)
	}
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	t.drawn = len(lines)
	_, err := t.app.out.Write([]byte(b.String()))
	return err
}

// watchBar is the width of the bar below the table.
const watchBar = 24

// lines are the table in at most h lines of w cells: open commands first, then elapsed ones, then those that were fetched.
func (t *liveTable) lines(w, h int) []string {
	rows := slices.Clone(t.rows)
	slices.SortStableFunc(rows, func(a, b watchRow) int { return watchRank(a.state) - watchRank(b.state) })
	done := 0
	for _, r := range rows {
		if r.state != 0 && !r.state.Open() {
			done++
		}
	}
	room := h - 2 // head and bar
	shown := rows
	if len(rows) > room {
		shown = rows[:max(room-1, 0)]
	}
	out := []string{ansi.Truncate(fmt.Sprintf("%-17s %-13s %-28s %-24s %s", "STATE", "COMMAND", "HOST", "CUSTOMER", "GIVEN, AGENT"), w, "")}
	for _, r := range shown {
		out = append(out, ansi.Truncate(fmt.Sprintf("%-17s %-13s %s %s %s", watchState(r.state), unity.Clean(r.Command), watchCells(firstOf(r.HostName.String(), string(r.EndpointID)), 28),
			watchCells(r.SiteName.String(), 24), t.times(r)), w, ""))
	}
	if more := len(rows) - len(shown); more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	full := watchBar * done / len(rows)
	return append(out, ansi.Truncate(fmt.Sprintf("[%s%s] %d of %d", strings.Repeat("#", full), strings.Repeat("-", watchBar-full), done, len(rows)), w, ""))
}

func (t *liveTable) times(r watchRow) string {
	var parts []string
	if r.DateRequested != nil {
		parts = append(parts, dispatch.AgeWords(t.now().Sub(*r.DateRequested))+" ago")
	}
	if words := t.words(r); words != "" {
		parts = append(parts, words)
	}
	return strings.Join(parts, ", ")
}

// watchState words a state; one that was not looked up yet is not listed.
func watchState(s unity.CommandState) string {
	if s == 0 {
		return "not listed yet"
	}
	return s.String()
}

func watchRank(s unity.CommandState) int {
	switch {
	case s == 0 || s.Open():
		return 0
	case s == unity.StateElapsed:
		return 1
	default:
		return 2
	}
}

// watchCells cuts or fills a text to a width in cells.
func watchCells(s string, w int) string {
	s = ansi.Truncate(s, w, "…")
	return s + strings.Repeat(" ", max(0, w-ansi.StringWidth(s)))
}
