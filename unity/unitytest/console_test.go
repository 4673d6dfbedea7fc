package unitytest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestConsoleAndSites(t *testing.T) {
	b := newBench(t, Options{})
	w := b.s.World()
	console := b.get("/console/gsm/{k}")
	if text(console, "GSMConsoleName") != w.Console || number(console, "TotalSites") != 40 || text(console, "LicenseType") != "Full" {
		t.Error(console)
	}
	list := b.get("/console/gsm/{k}/sites")
	sites := rows(list, "Sites")
	if number(list, "TotalCount") != 40 || len(sites) != 40 || len(sites[0]) != 30 {
		t.Fatalf("%d sites of %d keys", len(sites), len(sites[0]))
	}
	dashes := 0
	for i, row := range sites {
		if text(row, "SiteName") != w.Sites[i].Name || bareKey(text(row, "AccountKeyCode")) != w.Sites[i].Keycode {
			t.Errorf("row %d is %v", i, row)
		}
		count(&dashes, strings.Contains(text(row, "AccountKeyCode"), "-"))
		if row["SuspendedBy"] == nil == w.Sites[i].Suspended {
			t.Errorf("SuspendedBy of a site suspended=%v is %v", w.Sites[i].Suspended, row["SuspendedBy"])
		}
	}
	if dashes == 0 || dashes == 40 {
		t.Errorf("%d of 40 keycodes have dashes", dashes)
	}
	for _, path := range []string{"/console/gsm/{k}/sites/" + w.Sites[3].ID, "/console/gsm/{k}/lookupsite/" + w.Sites[3].Keycode,
		"/console/gsm/{k}/lookupsite/" + dashed(w.Sites[3].Keycode)} {
		one := b.get(path)
		if number(one, "TotalCount") != 1 || text(rows(one, "Sites")[0], "SiteId") != w.Sites[3].ID {
			t.Errorf("%s: %v", path, one)
		}
	}
	b.want(404, "GET", "/console/gsm/{k}/lookupsite/AAAA-AAAA-AAAA-AAAA-AAAA", "")
	if url := text(b.get("/console/gsm/{k}/sites/"+w.Sites[0].ID+"/webconsoleurl"), "WebConsoleURL"); !strings.HasPrefix(url, "https://my.") {
		t.Error(url)
	}
	if text(b.get("/console/gsm/{k}/webconsoleurl"), "GSMKeyCode") != b.creds.GSMKey {
		t.Error("wrong key")
	}
	b.token = ""
	if text(b.get("/health/ping"), "Status") == "" || text(b.get("/health/version"), "Version") == "" {
		t.Error("health")
	}
}

func TestPoliciesAndGroups(t *testing.T) {
	b := newBench(t, Options{})
	site := b.biggest()
	policies := rows(b.get("/console/gsm/{k}/policies"), "Policies")
	if len(policies) < 4 || text(policies[0], "PolicyName") != "Recommended Defaults" {
		t.Fatal(policies)
	}
	base := "/console/gsm/{k}/sites/" + site.ID
	id := text(policies[2], "PolicyId")
	if got := rows(b.get(base+"/policies/"+id), "Policies"); len(got) != 1 || text(got[0], "PolicyId") != id {
		t.Error(got)
	}
	b.want(404, "GET", "/console/gsm/{k}/policies/nothing", "")
	if got := rows(b.get(base+"/groups"), "Groups"); len(got) != len(site.Groups) || text(got[0], "GroupName") != "Default Group" {
		t.Error(got)
	}
	for _, bad := range []string{`{}`, `{"GroupName":"x"}`, `{"GroupName":"` + strings.Repeat("x", 51) + `","GroupDescription":"d"}`, `not json`} {
		b.want(400, "POST", base+"/groups", bad)
	}
	b.want(404, "POST", base+"/groups", `{"GroupName":"x","GroupDescription":"d","PolicyId":"nope"}`)
	group := text(b.want(200, "POST", base+"/groups", `{"GroupName":"New","GroupDescription":"d","PolicyId":"`+id+`"}`), "GroupId")
	b.want(204, "PUT", base+"/groups/"+group, `{"GroupName":"Newer"}`)
	if got := rows(b.get(base+"/groups/"+group), "Groups"); text(got[0], "GroupName") != "Newer" || text(got[0], "GroupDescription") != "d" {
		t.Error(got)
	}
	e := b.polling(site.ID)
	b.want(204, "PUT", base+"/endpoints", `{"EndpointsList":"`+e.ID+`","TargetGroupId":"`+group+`","Inheritance":1}`)
	if e = b.endpoint(e.ID); e.GroupID != group || e.PolicyID != id {
		t.Error(e)
	}
	b.want(409, "DELETE", base+"/groups/"+site.Groups[0].ID, "")
	b.want(404, "DELETE", base+"/groups/"+group+"?newGroupId=nope", "")
	b.want(204, "DELETE", base+"/groups/"+group+"?newGroupId="+site.Groups[1].ID, "")
	if e = b.endpoint(e.ID); e.GroupID != site.Groups[1].ID {
		t.Error(e)
	}
	b.want(404, "GET", base+"/groups/"+group, "")
}

