package views_test

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// workflows are all of them, by number.
func workflows() []workflow {
	return []workflow{
		{n: 1, name: "scan a machine", most: 9, walk: walkScan},
		{n: 2, name: "infected machines", most: 1, walk: walkInfected},
		{n: 3, name: "deactivate what was not seen", starts: "the site", most: 15, walk: walkUnseen,
			world: func(o *unitytest.Options) { o.Sites, o.Endpoints = 12, 480 }},
		{n: 4, name: "move and set policy", starts: "the machine", most: 12, walk: walkMove},
		{n: 5, name: "new customer", walk: walkNewSite},
		{n: 6, name: "suspend and resume", starts: "the site", most: 4, walk: walkSuspend},
		{n: 7, name: "usage for billing", walk: walkUsage},
		{n: 8, name: "isolate a machine", most: 9, walk: walkIsolate},
		{n: 9, name: "send elapsed again", most: 3, walk: walkElapsed},
		{n: 10, name: "duplicates", walk: walkDuplicates, world: func(o *unitytest.Options) { o.Endpoints = 600 }},
		{n: 11, name: "deactivated but billed", walk: walkRebill, world: func(o *unitytest.Options) { o.Endpoints = 900 }},
		{n: 12, name: "whose keycode", walk: walkKeycode},
		{n: 13, name: "policy drift", walk: walkDrift},
		{n: 14, name: "move to another customer", starts: "the machine", walk: walkChangeKeycode},
		{n: 15, name: "threat history", starts: "the machine", walk: walkThreats, world: func(o *unitytest.Options) {
			// An infection goes on for minutes, and what is asked for ends at the present.
			o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		}},
		{n: 16, name: "old agents", walk: walkVersions},
		{n: 17, name: "convert a trial", walk: walkTrial, world: func(o *unitytest.Options) { o.Sites = 60 }},
		{n: 18, name: "who sees a site", starts: "the site", most: 1, walk: walkAdmins},
	}
}

func walkInfected(b *bench) {
	b.press("1")
	w := b.sim.World()
	certain := joinable(w)
	infected := func(e unitytest.EndpointTruth) bool { return e.Infected && !e.Deactivated }
	b.listed("infected", b.exported(b.Press), func(e unitytest.EndpointTruth) bool { return infected(e) && certain(e) }, infected)
	b.Press("2")
	b.Settle()
	attention := func(e unitytest.EndpointTruth) bool { return e.Attention && !e.Deactivated }
	b.listed("attention", b.exported(b.Press), func(e unitytest.EndpointTruth) bool { return attention(e) && certain(e) }, attention)
}

func walkUsage(b *bench) {
	b.press(":")
	b.typed("usage")
	b.press("enter")
	rows := b.exported(b.press)
	w := b.sim.World()
	count := func(site string, holds func(unitytest.EndpointTruth) bool) string {
		return strconv.Itoa(len(machines(w, func(e unitytest.EndpointTruth) bool { return e.SiteID == site && holds(e) })))
	}
	if len(rows) != len(w.Sites) {
		b.t.Fatalf("%d rows for %d sites", len(rows), len(w.Sites))
	}
	by := map[string]map[string]string{}
	for _, r := range rows {
		by[strings.ReplaceAll(r["Keycode"], "-", "")] = r
	}
	for _, s := range w.Sites {
		r := by[s.Keycode]
		want := map[string]string{
			"Seats":   strconv.Itoa(s.Seats),
			"Console": count(s.ID, func(e unitytest.EndpointTruth) bool { return !e.Deactivated }),
			"Active":  count(s.ID, func(e unitytest.EndpointTruth) bool { return !e.Deactivated }),
			"Not hidden": count(s.ID, func(e unitytest.EndpointTruth) bool {
				return !e.Deactivated && !e.NextPoll.IsZero()
			}),
			"Seen 30 d": count(s.ID, func(e unitytest.EndpointTruth) bool { return w.Now.Sub(e.LastSeen) <= 30*24*time.Hour }),
			"Report of": w.Now.UTC().AddDate(0, 0, -2).Format("2006-01-02"),
		}
		for title, v := range want {
			if r[title] != v {
				b.t.Errorf("%s of %s is %q, want %q", title, s.Name, r[title], v)
			}
		}
	}
}

