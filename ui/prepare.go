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

// waiting has the keys while something is read or planned off the update loop, so that nothing typed meanwhile reaches a
// screen. Leaving it gives up.
type waiting struct {
	frame
	e      *env
	text   string
	cancel context.CancelFunc
}

func (p *waiting) capturing() bool                    { return false }
func (p *waiting) width() int                         { return 0 }
func (p *waiting) update(tea.Msg) tea.Cmd             { return nil }
func (p *waiting) view(int, int) ([]string, int, int) { return nil, -1, -1 }
func (p *waiting) shut()                              { p.cancel(); p.gone = true }

func (p *waiting) commands() []Command {
	return []Command{p.e.command("form.leave", func() tea.Cmd { p.shut(); return nil })}
}

func (p *waiting) foot(w int) string {
	text := p.text + " (" + p.e.keys.label(p.e.keys.builtin("form.leave")) + " gives up)"
	return p.e.th.Paint(theme.Info, ansi.Truncate(text, w, p.e.th.Glyphs.Ellipsis))
}

// aside does work off the update loop while text says so. The message of the work carries the id it is given.
func (r *Root) aside(text string, work func(ctx context.Context, id ScreenID) tea.Msg) tea.Cmd {
	ctx, cancel := context.WithCancel(r.e.ctx)
	p := &waiting{frame: newFrame(""), e: r.e, text: text, cancel: cancel}
	id := p.id
	return tea.Batch(r.openOver(p), func() tea.Msg { return work(ctx, id) })
}

// arrived ends the waiting for what is there now. It tells whether anybody still waits: what was given up is dropped.
func (r *Root) arrived(id ScreenID) bool {
	i := slices.IndexFunc(r.over, func(o overlay) bool { return o.ident() == id })
	if i < 0 || r.over[i].closed() {
		return false
	}
	r.over[i].shut()
	r.over = slices.Delete(r.over, i, i+1)
	return true
}

func (r *Root) prepare(m prepareMsg) tea.Cmd {
	work := m.work
	return r.aside("reading what "+clean(m.title)+" needs", func(ctx context.Context, id ScreenID) tea.Msg {
		cmd, err := work(ctx)
		return preparedMsg{id, cmd, err}
	})
}

// prepared goes on with what is ready.
func (r *Root) prepared(m preparedMsg) tea.Cmd {
	switch {
	case !r.arrived(m.id):
		return nil
	case errors.Is(m.err, context.Canceled):
		return r.reveal()
	case m.err != nil:
		return tea.Batch(r.reveal(), Fail(m.err))
	}
	return tea.Batch(r.reveal(), m.cmd)
}
