package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// rowFilter narrows a table of the panel while it is typed.
type rowFilter struct {
	e  *env
	in entry
	// typing is true while the keys are text.
	typing bool
	// prompt stands there while nothing is typed.
	prompt string
	// apply puts the words in force, move moves the cursor meanwhile.
	apply func()
	move  func(n int)
}

// typingCommands are the keys while the filter is typed.
func (f *rowFilter) typingCommands() []Command {
	move := func(n int) func() tea.Cmd { return func() tea.Cmd { f.move(n); return nil } }
	return []Command{
		f.e.command("filter.accept", func() tea.Cmd { f.typing = false; return nil }),
		f.e.command("filter.leave", f.clear),
		f.e.command("filter.up", move(-1)), f.e.command("filter.down", move(1)),
	}
}

// clearCommands are the key that clears a filter in force: it goes before the one that closes the panel.
func (f *rowFilter) clearCommands() []Command {
	if f.in.String() == "" {
		return nil
	}
	return []Command{f.e.command("filter.leave", f.clear)}
}

func (f *rowFilter) clear() tea.Cmd {
	f.typing = false
	f.in.set("")
	f.apply()
	return nil
}

// update takes what is typed.
func (f *rowFilter) update(msg tea.Msg) {
	changed := false
	switch m := msg.(type) {
	case tea.KeyPressMsg:
		changed = f.typing && f.in.key(m)
	case tea.PasteMsg:
		changed = f.typing && f.in.insert(m.Content)
	}
	if changed {
		f.apply()
	}
}

// shown tells that the line of the filter is.
func (f *rowFilter) shown() bool { return f.typing || f.in.String() != "" }

// narrow keeps what has every word of the filter in its text.
func narrow[T any](f *rowFilter, text func(*T) string) func(*T) bool {
	words := strings.Fields(strings.ToLower(f.in.String()))
	if len(words) == 0 {
		return nil
	}
	return func(t *T) bool {
		s := strings.ToLower(clean(text(t)))
		for _, w := range words {
			if !strings.Contains(s, w) {
				return false
			}
		}
		return true
	}
}

// room is how many cells the typed text has beside how much it leaves.
func (f *rowFilter) room(w, left, of int) int {
	return max(w-2-ansi.StringWidth(filterCount(left, of)), 1)
}

// column is where the cursor stands in the line.
func (f *rowFilter) column(w, left, of int) int {
	_, x := f.in.view(f.e.th, f.room(w, left, of), "")
	return x + 2
}

// line is the filter with how much it leaves.
func (f *rowFilter) line(w, left, of int) string {
	th, tone := f.e.th, theme.Muted
	if left == 0 {
		tone = theme.Warn
	}
	text, _ := f.in.view(th, f.room(w, left, of), f.prompt)
	return th.Paint(theme.Label, "/") + " " + text + th.Paint(tone, filterCount(left, of))
}

func filterCount(left, of int) string { return "  " + group(left) + " of " + group(of) }
