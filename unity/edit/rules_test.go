package edit

import (
	"encoding/json"
	"strings"
	"testing"
)

// rule is one value of one field, and what the reference makes of it: "" or a part of what is said.
type rule struct {
	form  Form
	field string
	value string
	also  Values
	want  string
}

func TestEveryFieldsRule(t *testing.T) {
	site, siteEdit, group, groupEdit, admin, adminEdit, grant := SiteCreate(), SiteEdit(), GroupCreate(), GroupEdit(), AdminCreate(), AdminEdit(), AdminGrant()
	var addresses []string
	for i := range 11 {
		addresses = append(addresses, string(rune('a'+i))+"@b.example")
	}
	rules := []rule{
		{site, "SiteName", "", nil, "needed"}, {site, "SiteName", "  ", nil, "needed"}, {site, "SiteName", "Harbour Dental", nil, ""},
		{site, "SiteName", "a\nb", nil, "cannot be seen"}, {site, "SiteName", "a\u202eb", nil, "cannot be seen"}, {site, "SiteName", "a\xffb", nil, "readable"},
		{site, "Seats", "", nil, "needed"}, {site, "Seats", "0", nil, "1 or more"}, {site, "Seats", "-3", nil, "1 or more"}, {site, "Seats", "1", nil, ""},
		{site, "Seats", "many", nil, "whole number"}, {site, "Seats", "1.5", nil, "whole number"}, {site, "Seats", "99999999999", nil, "whole number"},
		{site, "Comments", "", nil, "needed"}, {site, "Comments", strings.Repeat("é", 1000), nil, ""}, {site, "Comments", strings.Repeat("é", 1001), nil, "at most 1000"},
		{site, "Comments", "two\nlines", nil, ""}, {site, "Comments", "a\x1b[2Jb", nil, "cannot be seen"},
		{site, "Emails", "", nil, "needed"}, {site, "Emails", "a@b.example", nil, ""}, {site, "Emails", "a@b.example; c@d.example\n", nil, ""},
		{site, "Emails", strings.Join(addresses[:10], ","), nil, ""}, {site, "Emails", strings.Join(addresses, ","), nil, "at most 10"},
		{site, "Emails", "nobody", nil, "no e-mail address"}, {site, "Emails", "a@b.example,A@b.example", nil, "twice"},
		{site, "BillingCycle", "", nil, ""}, {site, "BillingCycle", "monthly", Values{"BillingDate": "3"}, ""}, {site, "BillingCycle", "Yearly", nil, "Annually, Quarterly, Monthly or Weekly"},
		{site, "BillingCycle", "Anually", nil, ""},
		{site, "BillingDate", "", nil, ""}, {site, "BillingDate", "Aug 14", nil, ""}, {site, "BillingDate", "aug 4", nil, ""}, {site, "BillingDate", "Jan 01", nil, ""},
		{site, "BillingDate", "Feb 30", nil, "every year"}, {site, "BillingDate", "15", nil, "every year"}, {site, "BillingDate", "Smarch 3", nil, "every year"},
		{site, "BillingDate", "Mar 28", Values{"BillingCycle": Quarterly}, ""}, {site, "BillingDate", "Mar 29", Values{"BillingCycle": Quarterly}, "quarter"},
		{site, "BillingDate", "Apr 1", Values{"BillingCycle": Quarterly}, "quarter"}, {site, "BillingDate", "", Values{"BillingCycle": Quarterly}, ""},
		{site, "BillingDate", "1", Values{"BillingCycle": Monthly}, ""}, {site, "BillingDate", "28", Values{"BillingCycle": Monthly}, ""},
		{site, "BillingDate", "29", Values{"BillingCycle": Monthly}, "month"}, {site, "BillingDate", "0", Values{"BillingCycle": Monthly}, "month"},
		{site, "BillingDate", "", Values{"BillingCycle": Monthly}, "month"}, {site, "BillingDate", "Aug 14", Values{"BillingCycle": Monthly}, "month"},
		{site, "BillingDate", "7", Values{"BillingCycle": Weekly}, ""}, {site, "BillingDate", "8", Values{"BillingCycle": Weekly}, "week"},
		{site, "BillingDate", "", Values{"BillingCycle": Weekly}, "week"},
		{site, "PolicyId", "", nil, ""}, {site, "PolicyId", "5C7E9E1B-8d1f-4b9a-8a77-1f7f0a5f2b10", nil, ""}, {site, "PolicyId", "Recommended", nil, "id of a policy"},
		{site, "GlobalPolicies", "", nil, ""}, {site, "GlobalPolicies", "YES", nil, ""}, {site, "GlobalPolicies", "maybe", nil, "yes or no"},
		{site, "GlobalOverrides", "off", nil, ""}, {site, "GlobalOverrides", "2", nil, "yes or no"},
		{site, "Trial", "true", nil, ""}, {site, "Trial", "perhaps", nil, "yes or no"},
		{site, "Modules", "", nil, ""}, {site, "Modules", "dnsp", nil, ""}, {site, "Modules", "DNSP=Trial, WSAT=full", nil, ""}, {site, "Modules", "DNSP=Free", nil, "Trial, Full or off"},
		{site, "Modules", "DNSP=", nil, "DNSP=Trial"}, {site, "Modules", "MAIL=Full", nil, "not MAIL"}, {site, "Modules", "DNSP,DNSP=Full", nil, "twice"},
		{siteEdit, "SiteName", "", nil, "needed"}, {siteEdit, "BillingCycle", "", nil, "cannot be emptied"}, {siteEdit, "PolicyId", "", nil, "cannot be emptied"},
		{siteEdit, "GlobalPolicies", "", nil, "cannot be emptied"}, {siteEdit, "Modules", "", nil, ""}, {siteEdit, "Seats", "0", nil, "1 or more"},
		{group, "GroupName", "", nil, "needed"}, {group, "GroupName", strings.Repeat("x", 50), nil, ""}, {group, "GroupName", strings.Repeat("x", 51), nil, "at most 50"},
		{group, "GroupDescription", "", nil, "needed"}, {group, "GroupDescription", strings.Repeat("日", 51), nil, "at most 50"}, {group, "GroupDescription", "Till", nil, ""},
		{group, "PolicyId", "", nil, ""}, {group, "PolicyId", "x", nil, "id of a policy"},
		{groupEdit, "GroupName", "", nil, "needed"}, {groupEdit, "GroupDescription", strings.Repeat("x", 51), nil, "at most 50"}, {groupEdit, "PolicyId", "x", nil, "id of a policy"},
		{groupEdit, "Inheritance", "apply", nil, "with a policy only"}, {groupEdit, "Inheritance", "1", Values{"PolicyId": "5c7e9e1b-8d1f-4b9a-8a77-1f7f0a5f2b10"}, ""},
		{groupEdit, "Inheritance", "2", Values{"PolicyId": "5c7e9e1b-8d1f-4b9a-8a77-1f7f0a5f2b10"}, "keep, apply or update"},
		{admin, "EmailAddress", "", nil, "needed"}, {admin, "EmailAddress", "rita", nil, "no e-mail"}, {admin, "EmailAddress", "Rita <rita@acme.example>", nil, "no e-mail"},
		{admin, "EmailAddress", "rita@acme.example", nil, ""},
		{admin, "FirstName", "", nil, "needed"}, {admin, "FirstName", "R", nil, "2 to 30"}, {admin, "FirstName", "Ri", nil, ""}, {admin, "FirstName", strings.Repeat("r", 31), nil, "at most 30"},
		{admin, "LastName", "V", nil, "2 to 30"}, {admin, "LastName", "Vance", nil, ""},
		{admin, "AccessLevel", "", nil, "needed"}, {admin, "AccessLevel", "128", nil, ""}, {admin, "AccessLevel", "View", nil, ""}, {admin, "AccessLevel", "none", nil, "admin or view"},
		{adminEdit, "FirstName", "", nil, "needed"}, {adminEdit, "FirstName", "R", nil, "2 to 30"}, {adminEdit, "LastName", strings.Repeat("v", 31), nil, "at most 30"},
		{grant, "AccessLevel", "0", nil, ""}, {grant, "AccessLevel", "owner", nil, "admin, view or none"}, {grant, "AccessLevel", "", nil, "needed"},
	}
	covered := map[string]bool{}
	for _, r := range rules {
		covered[r.form.ID+" "+r.field] = true
		v := r.also.Clone()
		v[r.field] = r.value
		got := ""
		for _, p := range r.form.Validate(v) {
			if p.Field == r.field {
				got = p.Text
			}
		}
		if (r.want == "") != (got == "") || !strings.Contains(got, r.want) {
			t.Errorf("%s %s=%q with %v: %q, want %q", r.form.ID, r.field, r.value, r.also, got, r.want)
		}
	}
	for _, f := range []Form{site, siteEdit, group, groupEdit, admin, adminEdit, grant} {
		for _, field := range f.Fields {
			if f.Edit && f.ID == "site.edit" {
				continue // the same declarations as of site.create
			}
			if !covered[f.ID+" "+field.Name] {
				t.Errorf("%s %s has no row in this table", f.ID, field.Name)
			}
			if field.Help == "" || field.Label == "" {
				t.Errorf("%s %s is asked for without words", f.ID, field.Name)
			}
		}
	}
}

