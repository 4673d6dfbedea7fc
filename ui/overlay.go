package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// overlay is a box above the screens that has the keys while it is open.
type overlay interface {
	ident() ScreenID
	heading() string
	commands() []Command
	// capturing is true while printable keys are text.
	capturing() bool
	// update gets what is addressed to the overlay, keys and pastes that are text, and messages without an address.
	update(tea.Msg) tea.Cmd
	// view draws the inside: at most h lines of at most w cells. cx and cy are the place of the real cursor, -1 for none.
	view(w, h int) (lines []string, cx, cy int)
	// width is how many cells the inside would like.
	width() int
	// closed is true once the overlay wants to go.
	closed() bool
	// shut closes it from outside and ends what it runs.
	shut()
}

// footed is an overlay that is drawn in the footer instead of in a box.
type footed interface{ foot(w int) string }

// armed is an overlay that takes no keys in flight.
type armed interface {
	sentry() *guard
	// lapse closes it as if the answer was no.
	lapse() tea.Cmd
	// rushed is called for a key that came too soon to count.
	rushed()
}

// frame is what all overlays have in common.
type frame struct {
	id    ScreenID
	title string
	gone  bool
}

func newFrame(title string) frame { return frame{id: NewID(), title: title} }

func (f *frame) ident() ScreenID { return f.id }
func (f *frame) heading() string { return f.title }
func (f *frame) closed() bool    { return f.gone }
func (f *frame) shut()           { f.gone = true }

// The grace of questions: none is answered in its first armAfter, nor by keys closer together than apart.
const (
	armAfter = 250 * time.Millisecond
	apart    = 20 * time.Millisecond
)

// guard keeps keys that were typed for something else from answering a question. A key counts only when neither the one before
// nor the one after it is closer than apart, so that it has to be held back for that long.
type guard struct {
	opened, last time.Time
	held         uint64
}

// accept notes a key at that time and says whether it may count.
func (g *guard) accept(now time.Time) bool {
	quiet := now.Sub(g.last)
	g.last = now
	g.held++
	return now.Sub(g.opened) >= armAfter && quiet >= apart
}

// ripeMsg comes when a key has been held back for long enough.
type ripeMsg struct {
	n   uint64
	key string
}

// boxLines draws an overlay into at most w×h cells and returns its lines, its outer width and the cursor inside.
func boxLines(o overlay, th theme.Theme, w, h int) (lines []string, cx, cy int) {
	inner := min(max(o.width(), ansi.StringWidth(o.heading())+2, 20), w-4)
	if inner < 1 || h < 3 {
		return nil, -1, -1
	}
	body, cx, cy := o.view(inner, h-2)
	if len(body) > h-2 {
		body = body[:h-2]
	}
	g := th.Glyphs
	head := ""
	if t := o.heading(); t != "" {
		head = " " + ansi.Truncate(t, inner-2, g.Ellipsis) + " "
	}
	rule := strings.Repeat(g.H, max(inner+1-ansi.StringWidth(head), 0))
	lines = append(lines, th.Paint(theme.BorderFocus, g.TL+g.H)+th.Paint(theme.Title, head)+th.Paint(theme.BorderFocus, rule+g.TR))
	side := th.Paint(theme.BorderFocus, g.V)
	for _, l := range body {
		lines = append(lines, side+" "+fit(l, inner, g.Ellipsis)+" "+side)
	}
	lines = append(lines, th.Paint(theme.BorderFocus, g.BL+strings.Repeat(g.H, inner+2)+g.BR))
	if cx >= 0 {
		cx, cy = cx+2, cy+1
	}
	return lines, cx, cy
}

// fit makes a line exactly w cells.
func fit(s string, w int, ellipsis string) string {
	n := ansi.StringWidth(s)
	if n > w {
		s = ansi.Truncate(s, w, ellipsis)
		n = ansi.StringWidth(s)
	}
	return s + strings.Repeat(" ", max(w-n, 0))
}

// lay puts box over base at column x, line y.
func lay(base, box []string, x, y int) {
	for i, l := range box {
		if y+i < 0 || y+i >= len(base) {
			continue
		}
		under := base[y+i]
		w := ansi.StringWidth(l)
		left := fit(ansi.Truncate(under, x, ""), x, "")
		right := ""
		if ansi.StringWidth(under) > x+w {
			right = ansi.TruncateLeft(under, x+w, "")
		}
		base[y+i] = left + l + right
	}
}

// wrap breaks text into lines of at most w cells.
func wrap(s string, w int) []string {
	if w < 1 || s == "" {
		return nil
	}
	return strings.Split(ansi.Wrap(s, w, ""), "\n")
}
