package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
)

// problemView shows everything known about a problem.
type problemView struct {
	frame
	e     *env
	p     Problem
	pages pager
}

// show opens the details of a problem, unless a question or an entry has the keys: those are not interrupted.
func (r *Root) show(p Problem) tea.Cmd {
	c, ok := r.stack.top().(Capturer)
	panel, above := r.top().(*jobsPanel)
	if r.top() != nil && (!above || panel.capturing()) || r.top() == nil && ok && c.Capturing() {
		return r.notes.add(r.e, toastMsg{level: Bad, text: oneLine(p), problem: &p})
	}
	return r.openOver(&problemView{frame: newFrame("Problem"), e: r.e, p: p})
}

func (v *problemView) capturing() bool        { return false }
func (v *problemView) width() int             { return 84 }
func (v *problemView) update(tea.Msg) tea.Cmd { return nil }

func (v *problemView) commands() []Command {
	return []Command{
		v.e.guarded("problem.retry", func() string {
			if v.p.Retry == nil {
				return "there is nothing to do again"
			}
			return ""
		}, func() tea.Cmd { v.gone = true; return v.p.Retry }),
		v.e.command("problem.copy", func() tea.Cmd { return Copy("the problem", strings.Join(v.facts(), "\n")) }),
		v.e.command("problem.close", func() tea.Cmd { v.gone = true; return nil }),
		v.e.command("problem.up", func() tea.Cmd { v.pages.move(-1); return nil }),
		v.e.command("problem.down", func() tea.Cmd { v.pages.move(1); return nil }),
	}
}

// facts are the lines of a ticket.
func (v *problemView) facts() []string {
	var out []string
	add := func(name, value string) {
		if value = strings.TrimSpace(clean(value)); value != "" {
			out = append(out, name+value)
		}
	}
	add("", v.p.Title)
	add("", v.p.Text)
	add("what to do: ", v.p.Advice)
	if v.p.Status != 0 {
		add("status:     ", itoa(v.p.Status))
	}
	add("code:       ", v.p.Code)
	add("request:    ", strings.TrimSpace(v.p.Method+" "+v.p.Path))
	add("request id: ", v.p.RequestID)
	return out
}

func (v *problemView) view(w, h int) ([]string, int, int) {
	var lines []string
	for i, f := range v.facts() {
		tone := theme.Plain
		if i == 0 {
			tone = theme.Bad
		}
		for _, part := range strings.Split(f, "\n") {
			for _, l := range wrapOr(part, w) {
				lines = append(lines, v.e.th.Paint(tone, l))
			}
		}
	}
	return v.pages.window(lines, max(h, 0)), -1, -1
}
