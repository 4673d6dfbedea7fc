package change_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// newSite are the values of a site with every field.
func newSite() edit.Values {
	return edit.Values{"SiteName": "Quay & Sons", "Seats": "12", "Comments": "ticket 881\nsecond line", "Emails": "a@b.example, c@d.example", "BillingCycle": "Quarterly",
		"BillingDate": "feb 15", "GlobalPolicies": "yes", "GlobalOverrides": "no", "Trial": "yes", "Modules": "DNSP=Trial"}
}

// TestEveryChangeInEveryVariant makes, changes and removes sites, groups and admins in every way in which the real API may
// differ from its documents, and holds the outcome against the server's own truth.
func TestEveryChangeInEveryVariant(t *testing.T) {
	for _, v := range append(unitytest.Variants(), unitytest.VariantInfo{Name: ""}) {
		switch v.Name {
		case "authorization-code", "user-agent-required", "nested-invalid-grant", "grant-401", "no-refresh-token", "invalid-scope":
			continue // about the sign-in only, which these tests do in their own simple way
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var l *lab
			if v.Name == "" {
				l = newLab(t)
			} else {
				l = newLab(t, v.Name)
			}
			sites(l, v.Name)
			groups(l)
			people(l, v.Name)
		})
	}
}

func sites(l *lab, variant string) {
	out := l.run(change.CreateSite(l.Context(), l.c, newSite()))
	if out.Site == nil || len(out.Alarms) > 0 {
		l.Fatalf("the new site: %+v", out)
	}
	truth := l.truth(string(out.Site.ID))
	if unity.Keycode(truth.Keycode) != out.Site.Keycode || truth.Name != "Quay & Sons" || truth.Seats != 12 || !truth.Trial || truth.BillingDate != "Feb 15" ||
		truth.Comments != "ticket 881\nsecond line" || truth.Emails != "a@b.example,c@d.example" {
		l.Errorf("the server has %+v", truth)
	}
	edited := l.run(change.EditSite(l.Context(), l.c, out.Site, edit.Values{"Seats": "20", "BillingCycle": "weekly", "BillingDate": "2", "Modules": "WSAT=Trial"}))
	if len(edited.Alarms) > 0 {
		l.Errorf("alarms: %v", edited.Alarms)
	}
	want := `PUT ` + string(out.Site.ID) + ` {"Seats":20,"BillingCycle":"Weekly","BillingDate":"2","Modules":[{"Type":"DNSP","LicenseType":"Trial","Enable":false},` +
		`{"Type":"WSAT","LicenseType":"Trial","Enable":true}]}`
	if got := l.changes(); got[len(got)-1] != want {
		l.Errorf("sent %s\nwant %s", got[len(got)-1], want)
	}
	id := string(out.Site.ID)
	if variant != "parent-trial" {
		l.run(change.SiteState(l.Context(), l.c, l.read(id), unity.SiteConvertTrial))
		if l.truth(id).Trial {
			l.Error("still a trial")
		}
	}
	l.run(change.SiteState(l.Context(), l.c, l.read(id), unity.SiteSuspend))
	if !l.truth(id).Suspended {
		l.Error("not suspended")
	}
	var wrong *change.StateError
	if _, err := change.SiteState(l.Context(), l.c, l.read(id), unity.SiteSuspend); !errors.As(err, &wrong) {
		l.Errorf("suspended twice: %v", err)
	}
	l.run(change.SiteState(l.Context(), l.c, l.read(id), unity.SiteResume))
	out = l.run(change.SiteState(l.Context(), l.c, l.read(id), unity.SiteDeactivate))
	if !l.truth(id).Deactivated || len(out.Alarms) > 0 {
		l.Errorf("not deactivated: %v", out.Alarms)
	}
}

func (l *lab) truth(id string) unitytest.SiteTruth {
	l.Helper()
	for _, s := range l.sim.World().Sites {
		if s.ID == id {
			return s
		}
	}
	l.Fatalf("no site %s", id)
	return unitytest.SiteTruth{}
}

