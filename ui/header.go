package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// piece is a part of the header. The higher drop is, the sooner it gives way on a narrow screen; 0 stays.
type piece struct {
	text string
	tone theme.Tone
	drop int
	// right puts it to the right end.
	right bool
}

// headerLine says on which console one works, in which state, and what is next for the sign-in.
func (r *Root) headerLine(w int) string {
	pieces := r.pieces()
	width := func() int {
		n := 0
		for _, p := range pieces {
			n += ansi.StringWidth(p.text) + 1
		}
		return n - 1
	}
	for width() > w {
		worst := -1
		for i, p := range pieces {
			if p.drop > 0 && (worst < 0 || p.drop > pieces[worst].drop) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		pieces = slices.Delete(pieces, worst, worst+1)
	}
	th := r.e.th
	var left, right []string
	for _, p := range pieces {
		if s := th.Paint(p.tone, p.text); p.right {
			right = append(right, s)
		} else {
			left = append(left, s)
		}
	}
	l, rr := strings.Join(left, " "), strings.Join(right, " ")
	gap := max(w-ansi.StringWidth(l)-ansi.StringWidth(rr), 1)
	if rr == "" {
		gap = 0
	}
	return ansi.Truncate(l+strings.Repeat(" ", gap)+rr, w, th.Glyphs.Ellipsis)
}

func (r *Root) pieces() []piece {
	h := r.e.header()
	out := []piece{{text: "unitty", tone: theme.Title, drop: 8}}
	add := func(p piece) {
		if p.text = clean(p.text); p.text != "" {
			out = append(out, p)
		}
	}
	if h.Demo {
		add(piece{text: " DEMO ", tone: theme.Badge})
	}
	if h.ReadOnly {
		add(piece{text: " READ-ONLY ", tone: theme.BadgeWarn})
	}
	add(piece{text: h.Profile, tone: h.Tone, drop: 3})
	add(piece{text: h.Console, tone: theme.Header, drop: 5})
	add(piece{text: h.User, tone: theme.Muted, drop: 12})
	if n := r.marks(); n > 0 {
		add(piece{text: group(n) + " marked", tone: theme.Marked, drop: 1})
	}
	if n := len(r.jobs.live()); n > 0 {
		add(piece{text: plural(n, "job", "jobs") + " running", tone: theme.Info, drop: 4, right: true})
	}
	if r.network.Text != "" {
		drop := 2
		if r.network.Level <= Good {
			drop = 10
		}
		add(piece{text: r.network.Text, tone: r.network.Level.tone(), drop: drop, right: true})
	}
	for _, p := range r.authPieces() {
		add(p)
	}
	return out
}

// marks counts the shared marks of all kinds, and those of the list in front when it keeps its own.
func (r *Root) marks() int {
	n := 0
	for _, count := range r.e.marked {
		n += count()
	}
	if c, ok := r.stack.top().(counter); ok && n == 0 {
		n = c.markCount()
	}
	return n
}

// endsSoon is from where on the end of the refresh token is worth a warning: after it a person has to sign in.
const endsSoon = 48 * time.Hour

// authPieces are the state of the sign-in, the two lives of the tokens and the next step. Times are coarse, so that the line changes rarely.
func (r *Root) authPieces() []piece {
	a := r.auth
	now := r.e.now()
	out := []piece{}
	add := func(text string, tone theme.Tone, drop int) {
		out = append(out, piece{text: text, tone: tone, drop: drop, right: true})
	}
	if a.State != "" {
		drop := 7
		if a.Needed || a.Level >= Warn {
			drop = 1
		}
		add(a.State, a.Level.tone(), drop)
	}
	if a.Needed {
		return out // the lives of tokens that the server has refused say nothing
	}
	if !a.AccessUntil.IsZero() {
		add("access "+left(a.AccessUntil.Sub(now)), theme.Muted, 6)
	}
	if !a.RefreshUntil.IsZero() {
		tone, drop := theme.Muted, 9
		if a.RefreshUntil.Sub(now) < endsSoon {
			tone, drop = theme.Warn, 1
		}
		add("refresh "+left(a.RefreshUntil.Sub(now)), tone, drop)
	}
	if !a.Next.IsZero() {
		add("next in "+left(a.Next.Sub(now)), theme.Muted, 11)
	}
	return out
}

// left writes what is left of a life: minutes and, as often as it is drawn, seconds when it is short, else larger units.
func left(d time.Duration) string {
	switch {
	case d <= 0:
		return "over"
	case d < 5*time.Minute:
		d = d.Truncate(tickEvery)
		sec := int(d%time.Minute) / int(time.Second)
		return fmt.Sprintf("%d:%02d", int(d/time.Minute), sec)
	default:
		return strings.ReplaceAll(span(d), " ", "")
	}
}
