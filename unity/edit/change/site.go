package change

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
)

// siteNames maps fields of a site to the names of its record (§3.3.2). Modules are nested, and are compared when read again.
func siteNames() map[string]string {
	return map[string]string{"Seats": "DevicesAllowed", "Comments": "CompanyComments", "Modules": ""}
}

func siteLabel(s *unity.Site) string {
	if s.Name.Empty() {
		return s.Keycode.String()
	}
	return s.Name.String()
}

// CreateSite prepares a new site (§3.3.3). The list of sites is read first: names that exist already and seats beyond those
// bought are warned about, and the new site is told from the others by it.
func CreateSite(ctx context.Context, c *unity.Client, v edit.Values) (*Prepared, error) {
	form := edit.SiteCreate()
	body, err := creation(form, v)
	if err != nil {
		return nil, err
	}
	list, err := c.Sites(ctx)
	if err != nil {
		return nil, err
	}
	request, err := c.CreateSiteRequest(body)
	if err != nil {
		return nil, err
	}
	v = form.Tidy(v)
	known := make([]string, 0, len(list.Sites))
	for i := range list.Sites {
		known = append(known, string(list.Sites[i].ID))
	}
	p := &Prepared{ObjectChange: dispatch.ObjectChange{ID: "site.create", Verb: "create", Kind: "site", Name: v["SiteName"], Risk: dispatch.Disrupt,
		Request: request, After: asJSON(v), Diff: fieldChanges(form, edit.Values{}, v), Warnings: createWarnings(list, v),
		Check: &dispatch.Check{Path: request.Path, List: "Sites", IDField: "SiteId", Known: known, Expect: map[string]string{"SiteName": v["SiteName"]}}},
		Keys: []string{"sites"}}
	weighed(ctx, c, nil, strings.ToLower(v[policyField]), "for every machine of the site", &p.ObjectChange)
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) { return newSite(ctx, c, v, known) }
	p.Again = renewing(func(ctx context.Context, c *unity.Client) (*Prepared, error) { return CreateSite(ctx, c, v) })
	return p, nil
}

func createWarnings(list *unity.Sites, v edit.Values) []string {
	var out []string
	for i := range list.Sites {
		if unity.Fold(list.Sites[i].Name.Raw()) == unity.Fold(v["SiteName"]) {
			out = append(out, "there is a site of that name already: "+list.Sites[i].Keycode.String())
		}
	}
	seats, _ := strconv.ParseInt(v["Seats"], 10, 64)
	return append(out, seatWarning(list, seats)...)
}

// seatWarning tells that more seats would be handed out than were bought, as far as the console says how many those are.
func seatWarning(list *unity.Sites, more int64) []string {
	bought, given := list.TotalSeatsAllowed, list.SumTotalDevicesAllowed
	if !bought.Known || !given.Known || more <= 0 || given.N+more <= bought.N {
		return nil
	}
	return []string{fmt.Sprintf("seats exceeded: %d of %d bought seats are with sites already, these are %d more", given.N, bought.N, more)}
}

// newSite finds the site that a creation has made: the one with the name that was not there before.
func newSite(ctx context.Context, c *unity.Client, v edit.Values, known []string) (Outcome, error) {
	list, err := c.Sites(ctx)
	if list == nil {
		return Outcome{}, err
	}
	var hits []*unity.Site
	for i := range list.Sites {
		s := &list.Sites[i]
		if !slices.Contains(known, string(s.ID)) && strings.TrimSpace(s.Name.Raw()) == v["SiteName"] {
			hits = append(hits, s)
		}
	}
	switch {
	case len(hits) == 0 && err != nil:
		return Outcome{}, err
	case len(hits) == 0:
		return Outcome{Notes: []string{"the list of sites does not show the new one yet; read it again in a minute"}}, nil
	case len(hits) > 1:
		return Outcome{Alarms: []string{fmt.Sprintf("%d new sites have that name; which one was made here cannot be told", len(hits))}}, nil
	}
	form := edit.SiteEdit()
	got := edit.SiteValues(hits[0])
	want := edit.Values{}
	for _, f := range form.Fields {
		if value := v[f.Name]; value != "" {
			want[f.Name] = value
		}
	}
	out := Outcome{Site: hits[0], Notes: []string{"keycode " + hits[0].Keycode.String()}}
	for _, d := range form.Moved(want, got) {
		out.Alarms = append(out.Alarms, fmt.Sprintf("%s is %s, not %s as asked for", d.Label, quote(d.After), quote(d.Before)))
	}
	return out, nil
}

