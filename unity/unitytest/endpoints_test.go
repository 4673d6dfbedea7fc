package unitytest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func (b *bench) walk(path string) []map[string]any {
	var all []map[string]any
	for page := 1; ; page++ {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		body := b.get(path + sep + "pageNr=" + itoa(page))
		found := rows(body, "Endpoints")
		all = append(all, found...)
		if len(all) >= number(body, "TotalAvailable") || len(found) == 0 {
			return all
		}
	}
}

func TestEndpointLists(t *testing.T) {
	b := newBench(t, Options{})
	site := b.biggest()
	base := "/console/gsm/{k}/sites/" + site.ID
	var want []EndpointTruth
	for _, e := range b.s.World().Endpoints {
		if e.SiteID == site.ID {
			want = append(want, e)
		}
	}
	all := b.walk(base + "/endpoints?pageSize=7")
	if len(all) != len(want) || len(all[0]) != 10 {
		t.Fatalf("%d rows of %d keys, want %d", len(all), len(all[0]), len(want))
	}
	names := func(rows []map[string]any, key string) []string {
		var out []string
		for _, r := range rows {
			out = append(out, strings.ToLower(text(r, key)))
		}
		return out
	}
	if !slices.IsSorted(names(all, "HostName")) {
		t.Error("not in the order of host names")
	}
	for _, x := range [][2]string{{"lastseen", "LastSeen"}, {"firstseen", "FirstSeen"}, {"agentversion", "AgentVersion"}, {"lastinfected", "LastInfected"}} {
		up := names(b.walk(base+"/endpoints?pageSize=500&order="+x[0]), x[1])
		down := names(b.walk(base+"/endpoints?pageSize=500&orderDirection=d&order="+x[0]), x[1])
		slices.Reverse(down)
		if !slices.IsSorted(up) || !slices.IsSorted(down) || len(up) != len(want) {
			t.Errorf("order %s is wrong", x[0])
		}
	}
	active, off := 0, 0
	for _, e := range want {
		count(&active, !e.Deactivated)
		count(&off, e.Deactivated)
	}
	if got := len(b.walk(base + "/endpoints?type=active")); got != active {
		t.Errorf("%d active, want %d", got, active)
	}
	if got := len(b.walk(base + "/endpoints?type=deactivated&pageSize=0")); got != off {
		t.Errorf("%d deactivated, want %d", got, off)
	}
	e := want[0]
	if got := b.walk(base + "/endpoints?MachineId=" + e.MachineID); len(got) != 1 || text(got[0], "EndpointId") != e.ID {
		t.Error(got)
	}
	if got := b.walk(base + "/endpoints?hostName=" + e.HostName[1:4]); len(got) == 0 || len(got) == len(want) {
		t.Errorf("search found %d", len(got))
	}
	groups := 0
	for _, g := range site.Groups {
		groups += len(b.walk(base + "/groups/" + g.ID + "/endpoints"))
	}
	if groups != len(want) {
		t.Errorf("groups have %d together, want %d", groups, len(want))
	}
	if one := b.get(base + "/endpoints/" + strings.ToUpper(e.ID)); text(one, "EndpointId") != e.ID {
		t.Error(one)
	}
	for _, bad := range []string{"type=x", "pageSize=x", "pageNr=1.5"} {
		b.want(400, "GET", base+"/endpoints?"+bad, "")
	}
	b.want(404, "GET", base+"/endpoints/nothing", "")
	if body := b.get(base + "/endpoints?pageNr=9999999999&pageSize=9999999999"); len(rows(body, "Endpoints")) != 0 {
		t.Error("a page far away has rows")
	}
}

func TestChangesOfEndpoints(t *testing.T) {
	b := newBench(t, Options{})
	site := b.biggest()
	base := "/console/gsm/{k}/sites/" + site.ID
	e := b.polling(site.ID)
	list := `"EndpointsList":" ` + strings.ToUpper(e.ID) + ` ,"`
	b.want(204, "POST", base+"/endpoints/deactivate", `{`+list+`}`)
	if !b.endpoint(e.ID).Deactivated {
		t.Error("still active")
	}
	b.want(204, "POST", base+"/endpoints/reactivate", `{`+list+`}`)
	if b.endpoint(e.ID).Deactivated {
		t.Error("still deactivated")
	}
	r := b.request("POST", base+"/endpoints/deactivate", "EndpointsList="+e.ID)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body := b.serve(r); status != 204 || !b.endpoint(e.ID).Deactivated {
		t.Error(status, body)
	}
	policy := b.s.World().Policies[3].ID
	b.want(204, "PUT", base+"/endpoints/policy", `{`+list+`,"PolicyId":"`+policy+`"}`)
	if b.endpoint(e.ID).PolicyID != policy {
		t.Error("policy not set")
	}
	b.want(204, "PUT", base+"/groups/"+e.GroupID+"/endpoints/policy", `{"PolicyId":"`+policy+`"}`)
	target := site.Groups[0].ID
	if target == e.GroupID {
		target = site.Groups[1].ID
	}
	for _, x := range []struct {
		path, body string
		status     int
	}{
		{"/endpoints", `{` + list + `}`, 400}, {"/endpoints", `{` + list + `,"TargetGroupId":"nope"}`, 404},
		{"/endpoints", `{` + list + `,"TargetGroupId":"` + target + `","Inheritance":9}`, 400},
		{"/endpoints", `{"EndpointsList":"not-a-guid","TargetGroupId":"` + target + `"}`, 400},
		{"/endpoints", `{"EndpointsList":"00000000-0000-4000-8000-000000000000","TargetGroupId":"` + target + `"}`, 404},
		{"/endpoints", `{"EndpointsList":["` + e.ID + `"],"TargetGroupId":"` + target + `"}`, 400},
		{"/endpoints", `{"SourceGroupId":"nope","TargetGroupId":"` + target + `"}`, 404},
		{"/endpoints/policy", `{` + list + `}`, 400}, {"/endpoints/policy", `{` + list + `,"PolicyId":"nope"}`, 404},
	} {
		b.want(x.status, "PUT", base+x.path, x.body)
	}
	if b.endpoint(e.ID).GroupID != e.GroupID {
		t.Error("a refused move moved")
	}
	b.want(204, "PUT", base+"/endpoints", `{"SourceGroupId":"`+e.GroupID+`","TargetGroupId":"`+target+`"}`)
	for _, x := range b.s.World().Endpoints {
		if x.SiteID == site.ID && x.GroupID == e.GroupID {
			t.Fatal("the source group is not empty")
		}
	}
}

