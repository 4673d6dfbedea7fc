package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// pager scrolls lines; it is the inside of text screens.
type pager struct {
	top, page, count int
}

func (p *pager) move(n int) { p.top = min(max(p.top+n, 0), max(p.count-p.page, 0)) }

func (p *pager) commands(e *env) []Command {
	return moves(e, "table", func() int { return max(p.page-1, 1) }, func(n int) tea.Cmd { p.move(n); return nil })
}

// window returns the visible lines.
func (p *pager) window(lines []string, h int) []string {
	p.count, p.page = len(lines), max(h, 1)
	p.move(0)
	return lines[p.top:min(p.top+h, len(lines))]
}

// text is a screen of plain lines.
type text struct {
	id     ScreenID
	e      *env
	title  string
	body   string
	pages  pager
	lines  []string
	linesW int
}

// NewText makes a screen that scrolls through a text: a raw row, a page of the documentation.
func NewText(title, body string) Screen {
	return &text{id: NewID(), title: clean(title), body: clean(strings.ReplaceAll(body, "\r\n", "\n"))}
}

func (t *text) ID() ScreenID           { return t.id }
func (t *text) Title() string          { return t.title }
func (t *text) Init() tea.Cmd          { return nil }
func (t *text) Update(tea.Msg) tea.Cmd { return nil }
func (t *text) attach(e *env)          { t.e = e }

func (t *text) Commands() []Command {
	if t.e == nil {
		return nil
	}
	return append(t.pages.commands(t.e), t.e.command("table.copy", func() tea.Cmd { return Copy(t.title, t.body) }))
}

func (t *text) Wheel(delta int) tea.Cmd { t.pages.move(delta); return nil }
func (t *text) Click(_, _ int) tea.Cmd  { return nil }

func (t *text) View(w, h int) string {
	if t.e == nil || w < 1 || h < 1 {
		return blank(h)
	}
	if t.linesW != w || t.lines == nil {
		t.lines, t.linesW = nil, w
		for _, l := range strings.Split(strings.ReplaceAll(t.body, "\t", "    "), "\n") {
			if l == "" {
				t.lines = append(t.lines, "")
				continue
			}
			t.lines = append(t.lines, strings.Split(ansi.Hardwrap(l, w, true), "\n")...)
		}
	}
	room := h
	if h > 2 {
		room--
	}
	out := append([]string{}, t.pages.window(t.lines, room)...)
	if h > 2 {
		for len(out) < room {
			out = append(out, "")
		}
		last := min(t.pages.top+room, len(t.lines))
		out = append(out, t.e.th.Paint(theme.Muted, ansi.Truncate("lines "+group(t.pages.top+1)+" to "+group(last)+" of "+group(len(t.lines)), w, "")))
	}
	return joinLines(out, h)
}