func TestSiteChanges(t *testing.T) {
	b := newBench(t, Options{Sites: 5, Endpoints: 20})
	good := `{"SiteName":"Brand New","Seats":5,"Comments":"","Emails":"a@b.example, c@d.example","BillingCycle":"Quarterly","BillingDate":"Feb 28","Trial":true}`
	for _, x := range [][2]string{{`"SiteName":"Brand New",`, ``}, {`"Seats":5,`, ``}, {`"Comments":"",`, ``}, {`"Seats":5`, `"Seats":0`},
		{`"Feb 28"`, `"Apr 28"`}, {`"Feb 28"`, `"Feb 29"`}, {`"Quarterly"`, `"Daily"`}, {`a@b.example`, `not an address`},
		{`"Comments":""`, `"Comments":"` + strings.Repeat("c", 1001) + `"`}, {`a@b.example`, strings.Repeat("a@b.example,", 10) + "a@b.example"}} {
		bad := strings.Replace(good, x[0], x[1], 1)
		if bad == good {
			t.Fatal(x)
		}
		b.want(400, "POST", "/console/gsm/{k}/sites", bad)
	}
	if len(b.s.World().Sites) != 5 {
		t.Fatal("a refused request made a site")
	}
	id := text(b.want(200, "POST", "/console/gsm/{k}/sites", good), "SiteId")
	path := "/console/gsm/{k}/sites/" + id
	row := func() map[string]any { return rows(b.get(path), "Sites")[0] }
	if r := row(); text(r, "Description") != "Trial" || text(r, "SiteName") != "Brand New" || number(r, "DevicesAllowed") != 5 {
		t.Error(r)
	}
	b.want(204, "PUT", path, `{"Seats":9,"SiteName":null,"Modules":[{"Type":"DNSP","LicenseType":"Trial","Enable":true}]}`)
	if r := row(); number(r, "DevicesAllowed") != 9 || text(r, "SiteName") != "Brand New" || len(rows(r, "Modules")) != 1 {
		t.Error(r)
	}
	b.want(400, "PUT", path, `{"Modules":[{"Type":"NOPE"}]}`)
	b.want(204, "POST", path+"/converttrial", "")
	b.want(409, "POST", path+"/converttrial", "")
	b.want(409, "POST", path+"/resume", "")
	b.want(204, "POST", path+"/suspend", "")
	if r := row(); r["Suspended"] != true || r["AllKeysExpired"] != true || text(r, "SuspendedBy") != b.creds.Username {
		t.Error(r)
	}
	b.want(204, "POST", path+"/resume", "")
	b.want(204, "POST", path+"/deactivate", "")
	b.want(409, "POST", path+"/deactivate", "")
	if r := row(); r["Deactivated"] != true || text(r, "DeactivatedBy") != b.creds.Username {
		t.Error(r)
	}
}

func TestBillingDates(t *testing.T) {
	for _, x := range []struct {
		cycle, date string
		valid       bool
	}{{"Annually", "Aug 14", true}, {"Annually", "Jan 01", true}, {"Annually", "14 Aug", false}, {"Monthly", "28", true}, {"Monthly", "29", false},
		{"Weekly", "7", true}, {"Weekly", "8", false}, {"Weekly", "0", false}, {"Quarterly", "Mar 1", true}, {"Quarterly", "1", false}} {
		if validBillingDate(x.cycle, x.date) != x.valid {
			t.Errorf("%+v", x)
		}
	}
}