// TestEmptyListHitsTheWholeSite keeps the trap of the real API.
func TestEmptyListHitsTheWholeSite(t *testing.T) {
	for _, body := range []string{`{}`, `{"EndpointsList":null}`, `{"EndpointsList":""}`, `{"EndpointsList":" , "}`, ``} {
		b := newBench(t, Options{Sites: 3, Endpoints: 60})
		site := b.s.World().Sites[0]
		b.want(204, "POST", "/console/gsm/{k}/sites/"+site.ID+"/endpoints/deactivate", body)
		for _, e := range b.s.World().Endpoints {
			if e.SiteID == site.ID && !e.Deactivated {
				t.Fatalf("body %q left %s active", body, e.ID)
			}
		}
		command := `{"Command":"scan"}`
		if strings.HasPrefix(body, `{"`) {
			command = strings.TrimSuffix(body, "}") + `,"Command":"scan"}`
		}
		before := len(b.s.World().Commands)
		b.want(204, "POST", "/console/gsm/{k}/sites/"+site.ID+"/endpoints/commands", command)
		if got := len(b.s.World().Commands) - before; got != site.Endpoints {
			t.Errorf("%s made %d commands, the site has %d endpoints", command, got, site.Endpoints)
		}
	}
}

func TestGroupFormsHitTheGroupOnly(t *testing.T) {
	b := newBench(t, Options{})
	site := b.biggest()
	e := b.polling(site.ID)
	path := "/console/gsm/{k}/sites/" + site.ID + "/groups/" + e.GroupID
	size := 0
	for _, x := range b.s.World().Endpoints {
		count(&size, x.GroupID == e.GroupID)
	}
	before := len(b.s.World().Commands)
	// The list has no meaning in the group form.
	b.want(204, "POST", path+"/endpoints/commands", `{"Command":"scan","EndpointsList":"`+e.ID+`"}`)
	if got := len(b.s.World().Commands) - before; got != size || size == site.Endpoints {
		t.Errorf("%d commands, the group has %d of %d", got, size, site.Endpoints)
	}
	b.want(204, "POST", path+"/endpoints/deactivate", "")
	for _, x := range b.s.World().Endpoints {
		if x.GroupID == e.GroupID && !x.Deactivated {
			t.Fatal("one of the group is active")
		}
	}
}

// TestPagesAreThePartsOfTheList holds for every size.
func TestPagesAreThePartsOfTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(0, 200).Draw(t, "n"), rapid.IntRange(1, 300).Draw(t, "size")
		list, joined := make([]int, n), []int{}
		for i := range list {
			list[i] = i
		}
		for p := 1; p <= n/size+2; p++ {
			joined = append(joined, cut(list, page{p, size})...)
		}
		if !slices.Equal(list, joined) {
			t.Fatalf("pages of %d joined are %v", size, joined)
		}
	})
}

func TestPollsAreARhythm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{polls: true, seen: 50, nextPoll: rapid.Int64Range(100, 1000).Draw(t, "next"), gap: rapid.Int64Range(1, 500).Draw(t, "gap")}
		at := rapid.Int64Range(100, 10000).Draw(t, "at")
		next := m.pollFrom(at)
		if next < at || next-at > max(m.gap, m.nextPoll) || m.lastSeen(next) != next || m.lastSeen(at) > at || (at > m.nextPoll && at-m.lastSeen(at) >= m.gap) {
			t.Fatalf("at %d: seen %d, next %d, %+v", at, m.lastSeen(at), next, m)
		}
	})
}

func FuzzChangeBodies(f *testing.F) {
	for _, seed := range []string{`{}`, `{"EndpointsList":""}`, `{"Command":"scan","EndpointsList":"x"}`, `[1]`, `null`, "\x00", `{"EndpointsList":1e999}`} {
		f.Add(seed)
	}
	b := newBench(f, Options{Sites: 2, Endpoints: 6, AccessTTL: 1000 * time.Hour})
	site := b.s.World().Sites[0].ID
	f.Fuzz(func(t *testing.T, body string) {
		b := &bench{t: t, s: b.s, creds: b.creds, token: b.token}
		for _, path := range []string{"/endpoints/commands", "/endpoints/reactivate", "/groups"} {
			if status, answer := b.call("POST", "/console/gsm/{k}/sites/"+site+path, body); status >= 500 || (status >= 400 && answer["statusCode"] == nil) {
				t.Errorf("%s %q: %d %v", path, body, status, answer)
			}
		}
	})
}
