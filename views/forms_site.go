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

// siteChanges are what changes a site, besides what is done to its machines.
func (e *Env) siteChanges() []ui.Action[unity.Site] {
	one := func(id, title, help string, keys []string, risk ui.Risk, ready func(*unity.Site) string, do func(unity.Site) tea.Cmd) ui.Action[unity.Site] {
		return ui.Action[unity.Site]{Spec: ui.Spec{ID: id, Title: title, Help: help, Keys: keys, Arity: ui.One, Risk: risk},
			Ready: func(sel ui.Selection[unity.Site]) string {
				if len(sel.Items) == 0 {
					return "no site is chosen"
				}
				return ready(sel.Items[0])
			},
			Do: func(sel ui.Selection[unity.Site]) tea.Cmd { return do(*sel.Items[0]) }}
	}
	always := func(*unity.Site) string { return "" }
	state := func(action unity.SiteAction) func(unity.Site) tea.Cmd {
		return func(s unity.Site) tea.Cmd { return e.changeState(s, action) }
	}
	return []ui.Action[unity.Site]{
		{Spec: ui.Spec{ID: "site.create", Title: "new site", Help: "Creates a site; its keycode is shown, y copies it.", Keys: []string{"n"}, Arity: ui.None,
			Risk: ui.RiskDisrupt, Hint: 13}, Do: func(ui.Selection[unity.Site]) tea.Cmd { return e.newSite() }},
		one("site.edit", "edit", "Changes fields of the site; only those that are changed are sent.", []string{"E"}, ui.RiskDisrupt, notDeactivated, e.editSite),
		one("site.suspend", "suspend or resume", "Suspends the site, whose machines lose their protection, or resumes a suspended one.", []string{"S"}, ui.RiskDestroy,
			notDeactivated, func(s unity.Site) tea.Cmd {
				if s.Suspended.On {
					return e.changeState(s, unity.SiteResume)
				}
				return e.changeState(s, unity.SiteSuspend)
			}),
		one("site.resume", "resume", "Resumes a suspended site.", nil, ui.RiskDisrupt, func(s *unity.Site) string {
			if !s.Suspended.On {
				return "the site is not suspended"
			}
			return notDeactivated(s)
		}, state(unity.SiteResume)),
		one("site.convert-trial", "convert trial", "Turns a trial into a full licence, which is billed.", nil, ui.RiskDestroy, func(s *unity.Site) string {
			if !s.Trial() {
				return "the site is no trial"
			}
			return notDeactivated(s)
		}, state(unity.SiteConvertTrial)),
		one("site.deactivate", "deactivate site", "Deactivates the site; the API has no way to take that back.", nil, ui.RiskDestroy, notDeactivated, state(unity.SiteDeactivate)),
		one("site.offboard", "off-board", "Ends the service of the customer: deactivates all its machines and, when that was sent for all of them, suspends the site.", nil,
			ui.RiskDestroy, func(s *unity.Site) string {
				if s.Suspended.On {
					return "the site is suspended"
				}
				return notDeactivated(s)
			}, e.offboardSite),
		one("site.open", "web console", "Copies an address that opens the site in the web console; it is good for five minutes and a secret.", nil, ui.RiskRead, always, e.webConsole),
	}
}

func notDeactivated(s *unity.Site) string {
	if s.Deactivated.On {
		return "the site is deactivated"
	}
	return ""
}

// newSite asks for the fields of a new site.
func (e *Env) newSite() tea.Cmd {
	f := edit.SiteCreate()
	return openForm("New site", func(ctx context.Context) ([]form.Field, error) {
		policies, err := e.Client.Policies(ctx)
		if err != nil {
			return nil, err
		}
		return formFields(f, nil, policies), nil
	}, func(values map[string]string) tea.Cmd {
		return e.proposeChange("new site", func(ctx context.Context) (*change.Prepared, error) {
			return change.CreateSite(ctx, e.Client, edit.Values(values))
		}, e.showNewSite)
	})
}

// showNewSite opens what is known of a new site with its keycode first, where the copy key copies it.
func (e *Env) showNewSite(now change.Outcome) tea.Cmd {
	if now.Site == nil {
		return nil
	}
	r := e.Sites()
	r.Detail = func(s *unity.Site) []ui.Field {
		key := s.Keycode.String()
		return append((&fields{}).in("New site").add("Keycode", key).out, e.siteDetail(s)...)
	}
	return ui.Push(ui.NewDetail(r, now.Site))
}

// editSite asks for new values of a site, which is read fresh first.
func (e *Env) editSite(s unity.Site) tea.Cmd {
	f := edit.SiteEdit()
	var fresh *unity.Site
	return openForm("Edit "+siteName(&s), func(ctx context.Context) ([]form.Field, error) {
		var err error
		if fresh, err = e.Client.Site(ctx, s.ID); err != nil {
			return nil, err
		}
		policies, err := e.Client.SitePolicies(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		return formFields(f, edit.SiteValues(fresh), policies), nil
	}, func(values map[string]string) tea.Cmd {
		was := edit.SiteValues(fresh)
		meant := f.Changed(was, given(was, values))
		return e.proposeChange("edit "+siteName(&s), func(ctx context.Context) (*change.Prepared, error) {
			// The form may have been open for long: only what was changed in it is asked for, of the site as it is now.
			now, err := e.Client.Site(ctx, s.ID)
			if err != nil {
				return nil, err
			}
			if moved := movedMeanwhile(f, was, edit.SiteValues(now), meant); moved != "" {
				return nil, errors.New(moved)
			}
			return change.EditSite(ctx, e.Client, now, meant)
		}, nil)
	})
}

// movedMeanwhile names a field that is to be changed and that somebody else has changed since the form was opened.
func movedMeanwhile(f edit.Form, was, now, meant edit.Values) string {
	seen := edit.Values{}
	for name := range meant {
		if value, ok := was[name]; ok {
			seen[name] = value
		}
	}
	for _, c := range f.Moved(seen, now) {
		return unity.Clean(c.Label + " was changed by somebody else while the form was open: it was " + c.Before + " and is " + c.After + "; open the form again")
	}
	return ""
}

// changeState plans a change of a site's state, on the site as it is now.
func (e *Env) changeState(s unity.Site, action unity.SiteAction) tea.Cmd {
	return e.proposeChange(string(action)+" "+siteName(&s), func(ctx context.Context) (*change.Prepared, error) {
		fresh, err := e.Client.Site(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		return change.SiteState(ctx, e.Client, fresh, action)
	}, nil)
}

// webConsole copies the sign-in address of a site. It is shown nowhere.
func (e *Env) webConsole(s unity.Site) tea.Cmd {
	return ui.Prepare("the web console", func(ctx context.Context) (tea.Cmd, error) {
		address, err := e.Client.ConsoleURL(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		return ui.Copy("address of "+siteName(&s)+", good for five minutes", address.Reveal()), nil
	})
}
