package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// filterCommands are the keys while the filter is typed.
func (p *jobsPanel) filterCommands() []Command {
	move := func(n int) func() tea.Cmd { return func() tea.Cmd { p.rows.Move(n); return nil } }
	return []Command{
		p.e.command("filter.accept", func() tea.Cmd { p.filtering = false; return nil }),
		p.e.command("filter.leave", p.clearFilter),
		p.e.command("filter.up", move(-1)), p.e.command("filter.down", move(1)),
	}
}

// clearCommands are the key that clears a filter in force: it goes before the one that closes the panel.
func (p *jobsPanel) clearCommands() []Command {
	if p.in.String() == "" {
		return nil
	}
	return []Command{p.e.command("filter.leave", p.clearFilter)}
}

func (p *jobsPanel) clearFilter() tea.Cmd {
	p.filtering = false
	p.in.set("")
	p.narrow()
	return nil
}

// update takes what is typed into the filter.
func (p *jobsPanel) update(msg tea.Msg) tea.Cmd {
	changed := false
	switch m := msg.(type) {
	case tea.KeyPressMsg:
		changed = p.filtering && p.in.key(m)
	case tea.PasteMsg:
		changed = p.filtering && p.in.insert(m.Content)
	}
	if changed {
		p.narrow()
	}
	return nil
}

// narrow puts the filter in force: every word has to stand in what is shown of a target.
func (p *jobsPanel) narrow() {
	if p.rows == nil {
		return
	}
	words := strings.Fields(strings.ToLower(p.in.String()))
	if len(words) == 0 {
		p.rows.SetFilter(nil)
		return
	}
	p.rows.SetFilter(func(t *Target) bool {
		text := strings.ToLower(clean(strings.Join([]string{t.Name, t.Site, string(t.Outcome), t.Reason, t.Tracking, t.RequestID}, " ")))
		for _, w := range words {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	})
}

// filterRoom is how many cells the typed filter has.
func (p *jobsPanel) filterRoom(w int) int { return max(w-2-ansi.StringWidth(p.filterCount()), 1) }

// filterCount says how many of the targets are shown.
func (p *jobsPanel) filterCount() string {
	return "  " + group(p.rows.Len()) + " of " + group(len(p.run().job.Targets))
}

// filterLine is the filter with how much of the job it leaves.
func (p *jobsPanel) filterLine(w int) string {
	th, tone := p.e.th, theme.Muted
	if p.rows.Len() == 0 {
		tone = theme.Warn
	}
	text, _ := p.in.view(th, p.filterRoom(w), "type to narrow the machines")
	return th.Paint(theme.Label, "/") + " " + text + th.Paint(tone, p.filterCount())
}