func groups(l *lab) {
	s := l.site()
	made := l.run(change.CreateGroup(l.Context(), l.c, s, edit.Values{"GroupName": "Tills", "GroupDescription": "front of house"}))
	if made.Group == nil || len(made.Alarms) > 0 {
		l.Fatalf("the new group: %+v", made)
	}
	if made.Group.Name.Empty() {
		made.Group.Name, made.Group.Description = unity.NewText("Tills"), unity.NewText("front of house") // only the id is certain
	}
	edited := l.run(change.EditGroup(l.Context(), l.c, s, made.Group, edit.Values{"GroupName": "Cash desks", "PolicyId": l.sim.World().Policies[1].ID, "Inheritance": "apply"}))
	if len(edited.Alarms) > 0 {
		l.Errorf("alarms: %v", edited.Alarms)
	}
	from := l.truth(string(s.ID)).Groups[1]
	p, err := change.DeleteGroup(l.Context(), l.c, s, &unity.Group{ID: unity.GroupID(from.ID), Name: unity.NewText(from.Name)}, made.Group)
	if err == nil && p.Touches != l.members(from.ID) {
		l.Errorf("the deletion counts %d machines, the group has %d", p.Touches, l.members(from.ID))
	}
	n := l.members(from.ID)
	l.run(p, err)
	if got := l.members(string(made.Group.ID)); got != n {
		l.Errorf("%d machines arrived, %d were moved", got, n)
	}
}

func (l *lab) members(group string) int {
	n := 0
	for _, e := range l.sim.World().Endpoints {
		if e.GroupID == group {
			n++
		}
	}
	return n
}

func people(l *lab, variant string) {
	v := edit.Values{"EmailAddress": "new@acme.example", "FirstName": "Nia", "LastName": "Okafor", "AccessLevel": "view"}
	made := l.run(change.CreateAdmin(l.Context(), l.c, nil, v))
	if made.Admin == nil {
		l.Fatalf("the new admin is not found: %+v", made)
	}
	if _, err := change.CreateAdmin(l.Context(), l.c, nil, v); err == nil {
		l.Error("the same address twice")
	}
	renamed := l.run(change.EditAdmin(l.Context(), l.c, nil, made.Admin, edit.Values{"FirstName": "Nina"}))
	if len(renamed.Alarms) > 0 || renamed.Admin.FirstName.Raw() != "Nina" || renamed.Admin.LastName.Raw() != "Okafor" {
		l.Errorf("renamed: %+v", renamed)
	}
	s := l.site()
	granted := l.run(change.Grant(l.Context(), l.c, s, made.Admin, "admin"))
	if !strings.Contains(strings.Join(granted.Notes, " "), change.AdminLag) {
		l.Errorf("nobody says that it takes minutes: %v", granted.Notes)
	}
	if shown := granted.Admin.AccessLevel.N; (shown == unity.AccessAdmin) == (variant == "admin-lag") {
		l.Errorf("the access is %d at once", shown)
	}
	l.run(change.DeleteAdmin(l.Context(), l.c, nil, made.Admin, "somebody@else.example"))
	only := l.run(change.CreateAdmin(l.Context(), l.c, s, edit.Values{"EmailAddress": "site@only.example", "FirstName": "Sid", "LastName": "Only", "AccessLevel": "admin"}))
	silent := l.run(change.Grant(l.Context(), l.c, s, only.Admin, "view"))
	if said := len(silent.Alarms) > 0; said != (silent.Admin.AccessLevel.N == unity.AccessAdmin) {
		l.Errorf("a change that the server swallows: alarms %v, level %d", silent.Alarms, silent.Admin.AccessLevel.N)
	}
	l.run(change.DeleteAdmin(l.Context(), l.c, s, only.Admin, ""))
	if _, err := change.DeleteAdmin(l.Context(), l.c, nil, &unity.Admin{ID: made.Admin.ID, Email: unity.NewText("Me@Acme.example")}, "me@acme.example"); err == nil {
		l.Error("the signed-in user removes himself")
	}
}

// TestNothingIsSentForWhatIsWrong: values that break a rule, and edits that change nothing, end before any request.
func TestNothingIsSentForWhatIsWrong(t *testing.T) {
	l := newLab(t)
	s := l.site()
	var invalid *change.InvalidError
	v := newSite()
	v["BillingDate"] = "31"
	if _, err := change.CreateSite(t.Context(), l.c, v); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "--billing-date") {
		t.Errorf("billing date 31 of a quarter: %v", err)
	}
	if _, err := change.EditSite(t.Context(), l.c, s, edit.Values{"Seats": s.DevicesAllowed.String()}); !errors.Is(err, change.ErrUnchanged) {
		t.Errorf("an edit of nothing: %v", err)
	}
	if _, err := change.EditSite(t.Context(), l.c, s, edit.Values{"Seats": "0"}); !errors.As(err, &invalid) {
		t.Errorf("no seats: %v", err)
	}
	if _, err := change.Grant(t.Context(), l.c, s, &unity.Admin{ID: "11111111-1111-4111-8111-111111111111"}, "owner"); !errors.As(err, &invalid) {
		t.Errorf("an access that does not exist: %v", err)
	}
	if got := l.changes(); len(got) > 0 {
		t.Errorf("sent: %v", got)
	}
}