func walkKeycode(b *bench) {
	sites := b.sim.World().Sites
	s := sites[len(sites)-1]
	key := strings.ToLower(s.Keycode) // as people write them: without dashes, in any case
	b.press("/")
	b.keys++
	b.Paste(key)
	b.Settle()
	b.sim.ResetLog()
	b.press("enter", "enter")
	for _, e := range b.sim.Log() {
		if strings.HasSuffix(e.Path, "/groups") && !strings.Contains(e.Path, s.ID) {
			b.t.Errorf("another site was opened: %s", e.Path)
		}
		if strings.HasSuffix(e.Path, s.ID+"/groups") {
			return
		}
	}
	b.t.Fatalf("the site of %s was not opened:\n%s", key, b.Screen())
}

func walkDrift(b *bench) {
	b.press("0", "/")
	b.typed("po")
	b.press("tab")
	b.typed("unm")
	b.press("enter")
	w := b.sim.World()
	id := ""
	for _, p := range w.Policies {
		if p.Name == "Unmanaged" {
			id = p.ID
		}
	}
	unmanaged := func(e unitytest.EndpointTruth) bool { return e.PolicyID == id }
	b.listed("unmanaged", b.exported(b.Press), unmanaged, unmanaged)
	b.Press("7")
	b.Settle()
	drifted := ids(b.exported(b.Press))
	for _, e := range w.Endpoints {
		if unmanaged(e) && !e.Deactivated && !drifted[e.ID] {
			b.t.Errorf("%s %q is unmanaged and not in the view of policy drift", e.ID, e.HostName)
		}
		if drifted[e.ID] && e.Deactivated {
			b.t.Errorf("%s is deactivated and in the view of policy drift", e.ID)
		}
	}
}

func walkThreats(b *bench) {
	m, _ := uniqueTail(b.sim.World(), 5)
	if err := b.sim.Infect(m.ID, "invoice-7731.exe", "W32.Trojan.Gen"); err != nil {
		b.t.Fatal(err)
	}
	b.atMachine(m.ID)
	b.press("t")
	rows := b.exported(b.press)
	if len(rows) == 0 || rows[0]["File"] != "invoice-7731.exe" || rows[0]["Malware"] != "W32.Trojan.Gen" {
		b.t.Fatalf("the export says %v\n%s", rows, b.Screen())
	}
	asked := ""
	for _, e := range b.sim.Log() {
		if e.Method == http.MethodGet && strings.HasSuffix(e.Path, m.ID+"/threathistory") {
			asked = e.Query
		}
	}
	if !strings.Contains(strings.ToLower(asked), "startdate=") || !strings.Contains(asked, "ExtendedInfo") {
		b.t.Fatalf("the server was asked for %q", asked)
	}
}

func walkVersions(b *bench) {
	b.press("0", "o")
	b.typed("ag")
	b.press("enter")
	rows := b.exported(b.Press)
	all := b.sim.World().Endpoints
	if len(rows) != len(all) {
		b.t.Fatalf("%d rows of %d machines", len(rows), len(all))
	}
	truth := map[string]string{}
	for _, e := range all {
		truth[e.ID] = e.Version
	}
	last := []int(nil)
	for _, r := range rows {
		if r["Agent"] == "" {
			continue // without a report there is no version, and such rows say so
		}
		if r["Agent"] != truth[r["Id"]] {
			b.t.Fatalf("%s has the agent %s, not %s", r["Id"], truth[r["Id"]], r["Agent"])
		}
		v := numbers(r["Agent"])
		if last != nil && lower(v, last) {
			b.t.Fatalf("%v comes after %v", v, last)
		}
		last = v
	}
	if last == nil {
		b.t.Fatal("no machine has a version")
	}
}

func numbers(version string) []int {
	var out []int
	for _, part := range strings.Split(version, ".") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}

// lower compares versions of equally many numbers.
func lower(a, b []int) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

func walkAdmins(b *bench) {
	s := b.plainSite()
	b.press("m")
	access := map[string]string{}
	for _, r := range b.exported(b.Press) {
		access[r["E-mail"]] = r["Access"]
	}
	words := map[int]string{0: "none", 1: "view", 128: "admin"}
	seen := 0
	for user, level := range s.AccessOf {
		got, ok := access[user+"@acme.example"]
		if !ok && level == 0 {
			continue
		}
		seen++
		if got != words[level] {
			b.t.Errorf("%s has the access %d, listed is %q", user, level, got)
		}
	}
	if seen == 0 {
		b.t.Errorf("no admin is listed:\n%s", b.Screen())
	}
}