// TestAnEditNeverComplainsAboutWhatItDoesNotTouch is about stored values that break a rule: they do not keep anyone from
// changing another field, but a change that makes them wrong does.
func TestAnEditNeverComplainsAboutWhatItDoesNotTouch(t *testing.T) {
	before := Values{"SiteName": "", "Comments": "", "Emails": "not an address", "BillingCycle": "Anually", "BillingDate": "99", "Seats": "0", "PolicyId": ""}
	if p := SiteEdit().ValidateEdit(before, Values{"GlobalPolicies": "yes"}); len(p) > 0 {
		t.Errorf("an untouched field is called wrong: %v", p)
	}
	p := SiteEdit().ValidateEdit(Values{"BillingCycle": Annually, "BillingDate": "Aug 14"}, Values{"BillingCycle": Monthly})
	if len(p) != 1 || p[0].Field != "BillingDate" {
		t.Errorf("another cycle leaves the date as it is: %v", p)
	}
	if p := SiteEdit().ValidateEdit(before, Values{"BillingDate": "98"}); len(p) != 1 {
		t.Errorf("a wrong value passes: %v", p)
	}
	if p := SiteEdit().ValidateEdit(Values{"Seats": "3"}, Values{"Seats": ""}); len(p) != 1 {
		t.Errorf("a value can be emptied: %v", p)
	}
}

