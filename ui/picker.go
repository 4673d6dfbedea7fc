package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// item is a line of a picker. The id keeps the cursor in place when the lines change.
type item struct {
	id, title, sub, right string
	// short is the title where there is no room for all of it; "" is the title itself, cut.
	short string
	// reason greys the line and is shown beside it.
	reason string
	tone   theme.Tone
	// check is "" or the state of a box before the title.
	check string
	// section is the heading that the line stands under while nothing is typed; "" has none.
	section string
}

// picker is a list narrowed by typing: palette, help, menus, find.
type picker struct {
	frame
	e      *env
	in     entry
	items  []item
	shown  []int
	cursor string
	top    int
	wide   int
	// note is a line under the entry, empty what is said when nothing is shown.
	note, empty, prompt string
	// pick takes a line; the picker is closed first unless it keeps open.
	pick func(item) tea.Cmd
	keep bool
	// typed, when set, replaces the picker's own matching: it is told of every change of the query.
	typed func(query string) tea.Cmd
	// act, when set, gives what can be done to a line right here, while acting has the keys instead of the entry.
	act    func(item) []Command
	acting bool
	// other gets addressed messages.
	other func(tea.Msg) tea.Cmd
	// end is called when the picker goes.
	end  func()
	page int
}

func newPicker(e *env, title string, items []item, pick func(item) tea.Cmd) *picker {
	p := &picker{frame: newFrame(title), e: e, pick: pick, wide: 72, empty: "nothing matches", prompt: "type to narrow", page: 10}
	p.setItems(items)
	return p
}

// setItems replaces the lines; the cursor stays on its line.
func (p *picker) setItems(items []item) {
	p.items = items
	p.match()
}

func (p *picker) match() {
	p.shown = p.shown[:0]
	query := p.in.String()
	if p.typed != nil || strings.TrimSpace(query) == "" {
		for i := range p.items {
			p.shown = append(p.shown, i)
		}
	} else {
		score := make([]int, len(p.items))
		for i, it := range p.items {
			score[i] = max(fuzzy(query, it.title), fuzzy(query, it.title+" "+it.sub+" "+it.id+" "+it.right)/2)
			if score[i] > 0 {
				p.shown = append(p.shown, i)
			}
			if it.reason != "" {
				score[i] /= 2 // what can be done goes before what is spelt a little more alike
			}
		}
		slices.SortStableFunc(p.shown, func(a, b int) int { return score[b] - score[a] })
	}
	if p.at() < 0 {
		p.cursor = ""
		if len(p.shown) > 0 {
			p.cursor = p.items[p.shown[0]].id
		}
	}
}

// at is the place of the cursor among the shown lines, -1 when its line is gone.
func (p *picker) at() int {
	return slices.IndexFunc(p.shown, func(i int) bool { return p.items[i].id == p.cursor })
}

func (p *picker) move(delta int) {
	if len(p.shown) == 0 {
		return
	}
	i := min(max(p.at()+delta, 0), len(p.shown)-1)
	p.cursor = p.items[p.shown[i]].id
}

func (p *picker) capturing() bool { return !p.acting }
func (p *picker) width() int      { return p.wide }

func (p *picker) shut() {
	if !p.gone && p.end != nil {
		p.end()
	}
	p.gone = true
}

func (p *picker) commands() []Command {
	step := func(n int) func() tea.Cmd { return func() tea.Cmd { p.move(n); return nil } }
	out := []Command{
		p.e.command("pick.accept", p.accept),
		p.e.command("pick.close", func() tea.Cmd { p.shut(); return nil }),
		p.e.command("pick.up", step(-1)), p.e.command("pick.down", step(1)),
		p.e.command("pick.page-up", step(-p.page)), p.e.command("pick.page-down", step(p.page)),
	}
	if p.act == nil {
		return out
	}
	out = append(out, p.e.guarded("pick.act", func() string {
		if p.at() < 0 {
			return "there is no line"
		}
		return ""
	}, func() tea.Cmd { p.acting = !p.acting; return nil }))
	if i := p.at(); p.acting && i >= 0 {
		out = append(out, p.act(p.items[p.shown[i]])...)
	}
	return out
}

func (p *picker) accept() tea.Cmd {
	i := p.at()
	if i < 0 {
		return nil
	}
	it := p.items[p.shown[i]]
	if it.reason != "" {
		return Remark(it.title + " is not available: " + it.reason)
	}
	if !p.keep {
		p.shut()
	}
	return p.pick(it)
}

