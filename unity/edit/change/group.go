package change

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
)

// CreateGroup prepares a new group of a site (§3.6.2).
func CreateGroup(ctx context.Context, c *unity.Client, s *unity.Site, v edit.Values) (*Prepared, error) {
	form := edit.GroupCreate()
	body, err := creation(form, v)
	if err != nil {
		return nil, err
	}
	groups, err := c.Groups(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	request, err := c.CreateGroupRequest(s.ID, body)
	if err != nil {
		return nil, err
	}
	v = form.Tidy(v)
	var known, warnings []string
	for i := range groups {
		known = append(known, string(groups[i].ID))
		if unity.Fold(groups[i].Name.Raw()) == unity.Fold(v["GroupName"]) {
			warnings = append(warnings, "there is a group of that name already: "+string(groups[i].ID))
		}
	}
	p := &Prepared{ObjectChange: dispatch.ObjectChange{ID: "group.create", Verb: "create", Kind: "group", Name: v["GroupName"], Risk: dispatch.Change,
		Site: s.ID, SiteName: s.Name.Raw(), Request: request, After: asJSON(v), Diff: fieldChanges(form, edit.Values{}, v), Warnings: warnings,
		Check: &dispatch.Check{Path: request.Path, List: "Groups", IDField: "GroupId", Known: known, Expect: map[string]string{"GroupName": v["GroupName"]}}},
		Keys: groupKeys(s.ID)}
	weighed(ctx, c, s, strings.ToLower(v[policyField]), "for every machine that comes to the group", &p.ObjectChange)
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) { return newGroup(ctx, c, s.ID, v, known) }
	p.Again = renewing(func(ctx context.Context, c *unity.Client) (*Prepared, error) { return CreateGroup(ctx, c, s, v) })
	return p, nil
}

func groupKeys(site unity.SiteID) []string {
	return []string{"groups/" + string(site), "endpoints/" + string(site)}
}

func newGroup(ctx context.Context, c *unity.Client, site unity.SiteID, v edit.Values, known []string) (Outcome, error) {
	groups, err := c.Groups(ctx, site)
	if err != nil {
		return Outcome{}, err
	}
	var fresh []*unity.Group
	for i := range groups {
		if !slices.Contains(known, string(groups[i].ID)) {
			fresh = append(fresh, &groups[i])
		}
	}
	if len(fresh) > 1 {
		fresh = slices.DeleteFunc(fresh, func(g *unity.Group) bool { return strings.TrimSpace(g.Name.Raw()) != v["GroupName"] })
	}
	if len(fresh) != 1 {
		return Outcome{Notes: []string{"the list of groups does not show the new one yet; read it again in a minute"}}, nil
	}
	out := Outcome{Group: fresh[0], Notes: []string{"id " + string(fresh[0].ID)}}
	out.Alarms = moved(edit.GroupEdit(), edit.Values{}, groupShown(fresh[0], v), edit.GroupValues(fresh[0]))
	return out, nil
}

// groupShown keeps of some values those that the group's record shows: only its id is certain (§3.6.1).
func groupShown(g *unity.Group, v edit.Values) edit.Values {
	out := v.Clone()
	for name, missing := range map[string]bool{"GroupName": g.Name.Empty(), "GroupDescription": g.Description.Empty(), "PolicyId": g.PolicyID == ""} {
		if missing || out[name] == "" {
			delete(out, name)
		}
	}
	return out
}