func TestAdmins(t *testing.T) {
	b := newBench(t, Options{Sites: 5, Endpoints: 60})
	const admins = "/console/gsm/{k}/admins"
	for _, bad := range []string{`{}`, `{"EmailAddress":"a@b.example","FirstName":"A","LastName":"Bb","AccessLevel":1}`,
		`{"EmailAddress":"a@b.example","FirstName":"Aa","LastName":"Bb","AccessLevel":2}`, `{"EmailAddress":"x","FirstName":"Aa","LastName":"Bb","AccessLevel":1}`} {
		b.want(400, "POST", admins, bad)
	}
	id := text(b.want(200, "POST", admins, `{"EmailAddress":"a@b.example","FirstName":"Aa","LastName":"Bb","AccessLevel":1}`), "UserId")
	b.want(409, "POST", admins, `{"EmailAddress":"A@B.example","FirstName":"Aa","LastName":"Bb","AccessLevel":1}`)
	b.want(204, "PUT", admins+"/"+id, `{"FirstName":"Zed","LastName":null}`)
	if row := rows(b.get(admins+"/"+id), "Admins")[0]; text(row, "DisplayName") != "Zed Bb" || len(row) != 11 {
		t.Error(row)
	}
	api := b.as(UserAPIOnly)
	siteID := b.s.World().Sites[0].ID
	site := "/console/gsm/{k}/sites/" + siteID
	self := ""
	for _, row := range rows(api.get(admins), "Admins") {
		if text(row, "Email") == api.creds.Username {
			self = text(row, "UserId")
		}
	}
	api.want(403, "GET", site+"/endpoints", "")
	api.want(400, "PUT", site+"/admins", `{"Admins":[{"UserId":"`+self+`","AccessLevel":7}]}`)
	api.want(404, "PUT", site+"/admins", `{"Admins":[{"UserId":"nobody","AccessLevel":1}]}`)
	api.want(204, "PUT", site+"/admins", `{"Admins":[{"UserId":"`+self+`","AccessLevel":1}]}`)
	api.want(200, "GET", site+"/endpoints", "")
	api.want(403, "POST", site+"/endpoints/commands", `{"Command":"scan"}`)
	b.want(204, "DELETE", site+"/admins/"+self, "")
	api.want(403, "GET", site+"/endpoints", "")

	office := text(b.want(200, "POST", site+"/admins", `{"EmailAddress":"o@b.example","FirstName":"Of","LastName":"Ice","AccessLevel":1}`), "UserId")
	b.want(204, "PUT", site+"/admins", `{"Admins":[{"UserId":"`+office+`","AccessLevel":128}]}`)
	if row := rows(b.get(site+"/admins/"+office), "Admins")[0]; number(row, "AccessLevel") != 1 || row["MSPUser"] != false {
		t.Errorf("a site-only admin is %v", row)
	}
	b.want(204, "PUT", site+"/admins/"+office, `{"FirstName":"Off"}`)
	b.want(204, "DELETE", site+"/admins/"+office, "")
	b.want(404, "GET", site+"/admins/"+office, "")
	b.want(204, "DELETE", admins+"/"+id, "")
	b.want(404, "DELETE", admins+"/"+id, "")
	b.want(204, "DELETE", admins+"/"+self, "")
	api.want(403, "GET", "/console/gsm/{k}/sites", "")
}

func TestThreatHistory(t *testing.T) {
	b := newBench(t, Options{AccessTTL: 1000 * time.Hour})
	e := b.polling(b.biggest().ID)
	for i := range 3 {
		if err := b.s.Infect(e.ID, fmt.Sprintf("bad%d.exe", i), "W32.Test"); err != nil {
			t.Fatal(err)
		}
	}
	b.s.Advance(21 * time.Minute)
	base := "/console/gsm/{k}/sites/" + e.SiteID
	own := b.get(base + "/endpoints/" + e.ID + "/threathistory?pageSize=2")
	if len(rows(own, "ThreatRecords")) != 2 || own["MoreAvailable"] != true {
		t.Error(own)
	}
	own = b.get(base + "/endpoints/" + e.ID + "/threathistory?pageSize=2&pageNr=2&returnedInfo=ExtendedInfo")
	if got := rows(own, "ThreatRecords"); len(got) != 1 || own["MoreAvailable"] != false || got[0]["ExtendedInfo"] == nil || text(got[0], "MalwareGroup") != "W32.Test" {
		t.Error(own)
	}
	bare := rows(b.get(base+"/groups/"+e.GroupID+"/threathistory"), "ThreatRecords")
	if len(bare) < 3 {
		t.Error(bare)
	}
	if _, there := bare[0]["ExtendedInfo"]; there {
		t.Error("ExtendedInfo was not asked for")
	}
	all := rows(b.get(base+"/threathistory?startDate=2025-12-20&endDate=2026-03-15&pageSize=1000"), "ThreatRecords")
	if len(all) <= len(bare) {
		t.Errorf("%d records in three months, %d in a day", len(all), len(bare))
	}
	for _, bad := range []string{"startDate=2025-11-01&endDate=2026-03-15", "startDate=2026-03-15&endDate=2026-03-14", "startDate=soon", "pageNr=x"} {
		b.want(400, "GET", base+"/threathistory?"+bad, "")
	}
	b.want(200, "GET", base+"/threathistory?startDate=2025-12-15&endDate=2026-03-15", "")
}
