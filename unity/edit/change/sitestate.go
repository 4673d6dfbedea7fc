package change

import (
	"context"
	"fmt"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// siteState is what is known of one change of a site's state (§3.3.5).
type siteState struct {
	id, verb string
	risk     dispatch.Risk
	// field and want are what the record shows afterwards.
	field, want string
	// effect is what the change means for people, with the number of machines in it.
	effect string
	// back is the change that takes it back, "" where there is none.
	back unity.SiteAction
}

func stateOf(a unity.SiteAction) (siteState, bool) {
	s, ok := map[unity.SiteAction]siteState{
		unity.SiteSuspend: {"site.suspend", "suspend", dispatch.Destroy, "Suspended", "true",
			"the licence key expires at once: %s stop being protected until the site is resumed", unity.SiteResume},
		unity.SiteResume: {"site.resume", "resume", dispatch.Disrupt, "Suspended", "false",
			"the licence key takes over the remaining days of the console's: %s are protected again", unity.SiteSuspend},
		unity.SiteConvertTrial: {"site.convert-trial", "convert trial", dispatch.Destroy, "Description", "Full",
			"the trial becomes a full licence that is billed, for %s", ""},
		unity.SiteDeactivate: {"site.deactivate", "deactivate", dispatch.Destroy, "Deactivated", "true",
			"the API has no way to take this back: %s lose their site", ""},
	}[a]
	return s, ok
}

// SiteState prepares suspend, resume, convert trial or deactivate of a site. s is the site as it was read just now; all its
// machines count as touched.
func SiteState(ctx context.Context, c *unity.Client, s *unity.Site, action unity.SiteAction) (*Prepared, error) {
	what, ok := stateOf(action)
	if !ok {
		return nil, &StateError{"there is no such action on a site"}
	}
	if err := possible(s, action); err != nil {
		return nil, err
	}
	machines, err := countSite(ctx, c, s)
	if err != nil {
		return nil, err
	}
	request, err := c.SiteActionRequest(s.ID, action, machines)
	if err != nil {
		return nil, err
	}
	read := request.Path[:len(request.Path)-len(action)-1]
	check := func(want string) *dispatch.Check {
		return &dispatch.Check{Path: read, List: "Sites", IDField: "SiteId", ID: string(s.ID), Expect: map[string]string{what.field: want}}
	}
	ch := dispatch.ObjectChange{ID: what.id, Verb: what.verb, Kind: "site", Name: siteLabel(s), Risk: what.risk, Site: s.ID, SiteName: s.Name.Raw(),
		ObjectID: string(s.ID), Request: request, Touches: machines, Warnings: []string{fmt.Sprintf(what.effect, dispatch.Machines(machines))},
		Check: check(what.want), Diff: []dispatch.FieldChange{{Field: "State", Before: s.State(), After: stateAfter(action)}}}
	if what.risk == dispatch.Destroy {
		ch.Typed, ch.TypedLabel = siteLabel(s), "name of the site"
	}
	if what.back != "" {
		opposite, _ := stateOf(what.back)
		ch.Revert = &dispatch.RevertSpec{ID: opposite.id, Verb: opposite.verb, Risk: opposite.risk, Method: request.Method,
			Path: read + "/" + string(what.back), Machines: machines, Check: check(opposite.want)}
	}
	p := &Prepared{ObjectChange: ch, Keys: []string{"sites", "endpoints/" + string(s.ID)}}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) { return stateNow(ctx, c, s, action) }
	p.Again = renewingSite(s.ID, func(ctx context.Context, c *unity.Client, now *unity.Site) (*Prepared, error) {
		return SiteState(ctx, c, now, action)
	})
	return p, nil
}

// possible refuses what the state of the site makes pointless, in words, instead of leaving it to the server's conflict.
func possible(s *unity.Site, action unity.SiteAction) error {
	no := func(text string) error { return &StateError{siteLabel(s) + " " + text} }
	switch {
	case s.Deactivated.On:
		return no("is deactivated; the API cannot bring it back")
	case action == unity.SiteSuspend && s.Suspended.On:
		return no("is suspended already")
	case action == unity.SiteResume && s.Suspended.Known && !s.Suspended.On:
		return no("is not suspended")
	case action == unity.SiteConvertTrial && !s.Description.Empty() && !s.Trial():
		return no("is no trial")
	}
	return nil
}

func stateAfter(action unity.SiteAction) string {
	return map[unity.SiteAction]string{unity.SiteSuspend: "suspended", unity.SiteResume: "active", unity.SiteConvertTrial: "full licence",
		unity.SiteDeactivate: "deactivated"}[action]
}

func stateNow(ctx context.Context, c *unity.Client, before *unity.Site, action unity.SiteAction) (Outcome, error) {
	s, err := c.Site(ctx, before.ID)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Site: s, Notes: []string{"state " + s.State()}}
	done := map[unity.SiteAction]bool{unity.SiteSuspend: s.Suspended.On, unity.SiteResume: !s.Suspended.On, unity.SiteConvertTrial: !s.Trial(),
		unity.SiteDeactivate: s.Deactivated.On}[action]
	if !done {
		out.Alarms = append(out.Alarms, "the site is still shown as "+s.State())
	}
	return out, nil
}

// countSite is how many machines a site has: the console's own count of active ones, else that of the list.
func countSite(ctx context.Context, c *unity.Client, s *unity.Site) (int, error) {
	if s.TotalEndpoints.Known {
		return int(s.TotalEndpoints.N), nil
	}
	rows, err := unity.Collect(c.Endpoints(ctx, s.ID, unity.EndpointQuery{Type: "active"}))
	return len(rows), err
}