// EditGroup prepares a change of a group (§3.6.3). before is the group as it was read just now. A new policy counts as a
// change of all machines of the group.
func EditGroup(ctx context.Context, c *unity.Client, s *unity.Site, before *unity.Group, v edit.Values) (*Prepared, error) {
	form, old := edit.GroupEdit(), edit.GroupValues(before)
	body, err := edition(form, old, v)
	if err != nil {
		return nil, err
	}
	request, err := c.EditGroupRequest(s.ID, before.ID, body)
	if err != nil {
		return nil, err
	}
	changed := form.Changed(old, v)
	ch := dispatch.ObjectChange{ID: "group.edit", Verb: "edit", Kind: "group", Name: before.Label(), Risk: dispatch.Change, Site: s.ID, SiteName: s.Name.Raw(),
		ObjectID: string(before.ID), Request: request, Before: asJSON(old), After: asJSON(form.Merge(old, v)), Diff: fieldChanges(form, old, v)}
	if policy, ok := changed["PolicyId"]; ok {
		if err := weighPolicy(ctx, c, s, before, policy, &ch); err != nil {
			return nil, err
		}
	} else if _, ok := changed["Inheritance"]; ok {
		if ch.Touches, err = countGroup(ctx, c, s.ID, before.ID); err != nil {
			return nil, err
		}
	}
	ch.Request.Machines, ch.Request.Counted = ch.Touches, true
	delete(changed, "Inheritance") // the record does not show it
	if len(changed) > 0 {
		ch.Check = &dispatch.Check{Path: request.Path, List: "Groups", IDField: "GroupId", ID: string(before.ID), Expect: expect(form, changed, nil)}
	}
	// A policy that was applied to machines is not taken back by giving the group its old one.
	if back := inverse(form, old, v); back != nil && ch.Touches == 0 {
		ch.Revert = &dispatch.RevertSpec{ID: "group.edit", Verb: "edit back", Risk: dispatch.Change, Method: request.Method, Path: request.Path, Body: back}
	}
	p := &Prepared{ObjectChange: ch, Keys: groupKeys(s.ID)}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) {
		g, err := c.Group(ctx, s.ID, before.ID)
		if err != nil {
			return Outcome{}, err
		}
		return Outcome{Group: g, Alarms: moved(form, groupShown(g, old), groupShown(g, v), edit.GroupValues(g))}, nil
	}
	p.Again = renewing(func(ctx context.Context, c *unity.Client) (*Prepared, error) {
		now, err := c.Group(ctx, s.ID, before.ID)
		if err != nil {
			return nil, err
		}
		return EditGroup(ctx, c, s, now, v)
	})
	return p, nil
}

// weighPolicy weighs a new policy of a group: how many machines it may change, and whether it protects them.
func weighPolicy(ctx context.Context, c *unity.Client, s *unity.Site, g *unity.Group, policy string, ch *dispatch.ObjectChange) error {
	n, err := countGroup(ctx, c, s.ID, g.ID)
	if err != nil {
		return err
	}
	ch.Touches = n
	ch.Warnings = append(ch.Warnings, fmt.Sprintf("the policy can change the settings of %s", dispatch.Machines(n)))
	if weighed(ctx, c, s, policy, "for every machine that gets it", ch) {
		ch.Risk = dispatch.Destroy
	}
	return nil
}

// DeleteGroup prepares the deletion of a group whose machines go to another group of the site (§3.6.4).
func DeleteGroup(ctx context.Context, c *unity.Client, s *unity.Site, group, receiver *unity.Group) (*Prepared, error) {
	n, err := countGroup(ctx, c, s.ID, group.ID)
	if err != nil {
		return nil, err
	}
	request, err := c.DeleteGroupRequest(s.ID, group.ID, receiver.ID, n)
	if err != nil {
		return nil, err
	}
	p := &Prepared{ObjectChange: dispatch.ObjectChange{ID: "group.delete", Verb: "delete", Kind: "group", Name: group.Label(), Risk: dispatch.Destroy,
		Site: s.ID, SiteName: s.Name.Raw(), ObjectID: string(group.ID), Request: request, Touches: n, Before: asJSON(edit.GroupValues(group)),
		Typed: group.Label(), TypedLabel: "name of the group", Warnings: []string{fmt.Sprintf("%s go to the group %s", dispatch.Machines(n), receiver.Label())},
		Check: &dispatch.Check{Path: request.Path, List: "Groups", IDField: "GroupId", ID: string(group.ID), Absent: true}}, Keys: groupKeys(s.ID)}
	weighed(ctx, c, s, string(receiver.PolicyID), "for those that come to "+receiver.Label(), &p.ObjectChange)
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) {
		groups, err := c.Groups(ctx, s.ID)
		if err != nil {
			return Outcome{}, err
		}
		if slices.ContainsFunc(groups, func(g unity.Group) bool { return g.ID == group.ID }) {
			return Outcome{Alarms: []string{"the group is still in the list"}}, nil
		}
		return Outcome{Notes: []string{"the group is gone"}}, nil
	}
	p.Again = renewing(func(ctx context.Context, c *unity.Client) (*Prepared, error) {
		now, err := c.Group(ctx, s.ID, group.ID)
		if err != nil {
			return nil, err
		}
		to, err := c.Group(ctx, s.ID, receiver.ID)
		if err != nil {
			return nil, err
		}
		return DeleteGroup(ctx, c, s, now, to)
	})
	return p, nil
}

// countGroup is how many machines a group has, from its complete list.
func countGroup(ctx context.Context, c *unity.Client, site unity.SiteID, group unity.GroupID) (int, error) {
	rows, err := unity.Collect(c.GroupEndpoints(ctx, site, group))
	return len(rows), err
}