// EditSite prepares a change of a site's fields (§3.3.4). before is the site as it was read just now.
func EditSite(ctx context.Context, c *unity.Client, before *unity.Site, v edit.Values) (*Prepared, error) {
	form, old := edit.SiteEdit(), edit.SiteValues(before)
	body, err := edition(form, old, v)
	if err != nil {
		return nil, err
	}
	request, err := c.EditSiteRequest(before.ID, body)
	if err != nil {
		return nil, err
	}
	changed := form.Changed(old, v)
	ch := dispatch.ObjectChange{ID: "site.edit", Verb: "edit", Kind: "site", Name: siteLabel(before), Risk: dispatch.Disrupt, Site: before.ID,
		SiteName: before.Name.Raw(), ObjectID: string(before.ID), Request: request, Before: asJSON(old), After: asJSON(form.Merge(old, v)),
		Diff: fieldChanges(form, old, v)}
	if ch.Warnings, err = editWarnings(ctx, c, before, changed); err != nil {
		return nil, err
	}
	if weighed(ctx, c, before, strings.ToLower(changed[policyField]), "for every machine that has the policy of its site", &ch) {
		ch.Risk, ch.Typed, ch.TypedLabel = dispatch.Destroy, siteLabel(before), "name of the site"
	}
	if want := expect(form, changed, siteNames()); len(want) > 0 {
		ch.Check = &dispatch.Check{Path: request.Path, List: "Sites", IDField: "SiteId", ID: string(before.ID), Expect: want}
	}
	if back := inverse(form, old, v); back != nil {
		ch.Revert = &dispatch.RevertSpec{ID: "site.edit", Verb: "edit back", Risk: dispatch.Disrupt, Method: request.Method, Path: request.Path, Body: back}
		if ch.Check != nil {
			was := edit.Values{}
			for name := range changed {
				was[name] = old[name]
			}
			ch.Revert.Check = &dispatch.Check{Path: request.Path, List: "Sites", IDField: "SiteId", ID: string(before.ID), Expect: expect(form, was, siteNames())}
		}
	}
	p := &Prepared{ObjectChange: ch, Keys: []string{"sites", "endpoints/" + string(before.ID)}}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) {
		s, err := c.Site(ctx, before.ID)
		if err != nil {
			return Outcome{}, err
		}
		return Outcome{Site: s, Alarms: moved(form, old, v, edit.SiteValues(s))}, nil
	}
	p.Again = renewingSite(before.ID, func(ctx context.Context, c *unity.Client, now *unity.Site) (*Prepared, error) {
		return EditSite(ctx, c, now, v)
	})
	return p, nil
}

func editWarnings(ctx context.Context, c *unity.Client, s *unity.Site, changed edit.Values) ([]string, error) {
	text, ok := changed["Seats"]
	if !ok {
		return nil, nil
	}
	seats, _ := strconv.ParseInt(text, 10, 64)
	var out []string
	if used := s.TotalEndpoints; used.Known && used.N > seats {
		out = append(out, fmt.Sprintf("the site uses %d seats, more than the %d it would have", used.N, seats))
	}
	if more := seats - s.DevicesAllowed.Or(0); more > 0 {
		list, err := c.Sites(ctx)
		if list == nil {
			return nil, err
		}
		out = append(out, seatWarning(list, more)...)
	}
	return out, nil
}
