package views

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
)

// accessActions ask for an API-only super admin of the console, and how far that is.
func (e *Env) accessActions() []ui.Action[unity.Admin] {
	return []ui.Action[unity.Admin]{
		{Spec: ui.Spec{ID: "admin.access", Title: "ask for API-only super admin", Arity: ui.None, Risk: ui.RiskDestroy,
			Help: "Asks that a user becomes an API-only super admin of this console, which its owner approves by mail. The user loses the sign-in to the web console."},
			Do: func(ui.Selection[unity.Admin]) tea.Cmd { return e.askAccess() }},
		{Spec: ui.Spec{ID: "admin.access-status", Title: "state of an API-only super admin", Arity: ui.None,
			Help: "Reads how far the request is that makes a user an API-only super admin."},
			Do: func(ui.Selection[unity.Admin]) tea.Cmd { return e.askAccessState() }},
	}
}

func (e *Env) askAccess() tea.Cmd {
	return ui.Ask("API-only super admin", formFields(edit.AdminAccess(), nil, nil), func(values map[string]string) tea.Cmd {
		return e.proposeChange("ask for API-only super admin", func(ctx context.Context) (*change.Prepared, error) {
			return change.Access(ctx, e.Client, edit.Values(values))
		}, nil)
	})
}

func (e *Env) askAccessState() tea.Cmd {
	return ui.Ask("State of an API-only super admin", formFields(edit.AdminAccess(), nil, nil), func(values map[string]string) tea.Cmd {
		return ui.Prepare("the state of the request", func(ctx context.Context) (tea.Cmd, error) {
			v := edit.AdminAccess().Tidy(edit.Values(values))
			r, err := e.Client.SuperAdminStatus(ctx, v["UserEmail"], v["ConfirmEmail"])
			if err != nil {
				return nil, err
			}
			return ui.Toast(ui.Warn, unity.Clean(v["UserEmail"])+": "+change.AccessWords(r, e.now())), nil
		})
	})
}
