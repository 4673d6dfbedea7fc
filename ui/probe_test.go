package ui_test

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
)

func proposePlan(p ui.Plan) func() tea.Cmd {
	return func() tea.Cmd {
		return ui.Propose(p.Title, func(context.Context) (ui.Plan, error) { return p, nil })
	}
}

func manyNames(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("M-%d", i))
	}
	return out
}

var errColumn = errors.New("column 9: a value is missing")

type note string

// probe is a screen that writes down what it gets.
type probe struct {
	id     ui.ScreenID
	gen    uint64
	got    []string
	closed bool
}

func (p *probe) ID() ui.ScreenID      { return p.id }
func (p *probe) Title() string        { return "Probe" }
func (p *probe) Init() tea.Cmd        { return nil }
func (p *probe) Generation() uint64   { return p.gen }
func (p *probe) View(int, int) string { return "probe" }
func (p *probe) Close()               { p.closed = true }
func (p *probe) Update(m tea.Msg) tea.Cmd {
	if n, ok := m.(note); ok {
		p.got = append(p.got, string(n))
	}
	return nil
}

// startSlow starts with little patience, for screens whose loads are held back on purpose.
func (w *world) startSlow(width, height int) *uitest.Driver {
	w.t.Helper()
	d := uitest.Start(ui.New(w.cfg), width, height)
	w.t.Cleanup(func() {
		if err := d.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	})
	return d
}
