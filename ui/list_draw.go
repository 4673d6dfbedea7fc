package ui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

func (l *List[T, K]) filterLine(w int) string {
	th := l.e.th
	tail := ""
	tone := theme.Muted
	switch {
	case l.fault != "":
		tail, tone = l.fault, theme.Error
	case l.filtering && l.res.Complete != nil:
		tail = strings.Join(l.res.Complete(l.in.String()), "  ")
	}
	tail = ansi.Truncate(clean(tail), max(w*2/3, 0), th.Glyphs.Ellipsis)
	room := w - 3
	if tail != "" {
		room -= ansi.StringWidth(tail) + 2
	}
	l.filterRoom = max(room, 1)
	text, _ := l.in.view(th, l.filterRoom, "type to narrow the list")
	line := th.Paint(theme.Label, "/") + " " + text
	if tail != "" {
		line += "  " + th.Paint(tone, tail)
	}
	return line
}

// emptyLines say why there is nothing to see.
func (l *List[T, K]) emptyLines(w, h int) []string {
	s := &l.load
	text, tone := l.res.Empty, theme.Muted
	switch {
	case s.active || s.progress != "":
		text = "loading"
		if s.progress != "" {
			text += ": " + s.progress
		}
	case s.failed != "" && l.rows.Total() == 0:
		text, tone = s.failed, theme.Bad
		if s.quiet {
			tone = theme.Muted
		}
	case l.rows.Total() > 0 && l.markedOnly:
		text = "none of the marked rows is here (" + l.key("table.marked-only") + " shows all rows)"
	case l.rows.Total() > 0 && l.filter != "":
		text = "nothing matches the filter (" + l.key("app.back") + " clears it)"
	case l.rows.Total() > 0:
		text = "nothing in " + l.scope
	}
	if text == "" {
		text = "nothing here"
	}
	var out []string
	for _, line := range wrap(clean(text), w) {
		if len(out) < h {
			out = append(out, l.e.th.Paint(tone, line))
		}
	}
	return out
}

func (l *List[T, K]) key(id string) string { return l.e.keys.label(l.e.keys.builtin(id)) }

// statusLine says how much of what there is can be seen, how old it is and what is missing.
func (l *List[T, K]) statusLine(w int) string {
	th := l.e.th
	s := &l.load
	var parts []string
	add := func(tone theme.Tone, text string) { parts = append(parts, th.Paint(tone, text)) }
	if l.scope != "" {
		add(theme.Crumb, clean(l.scope))
	}
	count := group(l.rows.Len())
	if held := l.rows.Total(); held != l.rows.Len() {
		count += "/" + group(held)
	}
	switch {
	case s.total > l.rows.Total():
		add(theme.Warn, count+" loaded "+group(l.rows.Total())+" of "+group(s.total))
	case s.active:
		add(theme.Muted, count+" loading")
	default:
		add(theme.Muted, plural2(count))
	}
	if l.live.source != "" {
		add(theme.Warn, clean(l.live.source))
	}
	if s.progress != "" {
		add(theme.Muted, clean(s.progress))
	}
	if l.filter != "" && l.res.Aside != nil {
		if text := l.res.Aside(); text != "" {
			add(theme.Warn, clean(text))
		}
	}
	if n := l.rows.Marks().Len(); n > 0 {
		add(theme.Marked, group(n)+" marked")
	}
	if l.sorting != nil {
		add(theme.Info, "sorting")
	}
	if l.markedOnly {
		add(theme.Info, "marked only")
	}
	if l.rows.RangeOn() {
		add(theme.Info, "range")
	}
	if !s.readAt.IsZero() {
		add(theme.Muted, ago(l.e.now(), s.readAt))
	}
	if s.failed != "" && !s.quiet {
		add(theme.Bad, s.failed)
	}
	if len(s.problems) > 0 {
		add(theme.Bad, clean(plural(len(s.problems), "part", "parts")+" failed ("+l.key("table.problems")+" to see): "+strings.Join(s.problems, "; ")))
	} else if len(s.notes) > 0 {
		add(theme.Muted, clean(l.key("table.problems")+" "+strings.Join(s.notes, "; ")))
	} else if l.isCurrent() {
		add(theme.Muted, "kept current")
	} else if l.res.Every > 0 && !s.active {
		add(theme.Muted, "refresh "+every(l.res.Every))
	}
	return ansi.Truncate(strings.Join(parts, th.Paint(theme.Muted, " · ")), w, th.Glyphs.Ellipsis)
}
