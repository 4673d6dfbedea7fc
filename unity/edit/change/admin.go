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

// AdminLag is what has to be said after every change of admins (§3.4.3).
const AdminLag = "the server may take a few minutes to show changes of admins"

func adminKeys(s *unity.Site) []string {
	if s == nil {
		return []string{"admins"}
	}
	return []string{"admins", "admins/" + string(s.ID), "sites"}
}

// of gives the id and the raw name of a site, nothing for the console's own admins.
func of(s *unity.Site) (unity.SiteID, string) {
	if s == nil {
		return "", ""
	}
	return s.ID, s.Name.Raw()
}

func admins(ctx context.Context, c *unity.Client, s *unity.Site) ([]unity.Admin, error) {
	if s == nil {
		return c.Admins(ctx)
	}
	return c.SiteAdmins(ctx, s.ID)
}

// CreateAdmin prepares a new admin of the console, or of one site only when s is given (§3.4.2). Somebody who is an admin of
// the console already gets access to a site by Grant instead.
func CreateAdmin(ctx context.Context, c *unity.Client, s *unity.Site, v edit.Values) (*Prepared, error) {
	form := edit.AdminCreate()
	body, err := creation(form, v)
	if err != nil {
		return nil, err
	}
	v = form.Tidy(v)
	rows, err := admins(ctx, c, s)
	if err != nil {
		return nil, err
	}
	known := make([]string, 0, len(rows))
	for i := range rows {
		known = append(known, string(rows[i].ID))
		if strings.EqualFold(strings.TrimSpace(rows[i].Email.Raw()), v["EmailAddress"]) {
			return nil, &StateError{unity.Clean(v["EmailAddress"]) + " is an admin here already; `admin grant` gives access to a site"}
		}
	}
	site, siteName := of(s)
	request, err := c.CreateAdminRequest(site, body)
	if err != nil {
		return nil, err
	}
	p := &Prepared{ObjectChange: dispatch.ObjectChange{ID: "admin.create", Verb: "create", Kind: "admin", Name: v["EmailAddress"], Risk: dispatch.Disrupt,
		Site: site, SiteName: siteName, Request: request, After: asJSON(v), Diff: fieldChanges(form, edit.Values{}, v), Lag: AdminLag,
		Warnings: []string{"an account of that address that exists already gets these names, and one that does not is invited by mail"},
		Check:    &dispatch.Check{Path: request.Path, List: "Admins", IDField: "UserId", Known: known, Expect: map[string]string{"Email": v["EmailAddress"]}}},
		Keys: adminKeys(s)}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) {
		rows, err := admins(ctx, c, s)
		if err != nil {
			return Outcome{}, err
		}
		out := Outcome{Notes: []string{AdminLag}}
		for i := range rows {
			if strings.EqualFold(strings.TrimSpace(rows[i].Email.Raw()), v["EmailAddress"]) {
				out.Admin = &rows[i]
				out.Notes = append([]string{"id " + string(rows[i].ID)}, out.Notes...)
			}
		}
		return out, nil
	}
	p.Again = renewing(func(ctx context.Context, c *unity.Client) (*Prepared, error) { return CreateAdmin(ctx, c, s, v) })
	return p, nil
}