func (p *picker) update(msg tea.Msg) tea.Cmd {
	changed := false
	switch m := msg.(type) {
	case tea.KeyPressMsg:
		if p.acting {
			return nil
		}
		changed = p.in.key(m)
	case tea.PasteMsg:
		p.acting = false
		changed = p.in.insert(m.Content)
	default:
		if p.other != nil {
			return p.other(msg)
		}
	}
	if !changed {
		return nil
	}
	p.cursor, p.top = "", 0
	if p.typed != nil {
		cmd := p.typed(p.in.String())
		p.match()
		return cmd
	}
	p.match()
	return nil
}

func (p *picker) view(w, h int) ([]string, int, int) {
	th := p.e.th
	place := p.place(h - 2)
	text, x := p.in.view(th, max(w-3-ansi.StringWidth(place), 1), p.prompt)
	lines := []string{th.Paint(theme.Label, ">") + " " + fit(text, max(w-2-ansi.StringWidth(place), 0), "") + th.Paint(theme.Muted, place)}
	note, tone := p.note, theme.Muted
	if p.acting {
		note, tone = "keys act on the chosen line; "+p.e.keys.label(p.e.keys.builtin("pick.act"))+" types again", theme.Info
	}
	if note != "" && h > 3 {
		lines = append(lines, th.Paint(tone, ansi.Truncate(clean(note), w, th.Glyphs.Ellipsis)))
	}
	room := h - len(lines)
	if room < 1 {
		return lines, x + 2, 0
	}
	p.page = max(room-1, 1)
	if len(p.shown) == 0 {
		return append(lines, th.Paint(theme.Muted, ansi.Truncate(p.empty, w, th.Glyphs.Ellipsis))), x + 2, 0
	}
	rows, at := p.layout()
	p.top = min(max(p.top, at-room+1, 0), at)
	if p.top == 1 && rows[0] < 0 {
		p.top = 0 // the heading of the first line
	}
	head := len(lines)
	for i, n := range rows[p.top:min(p.top+room, len(rows))] {
		if n < 0 {
			lines = append(lines, th.Paint(theme.Section, ansi.Truncate(p.items[rows[p.top+i+1]].section, w, th.Glyphs.Ellipsis)))
			continue
		}
		lines = append(lines, p.line(p.items[n], w, p.top+i == at))
	}
	if p.acting {
		return lines, 0, head + at - p.top
	}
	return lines, x + 2, 0
}

// place says where the cursor is among the lines where they do not all fit, or are not all shown.
func (p *picker) place(room int) string {
	switch {
	case len(p.shown) == 0:
		return ""
	case len(p.shown) < len(p.items):
		return " " + group(p.at()+1) + " of " + group(len(p.shown)) + ", " + group(len(p.items)) + " in all"
	case len(p.shown) > room:
		return " " + group(p.at()+1) + " of " + group(len(p.shown))
	default:
		return ""
	}
}

// layout gives the lines in order, as places among the items, with -1 for a heading, and where the chosen one is among them.
// Headings stand in the order of the lines only, not in that of how well they match.
func (p *picker) layout() (rows []int, at int) {
	chosen, section := max(p.at(), 0), ""
	headings := strings.TrimSpace(p.in.String()) == ""
	rows = make([]int, 0, len(p.shown))
	for i, n := range p.shown {
		if s := p.items[n].section; headings && s != "" && s != section {
			section = s
			rows = append(rows, -1)
		}
		if i == chosen {
			at = len(rows)
		}
		rows = append(rows, n)
	}
	return rows, at
}

func (p *picker) line(it item, w int, selected bool) string {
	th := p.e.th
	right := it.right
	if it.reason != "" {
		right = it.reason
	}
	right = ansi.Truncate(clean(right), max(w/2, 0), th.Glyphs.Ellipsis)
	title := clean(it.title)
	if it.check != "" {
		title = it.check + " " + title
	}
	room := max(w-ansi.StringWidth(right)-1, 1)
	if it.short != "" && ansi.StringWidth(title) > room {
		title = clean(it.short)
	}
	title = shorten(title, room, th.Glyphs.Ellipsis)
	sub := ""
	if left := room - ansi.StringWidth(title) - 2; it.sub != "" && left > 3 {
		sub = "  " + ansi.Truncate(clean(it.sub), left, th.Glyphs.Ellipsis)
	}
	gap := strings.Repeat(" ", max(w-ansi.StringWidth(title)-ansi.StringWidth(sub)-ansi.StringWidth(right), 0))
	switch {
	case selected:
		return th.Paint(theme.Selected, title+sub+gap+right)
	case it.reason != "":
		return th.Paint(theme.Disabled, title+sub+gap+right)
	}
	return th.Paint(it.tone, title) + th.Paint(theme.Muted, sub) + gap + th.Paint(theme.Key, right)
}
