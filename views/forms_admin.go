package views

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
)

// adminActions are what can be done to admins of the console, or of a site when one is given.
func (e *Env) adminActions(s *unity.Site) []ui.Action[unity.Admin] {
	out := []ui.Action[unity.Admin]{
		{Spec: ui.Spec{ID: "admin.create", Title: "new admin", Help: "Creates an admin of the console, or of the site whose admins are listed.", Keys: []string{"n"},
			Arity: ui.None, Risk: ui.RiskDisrupt, Hint: 10}, Do: func(ui.Selection[unity.Admin]) tea.Cmd { return e.newAdmin(s) }},
		{Spec: ui.Spec{ID: "admin.edit", Title: "edit admin", Help: "Changes first and last name of the admin.", Keys: []string{"E"}, Arity: ui.One, Risk: ui.RiskDisrupt, Hint: 11},
			Do: func(sel ui.Selection[unity.Admin]) tea.Cmd { return e.editAdmin(s, *sel.Items[0]) }},
		{Spec: ui.Spec{ID: "admin.grant", Title: "site access", Help: "Gives the admin access to a site, or takes it.", Keys: []string{"p"}, Arity: ui.One, Risk: ui.RiskDisrupt, Hint: 12},
			Do: func(sel ui.Selection[unity.Admin]) tea.Cmd { return e.grantAdmin(s, *sel.Items[0]) }},
		{Spec: ui.Spec{ID: "admin.delete", Title: "remove admin", Help: "Removes the admin from the console and all sites, or from the site whose admins are listed.", Keys: []string{"D"},
			Arity: ui.One, Risk: ui.RiskDestroy}, Do: func(sel ui.Selection[unity.Admin]) tea.Cmd {
			a := *sel.Items[0]
			return e.proposeChange("remove "+a.Label(), func(ctx context.Context) (*change.Prepared, error) {
				return change.DeleteAdmin(ctx, e.Client, s, &a, e.User)
			}, nil)
		}},
	}
	if s == nil {
		out = append(out, e.accessActions()...)
	}
	return out
}

func (e *Env) newAdmin(s *unity.Site) tea.Cmd {
	title := "New admin of the console"
	if s != nil {
		title = "New admin of " + siteName(s)
	}
	return ui.Ask(title, formFields(edit.AdminCreate(), nil, nil), func(values map[string]string) tea.Cmd {
		return e.proposeChange("new admin", func(ctx context.Context) (*change.Prepared, error) {
			return change.CreateAdmin(ctx, e.Client, s, edit.Values(values))
		}, nil)
	})
}

func (e *Env) editAdmin(s *unity.Site, a unity.Admin) tea.Cmd {
	var fresh *unity.Admin
	return openForm("Edit "+a.Label(), func(ctx context.Context) ([]form.Field, error) {
		var err error
		if s == nil {
			fresh, err = e.Client.Admin(ctx, a.ID)
		} else {
			fresh, err = e.Client.SiteAdmin(ctx, s.ID, a.ID)
		}
		if err != nil {
			return nil, err
		}
		return formFields(edit.AdminEdit(), edit.AdminValues(fresh), nil), nil
	}, func(values map[string]string) tea.Cmd {
		v := given(edit.AdminValues(fresh), values)
		return e.proposeChange("edit "+a.Label(), func(ctx context.Context) (*change.Prepared, error) {
			return change.EditAdmin(ctx, e.Client, s, fresh, v)
		}, nil)
	})
}

// grantAdmin asks for the site, unless its admins are what is listed, and for the level.
func (e *Env) grantAdmin(s *unity.Site, a unity.Admin) tea.Cmd {
	if s != nil {
		return e.chooseLevel(*s, a)
	}
	return ui.Prepare("access of "+a.Label(), func(ctx context.Context) (tea.Cmd, error) {
		list, err := e.Client.Sites(ctx)
		if err != nil {
			return nil, err
		}
		byID := map[string]unity.Site{}
		var options []ui.Option
		for _, site := range list.Sites {
			byID[string(site.ID)] = site
			options = append(options, ui.Option{ID: string(site.ID), Title: siteName(&site), Sub: site.Keycode.String()})
		}
		sortOptions(options)
		return ui.Choose("Access of "+a.Label()+" to which site?", options, func(o ui.Option) tea.Cmd { return e.chooseLevel(byID[o.ID], a) }), nil
	})
}

func (e *Env) chooseLevel(s unity.Site, a unity.Admin) tea.Cmd {
	options := []ui.Option{{ID: edit.LevelAdmin, Title: edit.LevelAdmin, Sub: "may change everything"}, {ID: edit.LevelView, Title: edit.LevelView, Sub: "may look only"},
		{ID: edit.LevelNone, Title: edit.LevelNone, Sub: "no access"}}
	return ui.Choose("Access of "+a.Label()+" to "+siteName(&s), options, func(o ui.Option) tea.Cmd {
		return e.proposeChange("access of "+a.Label(), func(ctx context.Context) (*change.Prepared, error) {
			now, err := e.siteLevel(ctx, s, a)
			if err != nil {
				return nil, err
			}
			return change.Grant(ctx, e.Client, &s, now, o.ID)
		}, nil)
	})
}

// siteLevel is the admin with the access that the site's list shows; an admin who is not in it has an unknown one.
func (e *Env) siteLevel(ctx context.Context, s unity.Site, a unity.Admin) (*unity.Admin, error) {
	rows, err := e.Client.SiteAdmins(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].ID == a.ID {
			return &rows[i], nil
		}
	}
	a.AccessLevel = unity.Int{}
	return &a, nil
}
