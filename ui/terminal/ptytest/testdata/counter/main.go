// Command counter is a small full-screen program that the terminal rig drives in its own test.
package main

import (
	"fmt"
	"os"

	tea "charm.land/bubbletea/v2"
)

type counter struct{ n, w, h int }

func (c counter) Init() tea.Cmd { return nil }

func (c counter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		c.w, c.h = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if msg.String() == "q" {
			return c, tea.Quit
		}
		c.n++
	}
	return c, nil
}

func (c counter) View() tea.View {
	v := tea.NewView(fmt.Sprintf("count %d\nsize %dx%d 株式会社", c.n, c.w, c.h))
	v.AltScreen = true
	v.WindowTitle = "counter"
	return v
}

func main() {
	if _, err := tea.NewProgram(counter{}).Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
