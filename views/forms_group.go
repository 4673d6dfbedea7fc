package views

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
)

// groupChanges are what changes a group, besides what is done to its machines.
func (e *Env) groupChanges(s unity.Site) []ui.Action[groupRow] {
	real := func(sel ui.Selection[groupRow]) string {
		if len(sel.Items) == 0 || sel.Items[0].all() {
			return "choose one group"
		}
		return ""
	}
	return []ui.Action[groupRow]{
		{Spec: ui.Spec{ID: "group.create", Title: "new group", Help: "Creates a group of the site.", Keys: []string{"n"}, Arity: ui.None, Risk: ui.RiskChange},
			Do: func(ui.Selection[groupRow]) tea.Cmd { return e.newGroup(s) }},
		{Spec: ui.Spec{ID: "group.edit", Title: "edit group", Help: "Changes name, description or policy of the group.", Keys: []string{"E"}, Arity: ui.One, Risk: ui.RiskChange},
			Ready: real, Do: func(sel ui.Selection[groupRow]) tea.Cmd { return e.editGroup(s, sel.Items[0].Group) }},
		{Spec: ui.Spec{ID: "group.delete", Title: "delete group", Help: "Deletes the group; its machines go to a group that is chosen first.", Keys: []string{"D"}, Arity: ui.One,
			Risk: ui.RiskDestroy}, Ready: real, Do: func(sel ui.Selection[groupRow]) tea.Cmd { return e.deleteGroup(s, sel.Items[0].Group) }},
	}
}

func (e *Env) newGroup(s unity.Site) tea.Cmd {
	return openForm("New group", func(ctx context.Context) ([]form.Field, error) {
		policies, err := e.Client.SitePolicies(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		return formFields(edit.GroupCreate(), nil, policies), nil
	}, func(values map[string]string) tea.Cmd {
		return e.proposeChange("new group", func(ctx context.Context) (*change.Prepared, error) {
			full, err := e.siteOf(ctx, s)
			if err != nil {
				return nil, err
			}
			return change.CreateGroup(ctx, e.Client, &full, edit.Values(values))
		}, nil)
	})
}

func (e *Env) editGroup(s unity.Site, g unity.Group) tea.Cmd {
	var fresh *unity.Group
	return openForm("Edit "+g.Label(), func(ctx context.Context) ([]form.Field, error) {
		var err error
		if fresh, err = e.Client.Group(ctx, s.ID, g.ID); err != nil {
			return nil, err
		}
		policies, err := e.Client.SitePolicies(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		return formFields(edit.GroupEdit(), edit.GroupValues(fresh), policies), nil
	}, func(values map[string]string) tea.Cmd {
		v := given(edit.GroupValues(fresh), values)
		return e.proposeChange("edit "+g.Label(), func(ctx context.Context) (*change.Prepared, error) {
			full, err := e.siteOf(ctx, s)
			if err != nil {
				return nil, err
			}
			return change.EditGroup(ctx, e.Client, &full, fresh, v)
		}, nil)
	})
}

// deleteGroup asks where the machines go, the default group first.
func (e *Env) deleteGroup(s unity.Site, g unity.Group) tea.Cmd {
	return ui.Prepare("delete "+g.Label(), func(ctx context.Context) (tea.Cmd, error) {
		groups, err := e.Client.Groups(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		rest := groupOptions(groups, g.ID)
		if len(rest) == 0 {
			return nil, errors.New("the site has no other group that could receive the machines")
		}
		return ui.Choose("Where do the machines of "+g.Label()+" go?", rest, func(o ui.Option) tea.Cmd {
			return e.proposeChange("delete "+g.Label(), func(ctx context.Context) (*change.Prepared, error) {
				full, err := e.siteOf(ctx, s)
				if err != nil {
					return nil, err
				}
				to := unity.Group{ID: unity.GroupID(o.ID), Name: unity.NewText(o.Title)}
				return change.DeleteGroup(ctx, e.Client, &full, &g, &to)
			}, nil)
		}), nil
	})
}

// groupOptions lists groups to choose from, the default group first and without one that cannot be meant.
func groupOptions(groups []unity.Group, without unity.GroupID) []ui.Option {
	usual, _ := change.DefaultGroup(groups)
	var first, rest []ui.Option
	for i := range groups {
		g := &groups[i]
		o := ui.Option{ID: string(g.ID), Title: g.Label(), Sub: g.Description.String()}
		switch {
		case g.ID == without:
		case usual != nil && g.ID == usual.ID:
			o.Sub = join(o.Sub, "out of all groups: the site's default group")
			first = append(first, o)
		default:
			rest = append(rest, o)
		}
	}
	sortOptions(rest)
	return append(first, rest...)
}
