// Command emptytea is the smallest full-screen program that Bubble Tea can make. It is what the start of unitty is
// compared with: the same libraries, no keyring, no configuration, nothing to show.
package main

import (
	"fmt"
	"os"

	tea "charm.land/bubbletea/v2"
)

type model struct{}

// Init starts nothing.
func (model) Init() tea.Cmd { return nil }

// Update ends the program with the first key.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(tea.KeyPressMsg); ok {
		return m, tea.Quit
	}
	return m, nil
}

// View draws one word on the alternate screen.
func (model) View() tea.View {
	v := tea.NewView("painted")
	v.AltScreen = true
	return v
}

func main() {
	if _, err := tea.NewProgram(model{}, tea.WithFPS(40)).Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
