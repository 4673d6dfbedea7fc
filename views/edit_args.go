package views

import (
	"context"
	"errors"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

// askArguments lets the person choose what an operation still needs, read fresh from the server, and goes on with the
// completed operation.
func (e *Env) askArguments(op dispatch.Operation, refs []fleet.Ref, then func(dispatch.Operation) tea.Cmd) tea.Cmd {
	whole := func(args dispatch.Args) tea.Cmd {
		done, err := op.With(args)
		if err != nil {
			return ui.Fail(err)
		}
		return then(done)
	}
	return ui.Prepare(op.Name, func(ctx context.Context) (tea.Cmd, error) {
		switch op.ID {
		case "endpoint.move":
			return e.chooseGroup(ctx, refs, whole)
		case "endpoint.set-policy":
			return e.choosePolicy(ctx, refs, whole)
		case "endpoint.changekeycode":
			return e.chooseKeycode(ctx, refs, whole)
		}
		return nil, errors.New("nobody knows what " + op.Name + " needs")
	})
}

// chooseGroup asks for the target group of a move, and where its policy differs what becomes of the policies.
func (e *Env) chooseGroup(ctx context.Context, refs []fleet.Ref, then func(dispatch.Args) tea.Cmd) (tea.Cmd, error) {
	site, one := oneSite(refs)
	if !one {
		return nil, errors.New("groups belong to one site: choose machines of one site")
	}
	groups, err := e.Client.Groups(ctx, site)
	if err != nil {
		return nil, err
	}
	return ui.Choose("Move to which group?", groupOptions(groups, ""), func(g ui.Option) tea.Cmd {
		args := dispatch.Args{{Name: dispatch.ArgGroup, Value: g.ID}, {Name: dispatch.ArgGroupName, Value: g.Title}}
		how := []ui.Option{
			{ID: "0", Title: "keep the policies", Sub: "what inherited from its group inherits from " + g.Title},
			{ID: "1", Title: "apply the policy of " + g.Title, Sub: "to all machines that are moved"},
		}
		return ui.Choose("What becomes of their policies?", how, func(o ui.Option) tea.Cmd {
			return then(append(args, dispatch.Arg{Name: dispatch.ArgInheritance, Value: o.ID}))
		})
	}), nil
}

// choosePolicy asks for a policy that all the machines can have.
func (e *Env) choosePolicy(ctx context.Context, refs []fleet.Ref, then func(dispatch.Args) tea.Cmd) (tea.Cmd, error) {
	site, one := oneSite(refs)
	var policies []unity.Policy
	var err error
	if one {
		policies, err = e.Client.SitePolicies(ctx, site)
	} else {
		policies, err = e.Client.Policies(ctx)
	}
	if err != nil {
		return nil, err
	}
	e.keepPolicies(policies)
	var options []ui.Option
	for i := range policies {
		p := &policies[i]
		o := ui.Option{ID: string(p.ID), Title: p.Label(), Sub: p.Description.String()}
		if change.Unprotected(p) {
			o.Tone, o.Sub = theme.Bad, join(o.Sub, "nobody but the user is in charge of the protection")
		}
		options = append(options, o)
	}
	sortOptions(options)
	return ui.Choose("Which policy?", options, func(o ui.Option) tea.Cmd {
		return then(dispatch.Args{{Name: dispatch.ArgPolicy, Value: o.ID}, {Name: dispatch.ArgPolicyName, Value: o.Title}})
	}), nil
}

// chooseKeycode asks for the site whose keycode the machines get. The list, and with it the keycodes, is read now.
func (e *Env) chooseKeycode(ctx context.Context, refs []fleet.Ref, then func(dispatch.Args) tea.Cmd) (tea.Cmd, error) {
	list, err := e.Client.Sites(ctx)
	if err != nil {
		return nil, err
	}
	e.keepSites(list.Sites)
	from, one := oneSite(refs)
	keys := map[string]string{}
	var options []ui.Option
	for i := range list.Sites {
		s := &list.Sites[i]
		keys[string(s.ID)] = s.Keycode.String()
		o := ui.Option{ID: string(s.ID), Title: siteName(s), Sub: join(s.Keycode.String(), s.State()), Tone: siteTone(s, theme.Plain)}
		switch {
		case s.Deactivated.On:
			o.Reason = "the site is deactivated"
		case one && s.ID == from:
			o.Reason = "they are there already"
		}
		options = append(options, o)
	}
	sortOptions(options)
	return ui.Choose("To the keycode of which site?", options, func(o ui.Option) tea.Cmd {
		return then(dispatch.Args{{Name: dispatch.ArgKeycode, Value: keys[o.ID]}, {Name: dispatch.ArgSite, Value: o.ID}, {Name: dispatch.ArgSiteName, Value: o.Title}})
	}), nil
}

// sortOptions puts what can be chosen in the order of the names, in which people look for it; the API has none.
func sortOptions(options []ui.Option) {
	slices.SortStableFunc(options, func(a, b ui.Option) int { return compareFold(a.Title, b.Title) })
}

// oneSite is the site of all machines, where it is one.
func oneSite(refs []fleet.Ref) (unity.SiteID, bool) {
	if len(refs) == 0 {
		return "", false
	}
	for _, r := range refs {
		if r.Site != refs[0].Site {
			return "", false
		}
	}
	return refs[0].Site, true
}
