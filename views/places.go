package views

import (
	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
)

// Places are the commands that lead to the console-wide lists.
func (e *Env) Places() []ui.Command {
	place := func(id, title, help string, screen func() ui.Screen) ui.Command {
		return ui.Command{Spec: ui.Spec{ID: id, Title: title, Help: help}, Do: func() tea.Cmd { return ui.Push(screen()) }}
	}
	return []ui.Command{
		place("go.sites", "go to sites", "Lists all customers.", func() ui.Screen { return ui.NewList(e.Sites()) }),
		place("go.endpoints", "go to all endpoints", "Lists the machines of all customers.", func() ui.Screen { return ui.NewList(e.AllEndpoints()) }),
		place("go.policies", "go to policies", "Lists the console's policies.", func() ui.Screen { return ui.NewList(e.Policies()) }),
		place("go.admins", "go to admins", "Lists the console's admins.", func() ui.Screen { return ui.NewList(e.Admins()) }),
	}
}