func TestFlagsAreTheNamesOfTheAPIInKebabCase(t *testing.T) {
	want := "site-name seats comments emails billing-cycle billing-date policy-id global-policies global-overrides trial modules"
	var got []string
	for _, f := range SiteCreate().Fields {
		got = append(got, f.Flag())
	}
	if strings.Join(got, " ") != want {
		t.Errorf("flags %s", strings.Join(got, " "))
	}
}

func TestBodies(t *testing.T) {
	body := func(raw json.RawMessage, err error) string {
		if err != nil {
			return err.Error()
		}
		return string(raw)
	}
	policy := "5c7e9e1b-8d1f-4b9a-8a77-1f7f0a5f2b10"
	was := Values{"GroupName": "Till", "GroupDescription": "front", "PolicyId": policy}
	for _, x := range []struct{ got, want string }{
		{body(SiteCreate().Body(Values{"SiteName": " Harbour ", "Seats": "040", "Comments": "x", "Emails": "a@b.example c@d.example", "BillingCycle": "monthly",
			"BillingDate": "07", "PolicyId": "", "Trial": "yes", "Modules": "wsat=full,dnsp"})),
			`{"SiteName":"Harbour","Seats":40,"Comments":"x","Emails":"a@b.example,c@d.example","BillingCycle":"Monthly","BillingDate":"7","Trial":true,` +
				`"Modules":[{"Type":"DNSP","LicenseType":"Trial"},{"Type":"WSAT","LicenseType":"Full"}]}`},
		{body(SiteEdit().EditBody(Values{"Modules": "DNSP=Full,WSAT=Trial", "Seats": "4"}, Values{"Modules": "DNSP=Full", "Seats": "4"})),
			`{"Modules":[{"Type":"WSAT","LicenseType":"Trial","Enable":false}]}`},
		{body(SiteEdit().EditBody(Values{"Modules": ""}, Values{"Modules": "DNSP=Trial"})), `{"Modules":[{"Type":"DNSP","LicenseType":"Trial","Enable":true}]}`},
		{body(SiteEdit().EditBody(Values{"Emails": "a@b.example,c@d.example"}, Values{"Emails": "c@d.example, A@b.example"})), `{}`},
		{body(GroupEdit().EditBody(was, Values{"GroupName": "Tills", "GroupDescription": "front", "PolicyId": policy, "Inheritance": "keep"})), `{"GroupName":"Tills"}`},
		{body(GroupEdit().EditBody(was, Values{"PolicyId": policy, "Inheritance": "apply"})), `{"PolicyId":"` + policy + `","Inheritance":1}`},
		{body(GroupEdit().EditBody(was, Values{"Inheritance": "3"})), `{"PolicyId":"` + policy + `","Inheritance":3}`},
		{body(AdminCreate().Body(Values{"EmailAddress": "r@a.example", "FirstName": "Rita", "LastName": "Vance", "AccessLevel": "1"})),
			`{"EmailAddress":"r@a.example","FirstName":"Rita","LastName":"Vance","AccessLevel":1}`},
		{body(AdminGrant().EditBody(nil, Values{"AccessLevel": "none"})), `{"AccessLevel":0}`},
	} {
		if x.got != x.want {
			t.Errorf("got  %s\nwant %s", x.got, x.want)
		}
	}
}