// EditAdmin prepares new names of an admin (§3.4.4). before is the admin as it was read just now.
func EditAdmin(_ context.Context, c *unity.Client, s *unity.Site, before *unity.Admin, v edit.Values) (*Prepared, error) {
	form, old := edit.AdminEdit(), edit.AdminValues(before)
	body, err := edition(form, old, v)
	if err != nil {
		return nil, err
	}
	site, siteName := of(s)
	request, err := c.EditAdminRequest(site, before.ID, body)
	if err != nil {
		return nil, err
	}
	ch := dispatch.ObjectChange{ID: "admin.edit", Verb: "edit", Kind: "admin", Name: before.Label(), Risk: dispatch.Disrupt, Site: site, SiteName: siteName,
		ObjectID: string(before.ID), Request: request, Before: asJSON(old), After: asJSON(form.Merge(old, v)), Diff: fieldChanges(form, old, v), Lag: AdminLag,
		Check: &dispatch.Check{Path: request.Path, List: "Admins", IDField: "UserId", ID: string(before.ID), Expect: expect(form, form.Changed(old, v), nil)}}
	if back := inverse(form, old, v); back != nil {
		ch.Revert = &dispatch.RevertSpec{ID: "admin.edit", Verb: "edit back", Risk: dispatch.Disrupt, Method: request.Method, Path: request.Path, Body: back}
	}
	p := &Prepared{ObjectChange: ch, Keys: adminKeys(s)}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) {
		a, err := adminNow(ctx, c, s, before.ID)
		if err != nil {
			return Outcome{}, err
		}
		return Outcome{Admin: a, Notes: []string{AdminLag}, Alarms: moved(form, old, v, edit.AdminValues(a))}, nil
	}
	p.Again = renewingAdmin(s, before.ID, func(ctx context.Context, c *unity.Client, now *unity.Admin) (*Prepared, error) {
		return EditAdmin(ctx, c, s, now, v)
	})
	return p, nil
}

func adminNow(ctx context.Context, c *unity.Client, s *unity.Site, id unity.UserID) (*unity.Admin, error) {
	if s == nil {
		return c.Admin(ctx, id)
	}
	return c.SiteAdmin(ctx, s.ID, id)
}

// DeleteAdmin prepares the removal of an admin from the console and all its sites, or from one site when s is given (§3.4.4).
// user is the signed-in user: nobody removes himself.
func DeleteAdmin(_ context.Context, c *unity.Client, s *unity.Site, a *unity.Admin, user string) (*Prepared, error) {
	if user != "" && strings.EqualFold(strings.TrimSpace(a.Email.Raw()), strings.TrimSpace(user)) {
		return nil, &StateError{"this is the user who is signed in; removing it would end the access of unitty"}
	}
	site, siteName := of(s)
	request, err := c.DeleteAdminRequest(site, a.ID)
	if err != nil {
		return nil, err
	}
	warning := "the admin loses the console and all its sites"
	ch := dispatch.ObjectChange{ID: "admin.delete", Verb: "delete", Kind: "admin", Name: a.Label(), Risk: dispatch.Destroy, Site: site, SiteName: siteName,
		ObjectID: string(a.ID), Request: request, Before: asJSON(edit.AdminValues(a)), Typed: a.Email.String(), TypedLabel: "e-mail address of the admin", Lag: AdminLag,
		Check: &dispatch.Check{Path: request.Path, List: "Admins", IDField: "UserId", ID: string(a.ID), Absent: true}}
	if a.Email.Empty() {
		ch.Typed, ch.TypedLabel = a.Label(), "name of the admin"
	}
	if s != nil {
		warning = "the admin loses this site; an admin of the console keeps the others"
		if a.MSPUser.On {
			// Of the console's admins only the level at the site goes (§3.4.4).
			ch.Check.Absent, ch.Check.Expect = false, map[string]string{"AccessLevel": "0"}
		}
	}
	ch.Warnings = []string{warning}
	p := &Prepared{ObjectChange: ch, Keys: adminKeys(s)}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) { return adminGone(ctx, c, s, a.ID) }
	p.Again = renewingAdmin(s, a.ID, func(ctx context.Context, c *unity.Client, now *unity.Admin) (*Prepared, error) {
		return DeleteAdmin(ctx, c, s, now, user)
	})
	return p, nil
}

func adminGone(ctx context.Context, c *unity.Client, s *unity.Site, id unity.UserID) (Outcome, error) {
	rows, err := admins(ctx, c, s)
	if err != nil {
		return Outcome{}, err
	}
	i := slices.IndexFunc(rows, func(a unity.Admin) bool { return a.ID == id })
	out := Outcome{Notes: []string{AdminLag}}
	if i >= 0 && (s == nil || rows[i].AccessLevel.N != unity.AccessNone) {
		out.Notes = []string{"the admin is still listed; " + AdminLag}
	}
	return out, nil
}

