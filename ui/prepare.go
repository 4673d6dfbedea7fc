package ui

import (
	"context"
	"errors"
	"slices"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

type (
	prepareMsg struct {
		title string
		work  func(ctx context.Context) (tea.Cmd, error)
	}
	preparedMsg struct {
		id  ScreenID
		cmd tea.Cmd
		err error
	}
)

// Prepare reads what a form or a pick list needs, off the update loop, and does then what work gives back: Ask or Choose as a
// rule. Until then no key reaches a screen, and esc gives up.
func Prepare(title string, work func(ctx context.Context) (tea.Cmd, error)) tea.Cmd {
	return send(prepareMsg{title, work})
}

// preparing has the keys while something is read that a form needs.
type preparing struct {
	frame
	e      *env
	name   string
	cancel context.CancelFunc
}

func (p *preparing) capturing() bool                    { return false }
func (p *preparing) width() int                         { return 0 }
func (p *preparing) update(tea.Msg) tea.Cmd             { return nil }
func (p *preparing) view(int, int) ([]string, int, int) { return nil, -1, -1 }
func (p *preparing) shut()                              { p.cancel(); p.gone = true }

func (p *preparing) commands() []Command {
	return []Command{p.e.command("form.leave", func() tea.Cmd { p.shut(); return nil })}
}

func (p *preparing) foot(w int) string {
	text := "reading what " + p.name + " needs (" + p.e.keys.label(p.e.keys.builtin("form.leave")) + " gives up)"
	return p.e.th.Paint(theme.Info, ansi.Truncate(text, w, p.e.th.Glyphs.Ellipsis))
}

func (r *Root) prepare(m prepareMsg) tea.Cmd {
	ctx, cancel := context.WithCancel(r.e.ctx)
	p := &preparing{frame: newFrame(""), e: r.e, name: clean(m.title), cancel: cancel}
	id, work := p.id, m.work
	return tea.Batch(r.openOver(p), func() tea.Msg {
		cmd, err := work(ctx)
		return preparedMsg{id, cmd, err}
	})
}

// prepared goes on with what is ready; what was given up meanwhile is dropped.
func (r *Root) prepared(m preparedMsg) tea.Cmd {
	i := slices.IndexFunc(r.over, func(o overlay) bool { return o.ident() == m.id })
	if i < 0 || r.over[i].closed() {
		return nil
	}
	r.over[i].shut()
	r.over = slices.Delete(r.over, i, i+1)
	switch {
	case errors.Is(m.err, context.Canceled):
		return r.reveal()
	case m.err != nil:
		return tea.Batch(r.reveal(), Fail(m.err))
	}
	return tea.Batch(r.reveal(), m.cmd)
}
