package views

import (
	"encoding/json"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// UserCommand is a program of the configuration ([commands.NAME]) that is run on chosen machines.
type UserCommand struct {
	Name string
	// Program is the program with its arguments.
	Program []string
}

// commandRow is a machine as a program of the user gets it.
type commandRow struct {
	EndpointID unity.EndpointID `json:"EndpointId"`
	HostName   unity.Text
	SiteID     unity.SiteID `json:"SiteId"`
	SiteName   unity.Text
	LastSeen   *time.Time
}

// commandInput is what a program reads: the machines as a JSON array, in the order in which they were chosen.
func commandInput(refs []fleet.Ref) ([]byte, error) {
	rows := make([]commandRow, 0, len(refs))
	for _, r := range refs {
		row := commandRow{EndpointID: r.ID, HostName: r.HostName, SiteID: r.Site, SiteName: r.SiteName}
		if !r.LastSeen.IsZero() {
			at := r.LastSeen.UTC()
			row.LastSeen = &at
		}
		rows = append(rows, row)
	}
	return json.Marshal(rows)
}

// cleanEnvironment is an environment without anything that is unitty's own: what signs in must not reach another program.
func cleanEnvironment(all []string) []string {
	out := make([]string, 0, len(all))
	for _, kv := range all {
		if !strings.HasPrefix(strings.ToUpper(kv), "UNITTY_") {
			out = append(out, kv)
		}
	}
	return out
}

// UserSpecs are the specs of the programs of the configuration, for help and for checking [keys]: they stand beside the actions
// on machines.
func UserSpecs(commands []UserCommand) []ui.Spec {
	out := make([]ui.Spec, 0, len(commands))
	for _, u := range commands {
		out = append(out, ui.Spec{ID: "run." + u.Name, Title: "run " + u.Name, Arity: ui.Many, Beside: "endpoint",
			Help: "Runs " + unity.Clean(strings.Join(u.Program, " ")) + " with the chosen machines as JSON on its standard input."})
	}
	return out
}

// userActions are the programs of the configuration as actions on machines.
func userActions[T any](e *Env, refOf func(*T) fleet.Ref) []ui.Action[T] {
	var out []ui.Action[T]
	specs := UserSpecs(e.Commands)
	for i, u := range e.Commands {
		out = append(out, ui.Action[T]{Spec: specs[i],
			Do: func(sel ui.Selection[T]) tea.Cmd {
				refs, err := e.allOf(choiceOf(sel, refOf))
				if err != nil {
					return ui.Fail(err)
				}
				input, err := commandInput(refs)
				if err != nil {
					return ui.Fail(err)
				}
				return ui.RunProgram(ui.Program{Name: u.Name, Args: u.Program, Input: input, Env: cleanEnvironment(os.Environ())})
			}})
	}
	return out
}
