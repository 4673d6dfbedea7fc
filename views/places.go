package views

import (
	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
)

// Places are the commands that lead to the console-wide lists: views across all customers, saved ones, and what has no site.
func (e *Env) Places() []ui.Command {
	place := func(id, title, help string, screen func() ui.Screen) ui.Command {
		return ui.Command{Spec: ui.Spec{ID: id, Title: title, Help: help}, Do: func() tea.Cmd { return ui.Push(screen()) }}
	}
	out := []ui.Command{
		place("go.sites", "go to sites", "Lists all customers.", func() ui.Screen { return ui.NewList(e.allSites()) }),
		{Spec: ui.Spec{ID: "go.endpoints", Title: "go to all endpoints", Help: "Lists the machines of all customers."},
			Ready: e.needsFleet, Do: func() tea.Cmd { return ui.Push(e.fleetScreen(everything())) }},
		place("go.policies", "go to policies", "Lists the console's policies.", func() ui.Screen { return ui.NewList(e.Policies()) }),
		place("go.admins", "go to admins", "Lists the console's admins.", func() ui.Screen { return ui.NewList(e.Admins()) }),
		place("go.usage", "go to usage", "Lists seats and the three counts of endpoints of all customers.", func() ui.Screen { return ui.NewList(e.Usage()) }),
		{Spec: ui.Spec{ID: "go.customers", Title: "go to a favourite", Help: "Lists favourite customers and those opened last; Enter opens one.",
			Keys: []string{"F"}}, Do: e.customers},
		place("go.under-way", "go to commands under way", "Lists the commands of all customers that agents have not fetched yet.",
			func() ui.Screen { return ui.NewList(e.UnderWay()) }),
		{Spec: ui.Spec{ID: "go.changes", Title: "go to what changed", Help: "Lists infected, silent, new, deactivated and gone machines of the past 30 days."},
			Ready: e.needsFleet, Do: e.openChanges},
	}
	return append(append(out, e.fleetCommands()...), e.savedCommands()...)
}