func TestMovedNamesWhatChangedBesidesTheEdit(t *testing.T) {
	before := Values{"SiteName": "A", "Seats": "3", "Comments": "x"}
	want := SiteEdit().Merge(before, Values{"Seats": "4"})
	if got := SiteEdit().Moved(want, Values{"SiteName": "A", "Seats": "4"}); len(got) != 0 {
		t.Errorf("nothing moved, but %v", got)
	}
	got := SiteEdit().Moved(want, Values{"SiteName": "B", "Seats": "3", "Comments": "x"})
	if len(got) != 2 || got[0].Field != "SiteName" || got[0].After != "B" || got[1].Field != "Seats" {
		t.Errorf("moved: %v", got)
	}
}

// TestModulesOfStrangeRecords edits sites whose records hold modules that the reference does not name, or none at all: what is
// not understood says nothing about the others and is not touched.
func TestModulesOfStrangeRecords(t *testing.T) {
	f := SiteEdit()
	for _, tc := range []struct {
		before        Values
		asked, body   string
		shown         string
		nothingChange bool
	}{
		{before: Values{"Modules": "DNSP=Full,MDR=Full"}, asked: "DNSP=off", body: `{"Modules":[{"Type":"DNSP","LicenseType":"Full","Enable":false}]}`, shown: "DNSP=off,MDR=Full"},
		{before: Values{"Modules": "DNSP=Full,MDR=Full"}, asked: "DNSP=Full,WSAT=Trial", body: `{"Modules":[{"Type":"WSAT","LicenseType":"Trial","Enable":true}]}`, shown: "DNSP=Full,WSAT=Trial,MDR=Full"},
		{before: Values{"Modules": "DNSP=Paid"}, asked: "WSAT=Trial,DNSP=off", body: `{"Modules":[{"Type":"DNSP","LicenseType":"Paid","Enable":false},{"Type":"WSAT","LicenseType":"Trial","Enable":true}]}`, shown: "DNSP=off,WSAT=Trial"},
		{before: Values{"Modules": "DNSP=Full,MDR=Full"}, asked: "DNSP=Full", nothingChange: true},
		{before: Values{}, asked: "DNSP=off", body: `{"Modules":[{"Type":"DNSP","LicenseType":"Full","Enable":false}]}`, shown: "DNSP=off"},
		{before: Values{}, asked: "WSAT=Full", body: `{"Modules":[{"Type":"WSAT","LicenseType":"Full","Enable":true}]}`, shown: "WSAT=Full"},
		{before: Values{}, asked: "", nothingChange: true},
	} {
		after := Values{"Modules": tc.asked}
		diff := f.Diff(tc.before, after)
		if tc.nothingChange {
			if len(diff) > 0 {
				t.Errorf("%v to %q: %v", tc.before, tc.asked, diff)
			}
			continue
		}
		body, err := f.EditBody(tc.before, after)
		if err != nil || string(body) != tc.body {
			t.Errorf("%v to %q: %s, %v", tc.before, tc.asked, body, err)
		}
		if len(diff) != 1 || diff[0].After != tc.shown {
			t.Errorf("%v to %q shows %v, want %s", tc.before, tc.asked, diff, tc.shown)
		}
	}
}