// TestWhatMovedBesidesIsAnAlarm changes a site behind the edit's back.
func TestWhatMovedBesidesIsAnAlarm(t *testing.T) {
	l := newLab(t)
	s := l.site()
	p, err := change.EditSite(t.Context(), l.c, s, edit.Values{"Seats": "777"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := l.c.EditSiteRequest(s.ID, json.RawMessage(`{"Comments":"somebody else was here"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.c.Do(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	out := l.run(p, nil)
	if len(out.Alarms) != 1 || !strings.Contains(out.Alarms[0], "Comments changed as well") {
		t.Errorf("alarms: %v", out.Alarms)
	}
}

// TestTheWarningsOfAPlan: seats beyond those bought, fewer seats than machines, names that exist, a policy without protection.
func TestTheWarningsOfAPlan(t *testing.T) {
	l := newLab(t)
	s := l.site()
	has := func(p *change.Prepared, err error, text string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(p.Warnings, func(w string) bool { return strings.Contains(w, text) }) {
			t.Errorf("no warning with %q: %v", text, p.Warnings)
		}
	}
	v := newSite()
	v["Seats"], v["SiteName"] = "999999", s.Name.Raw()
	p, err := change.CreateSite(t.Context(), l.c, v)
	has(p, err, "seats exceeded")
	has(p, err, "of that name already")
	p, err = change.EditSite(t.Context(), l.c, s, edit.Values{"Seats": "1"})
	has(p, err, "more than the 1")
	p, err = change.SiteState(t.Context(), l.c, s, unity.SiteSuspend)
	has(p, err, "stop being protected")
	if p.Risk != dispatch.Destroy || p.Typed == "" || p.Touches != int(s.TotalEndpoints.N) || p.Revert == nil {
		t.Errorf("suspend: %+v", p.ObjectChange)
	}
	g := l.truth(string(s.ID)).Groups[0]
	for _, policy := range l.sim.World().Policies {
		if policy.Name != "Unmanaged" {
			continue
		}
		p, err = change.EditGroup(t.Context(), l.c, s, &unity.Group{ID: unity.GroupID(g.ID), Name: unity.NewText(g.Name), Description: unity.NewText("x")}, edit.Values{"PolicyId": policy.ID})
		has(p, err, "leaves the protection")
		if p.Risk != dispatch.Destroy || p.Touches != l.members(g.ID) {
			t.Errorf("risk %v, %d machines of %d", p.Risk, p.Touches, l.members(g.ID))
		}
	}
}

func TestTheDefaultGroup(t *testing.T) {
	l := newLab(t)
	groups, err := l.c.Groups(t.Context(), l.site().ID)
	if err != nil {
		t.Fatal(err)
	}
	if g, err := change.DefaultGroup(groups); err != nil || g.Name.Raw() != "Default Group" {
		t.Errorf("%v, %v", g, err)
	}
	var ambiguous *fleet.AmbiguousError
	for i := range groups {
		groups[i].Name = unity.Text{}
	}
	if _, err := change.DefaultGroup(groups); !errors.As(err, &ambiguous) || len(ambiguous.Candidates) != len(groups) {
		t.Errorf("groups without names: %v", err)
	}
}

// TestARevertTakesTheChangeBack sends the request of the inverse, and the object is as before.
func TestARevertTakesTheChangeBack(t *testing.T) {
	l := newLab(t)
	s := l.site()
	before := l.truth(string(s.ID))
	p, err := change.EditSite(t.Context(), l.c, s, edit.Values{"Seats": "777", "SiteName": "Renamed"})
	l.run(p, err)
	back := p.Revert
	if back == nil {
		t.Fatal("there is no way back")
	}
	if _, err := l.c.Do(t.Context(), unity.Request{Method: back.Method, Path: back.Path, Body: back.Body}); err != nil {
		t.Fatal(err)
	}
	if now := l.truth(string(s.ID)); now.Name != before.Name || now.Seats != before.Seats {
		t.Errorf("before %+v, now %+v", before, now)
	}
	if p.Request.Method != http.MethodPut {
		t.Error("the edit itself changed")
	}
}
