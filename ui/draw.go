package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// What the standing lines need: below crumbsMinH lines the breadcrumbs give way to content, below tipsMinH the tips do.
const (
	crumbsMinH = 8
	tipsMinH   = 14
	notesMost  = 3
)

// View implements tea.Model.
func (r *Root) View() tea.View {
	v := tea.View{AltScreen: true, ReportFocus: true, WindowTitle: r.title()}
	if r.e.cfg.Mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if r.quitting {
		v.AltScreen = true
		return v
	}
	lines, cx, cy := r.draw()
	v.Content = strings.Join(lines, "\n")
	if v.Content == "" {
		v.Content = " " // an empty frame would be erased at every tick
	}
	if cx >= 0 && cy >= 0 && cx < r.w && cy < r.h {
		v.Cursor = tea.NewCursor(cx, cy)
		v.Cursor.Blink = false
	}
	return v
}

// title is built of constant words and the profile's name, which configuration limits to harmless letters.
func (r *Root) title() string {
	h := r.e.header()
	if h.Demo {
		return "unitty DEMO"
	}
	name := strings.Map(func(c rune) rune {
		if c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, h.Profile)
	if name == "" {
		return "unitty"
	}
	return r.e.th.Glyphs.Spell("unitty · " + name)
}

// topLines are the standing lines above the screen.
func (r *Root) topLines() []string {
	var out []string
	if r.h >= 3 {
		out = append(out, r.headerLine(r.w))
	}
	if r.h >= crumbsMinH {
		out = append(out, r.crumbs(r.w))
	}
	if r.auth.Needed && r.h >= 5 {
		text := r.auth.Text
		if text == "" {
			text = "sign-in needed"
		}
		if r.e.cfg.SignIn != nil {
			text = r.e.keys.label(r.e.keys.builtin("app.signin")) + " signs in: " + text
		}
		// Two lines, so that what happened and since when can be read on a narrow screen too.
		for i, line := range strings.Split(ansi.Wrap(clean(text), max(r.w-2, 1), ""), "\n") {
			if i == 2 || i == 1 && r.h < tipsMinH {
				break
			}
			out = append(out, r.e.th.Paint(theme.BadgeBad, fit(" "+line, r.w, r.e.th.Glyphs.Ellipsis)))
		}
	}
	if r.tips && r.h >= tipsMinH && len(r.stack.open) < 2 && len(r.over) == 0 {
		for i, t := range r.e.cfg.Tips {
			if i < 3 {
				out = append(out, r.e.th.Paint(theme.Info, ansi.Truncate(clean(t), r.w, r.e.th.Glyphs.Ellipsis)))
			}
		}
	}
	return out
}

// bodyTop is the line on which the screen begins.
func (r *Root) bodyTop() int { return len(r.topLines()) }

// draw makes exactly r.h lines and says where the real cursor belongs.
func (r *Root) draw() (lines []string, cx, cy int) {
	lines = r.topLines()
	foot := r.h >= 2
	room := r.h - len(lines)
	if foot {
		room--
	}
	messages := r.notes.lines(r.e, r.w, min(notesMost, room/6), r.inForce)
	cx, cy = -1, -1
	top := len(lines)
	if s := r.stack.top(); s != nil && room > 0 {
		lines = append(lines, exactly(s.View(r.w, room), r.w, room)...)
		if c, ok := s.(Cursorer); ok {
			if x, y, ok := c.Cursor(); ok {
				cx, cy = x, y+top
			}
		}
	}
	for len(lines) < top+max(room, 0) {
		lines = append(lines, "")
	}
	copy(lines[max(len(lines)-len(messages), 0):], messages)
	for _, o := range r.over {
		if x, y, ok := r.place(o, lines[:len(lines)-r.spared(o, len(lines), len(messages))]); ok {
			cx, cy = x, y
		}
	}
	if foot {
		lines = append(lines, r.footer(r.w))
	}
	if len(lines) > r.h {
		lines = lines[:r.h]
	}
	for i := range lines {
		if ansi.StringWidth(lines[i]) > r.w {
			lines[i] = ansi.Truncate(lines[i], r.w, "")
		}
		lines[i] = r.e.th.Glyphs.Spell(lines[i])
	}
	return lines, cx, cy
}

// overMinH is the least room of an overlay that leaves messages in view.
const overMinH = 10

// spared is how many lines at the bottom an overlay leaves to the messages, so that the answer to a key can be read. A question
// stays where it is: nothing moves under whoever answers it.
func (r *Root) spared(o overlay, lines, messages int) int {
	if _, question := o.(armed); question || lines-messages < overMinH {
		return 0
	}
	return messages
}

// exactly cuts a view into h lines of at most w cells.
func exactly(view string, w, h int) []string {
	lines := strings.Split(view, "\n")
	if len(lines) > h {
		lines = lines[:h]
	}
	return lines
}

// place draws an overlay over the lines, in the upper middle.
func (r *Root) place(o overlay, lines []string) (cx, cy int, ok bool) {
	if _, foot := o.(footed); foot {
		return -1, -1, true
	}
	box, x, y := boxLines(o, r.e.th, r.w, len(lines))
	if len(box) == 0 {
		return -1, -1, true
	}
	left := max((r.w-ansi.StringWidth(box[0]))/2, 0)
	down := max((len(lines)-len(box))/3, 0)
	lay(lines, box, left, down)
	if x < 0 {
		return -1, -1, true
	}
	return left + x, down + y, true
}

// crumbs are the titles of the open screens; at a narrow width the last ones stay.
func (r *Root) crumbs(w int) string {
	th := r.e.th
	sep := th.Glyphs.Sep
	out, used := "", 0
	for i := len(r.stack.open) - 1; i >= 0; i-- {
		name := clean(r.stack.open[i].Title())
		tone := theme.Crumb
		if i == len(r.stack.open)-1 {
			tone = theme.CrumbLast
			name = ansi.Truncate(name, w, th.Glyphs.Ellipsis)
		}
		need := ansi.StringWidth(name)
		if out != "" {
			need += ansi.StringWidth(sep)
		}
		if used+need > w {
			break
		}
		used += need
		if out == "" {
			out = th.Paint(tone, name)
			continue
		}
		out = th.Paint(tone, name) + th.Paint(theme.Muted, sep) + out
	}
	return out
}

// footer is the question in the footer when there is one, else the hints of what has the keys.
func (r *Root) footer(w int) string {
	o := r.top()
	if f, ok := o.(footed); ok {
		return f.foot(w)
	}
	var cmds []Command
	typing := false
	if o != nil {
		cmds = slices.DeleteFunc(o.commands(), func(c Command) bool { return r.e.reason(c) != "" })
	} else {
		cmds = r.screenCommands()
		if c, ok := r.stack.top().(Capturer); !ok || !c.Capturing() {
			cmds = append(append([]Command{}, cmds...), r.e.cfg.Commands...)
			cmds = append(cmds, slices.DeleteFunc(r.commands(), func(c Command) bool { return r.e.reason(c) != "" })...)
		} else {
			typing = true
		}
	}
	if o == nil && !typing && r.e.beforeSignIn() {
		cmds = r.signInHints()
	}
	cmds = slices.DeleteFunc(slices.Clone(cmds), func(c Command) bool { return c.Hint == 0 })
	slices.SortStableFunc(cmds, func(a, b Command) int { return a.Hint - b.Hint })
	th := r.e.th
	right := ""
	switch p, panel := o.(*jobsPanel); {
	case panel && !p.capturing(), o == nil && !typing && w < 30:
		right = r.hint("app.help")
	case o == nil && !typing:
		right = r.hint("app.help") + "  " + r.hint("app.palette")
	}
	room := w - ansi.StringWidth(right) - 2
	left, used := "", 0
	for _, c := range cmds {
		key := r.e.keys.label(c.Spec)
		if key == "" {
			continue
		}
		n := ansi.StringWidth(key) + 1 + ansi.StringWidth(c.Title) + 2
		if used+n-2 > room {
			break
		}
		left += th.Paint(theme.Key, key) + " " + th.Paint(theme.Footer, c.Title) + "  "
		used += n
	}
	return fit(left, max(w-ansi.StringWidth(right), 0), "") + right
}

// signInHints are the hints while nothing else works.
func (r *Root) signInHints() []Command {
	out := []Command{r.e.command("app.signin", nil), r.e.command("app.leave", nil)}
	for i := range out {
		out[i].Hint = i + 1
	}
	return out
}

func (r *Root) hint(id string) string {
	s := r.e.keys.builtin(id)
	return r.e.th.Paint(theme.Key, r.e.keys.label(s)) + " " + r.e.th.Paint(theme.Footer, s.Title)
}