// Grant prepares the access of an admin to a site (§3.4.3). a is the admin as the site's list has it.
func Grant(_ context.Context, c *unity.Client, s *unity.Site, a *unity.Admin, level string) (*Prepared, error) {
	form := edit.AdminGrant()
	v := form.Tidy(edit.Values{"AccessLevel": level})
	if problems := form.Validate(v); len(problems) > 0 {
		return nil, &InvalidError{form, problems}
	}
	n, _ := edit.LevelNumber(v["AccessLevel"])
	if a.AccessLevel.Known && a.AccessLevel.N == int64(n) {
		return nil, &StateError{fmt.Sprintf("%s has the access %s at %s already", a.Label(), v["AccessLevel"], siteLabel(s))}
	}
	request, err := c.GrantRequest(s.ID, unity.Grant{User: a.ID, Level: n})
	if err != nil {
		return nil, err
	}
	check := func(level int64) *dispatch.Check {
		return &dispatch.Check{Path: request.Path, List: "Admins", IDField: "UserId", ID: string(a.ID), Expect: map[string]string{"AccessLevel": fmt.Sprint(level)}}
	}
	ch := dispatch.ObjectChange{ID: "admin.grant", Verb: "grant " + v["AccessLevel"] + " to", Kind: "admin", Name: a.Label(), Risk: dispatch.Disrupt, Site: s.ID,
		SiteName: s.Name.Raw(), ObjectID: string(a.ID), Request: request, Lag: AdminLag, Check: check(int64(n)),
		Diff: []dispatch.FieldChange{{Field: "AccessLevel", Before: unity.AccessWord(a.AccessLevel), After: v["AccessLevel"]}}}
	if a.MSPUser.Known && !a.MSPUser.On {
		ch.Warnings = append(ch.Warnings, "this admin belongs to the site only: servers were seen to accept such a change and do nothing")
	}
	if a.AccessLevel.Known {
		back, err := c.GrantRequest(s.ID, unity.Grant{User: a.ID, Level: int(a.AccessLevel.N)})
		if err == nil {
			ch.Revert = &dispatch.RevertSpec{ID: "admin.grant", Verb: "grant back", Risk: dispatch.Disrupt, Method: back.Method, Path: back.Path, Body: back.Body,
				Check: check(a.AccessLevel.N)}
		}
	}
	p := &Prepared{ObjectChange: ch, Keys: adminKeys(s)}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) {
		now, err := c.SiteAdmin(ctx, s.ID, a.ID)
		if err != nil {
			return Outcome{}, err
		}
		out := Outcome{Admin: now, Notes: []string{AdminLag}}
		if now.AccessLevel.Known && now.AccessLevel.N != int64(n) {
			out.Notes = []string{fmt.Sprintf("the access is still shown as %s; %s", unity.AccessWord(now.AccessLevel), AdminLag)}
			if a.MSPUser.Known && !a.MSPUser.On {
				out.Alarms = []string{"the server accepted the change and did not make it, as it does with admins of one site"}
			}
		}
		return out, nil
	}
	p.Again = renewingAdmin(s, a.ID, func(ctx context.Context, c *unity.Client, now *unity.Admin) (*Prepared, error) {
		return Grant(ctx, c, s, now, level)
	})
	return p, nil
}

// FindAdmin resolves an admin by id, e-mail address or whole name.
func FindAdmin(rows []unity.Admin, name string) (*unity.Admin, []string) {
	var hits []*unity.Admin
	for i := range rows {
		a := &rows[i]
		if strings.EqualFold(string(a.ID), strings.TrimSpace(name)) || strings.EqualFold(strings.TrimSpace(a.Email.Raw()), strings.TrimSpace(name)) {
			return a, nil
		}
		if folded := unity.Fold(name); folded != "" && unity.Fold(a.DisplayName.Raw()) == folded {
			hits = append(hits, a)
		}
	}
	if len(hits) == 1 {
		return hits[0], nil
	}
	var candidates []string
	for _, a := range hits {
		candidates = append(candidates, fmt.Sprintf("%s  %s  %s", a.ID, a.Email, a.Label()))
	}
	return nil, candidates
}
