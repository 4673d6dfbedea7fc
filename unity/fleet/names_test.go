package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/selector"
)

func guid(n int) string { return fmt.Sprintf("%08x-aaaa-4bbb-8ccc-0123456789ab", n) }

func site(n int, name, key string) unity.Site {
	return unity.Site{ID: unity.SiteID(guid(1000 + n)), Name: unity.NewText(name), Keycode: unity.Keycode(key)}
}

func host(n int, name string, s unity.Site, active bool, seen time.Duration) *Machine {
	m := &Machine{SiteID: s.ID, SiteName: s.Name, SiteKey: s.Keycode}
	m.ID, m.HostName = unity.EndpointID(guid(n)), unity.NewText(name)
	m.Deactivated = unity.Bool{On: !active, Known: true}
	if seen > 0 {
		m.LastSeen = unity.NewTime(fixedClock().Add(-seen))
	}
	return m
}

const hour = time.Hour

func town() *Fleet {
	a, b := site(1, "Harbour Dental", "AB12CD34EF56GH78IJ90"), site(2, "Café Größe", "ZA12YB34WC56VD78UE90")
	c, d := site(3, "Twin", "11112222333344445555"), site(4, "TWIN", "66667777888899990000")
	f := &Fleet{Sites: []unity.Site{a, b, c, d}, Done: 4, Total: 4}
	f.Machines = []*Machine{
		host(1, "FRONTDESK-02", a, true, hour), host(2, "DESKTOP-7F3K2L1", a, true, hour), host(3, "DESKTOP-9X2L1AA", a, true, hour),
		host(4, "L1-SERVER", b, true, hour), host(5, "経理-PC", b, true, hour), host(6, "EMPFANG-BÜRO", b, true, hour), host(7, "TWICE", a, true, 5*hour),
		host(8, "twice", b, true, hour), host(9, "REBUILT", a, false, hour), host(10, "REBUILT", a, true, 9*hour), host(11, "GONE", a, false, hour),
		host(12, "", a, true, hour), host(13, "\u0301", a, true, hour), host(14, "GONETWICE", a, false, hour), host(15, "GONETWICE", b, false, 0),
	}
	f.Machines[0].Status = &unity.Status{}
	f.Machines[0].Status.OSAndVersions.CurrentUser = unity.NewText("renée.vance")
	f.Machines[0].Status.OSAndVersions.IPV4 = unity.NewText("10.1.2.3")
	f.Machines[0].Status.OSAndVersions.MACAddress = unity.NewText("00:1A:2B:3C:4D:5E")
	return f
}

func TestFindSite(t *testing.T) {
	f := town()
	f.Sites[0].ID = unity.SiteID(strings.ToUpper(string(f.Sites[0].ID))) // ids come in any case
	for name, want := range map[string]int{guid(1001): 0, strings.ToUpper(guid(1002)): 1, " " + guid(1001) + " ": 0, "AB12CD34EF56GH78IJ90": 0,
		"ab12-cd34-ef56-gh78-ij90": 0, "harbour dental": 0, " HARBOUR DENTAL ": 0, "cafe grosse": 1, "CAFÉ GRÖSSE": 1} {
		s, err := FindSite(f.Sites, name)
		if err != nil || s != &f.Sites[want] {
			t.Errorf("%q is %v, %v", name, s, err)
		}
	}
	for _, name := range []string{"", " ", "Harbour", "nowhere", guid(1), "AB12-CD34-EF56-GH78-IJ91", "\u0301"} {
		if _, err := FindSite(f.Sites, name); !errors.Is(err, unity.ErrNotFound) {
			t.Errorf("%q gives %v", name, err)
		}
	}
	var twins *AmbiguousError
	if _, err := FindSite(f.Sites, "twin"); !errors.As(err, &twins) || len(twins.Candidates) != 2 || !strings.Contains(err.Error(), guid(1003)) ||
		!strings.Contains(err.Error(), guid(1004)) {
		t.Errorf("two sites of one name give %v", err)
	}
}

func TestFindGroupAndPolicy(t *testing.T) {
	groups := []unity.Group{{ID: unity.GroupID(guid(1)), Name: unity.NewText("Laptops")}, {ID: unity.GroupID(guid(2)), Name: unity.NewText("Büro")}, {ID: unity.GroupID(guid(3))}}
	for name, want := range map[string]int{"LAPTOPS": 0, "buro": 1, strings.ToUpper(guid(3)): 2} {
		if g, err := FindGroup(groups, name); err != nil || g != &groups[want] {
			t.Errorf("group %q is %v, %v", name, g, err)
		}
	}
	if _, err := FindGroup(groups, ""); !errors.Is(err, unity.ErrNotFound) {
		t.Errorf("no name is the name of a nameless group: %v", err)
	}
	policies := []unity.Policy{{ID: unity.PolicyID(guid(1)), Name: unity.NewText("Audit")}, {ID: unity.PolicyID(guid(2)), Name: unity.NewText("audit")}}
	var twins *AmbiguousError
	if _, err := FindPolicy(policies, "Audit"); !errors.As(err, &twins) {
		t.Errorf("two policies of one name give %v", err)
	}
	if p, err := FindPolicy(policies, guid(2)); err != nil || p != &policies[1] {
		t.Errorf("a policy by its id gives %v, %v", p, err)
	}
}

func TestFindHost(t *testing.T) {
	for _, x := range []struct {
		name   string
		newest bool
		want   int // number of the machine; 0 for several, -1 for none
	}{
		{"FRONTDESK-02", false, 1}, {"frontdesk-02", false, 1}, {"FRONTDESK", false, -1}, {"経理-pc", false, 5}, {"経理-ＰＣ", false, 5}, {"empfang-buro", false, 6},
		{guid(12), false, 12}, {strings.ToUpper(guid(8)), false, 8}, {"twice", false, 0}, {"TWICE", true, 8}, {"rebuilt", false, 10}, {"rebuilt", true, 10},
		{"gone", false, 11}, {"gonetwice", false, 0}, {"gonetwice", true, 14}, {"", false, -1}, {" ", true, -1}, {"\u0301", false, -1}, {"nobody", true, -1}, {guid(99), false, -1},
	} {
		m, err := town().FindHost(x.name, x.newest)
		var many *AmbiguousError
		switch {
		case x.want > 0 && (err != nil || string(m.ID) != guid(x.want)):
			t.Errorf("%q (newest: %v) is %v, %v; want machine %d", x.name, x.newest, m, err, x.want)
		case x.want == 0 && (!errors.As(err, &many) || len(many.Candidates) != 2 || many.Why != ""):
			t.Errorf("%q gives %v, want two candidates", x.name, err)
		case x.want < 0 && !errors.Is(err, unity.ErrNotFound):
			t.Errorf("%q gives %v, want not found", x.name, err)
		}
	}
}

func TestANameIsUniqueOnlyWhenAllSitesHaveAnswered(t *testing.T) {
	failed, running := town(), town()
	failed.Failed = []SiteError{{Site: "x", Name: unity.NewText("Silent\x1b[2J Ltd"), Err: errors.New("503")}}
	running.Done = 3
	for what, f := range map[string]*Fleet{"Silent^[[2J Ltd did not answer": failed, "3 of 4 sites": running} {
		var many *AmbiguousError
		for _, newest := range []bool{false, true} {
			if _, err := f.FindHost("FRONTDESK-02", newest); !errors.As(err, &many) || !strings.Contains(err.Error(), what) {
				t.Errorf("newest %v: %v does not say %q", newest, err, what)
			}
		}
		var none *NotFoundError
		if _, err := f.FindHost("nobody", false); !errors.As(err, &none) || !strings.Contains(err.Error(), what) {
			t.Errorf("%v does not say that it may be there all the same", err)
		}
		if m, err := f.FindHost(guid(1), false); err != nil || string(m.ID) != guid(1) {
			t.Errorf("an id is unique anyway: %v", err)
		}
	}
}

// found runs a search and names what it gives: host names, or sites in brackets.
func found(f *Fleet, query string, limit int) string {
	var out []string
	for _, h := range f.Find(context.Background(), query, limit) {
		if h.Site != nil {
			out = append(out, "["+h.Site.Name.Raw()+"]")
		} else {
			out = append(out, h.Machine.HostName.Raw())
		}
	}
	return strings.Join(out, " ")
}

func TestFind(t *testing.T) {
	f := town()
	for _, x := range []struct{ query, first string }{
		{"k2l1", "DESKTOP-7F3K2L1"}, {"2l1", "DESKTOP-7F3K2L1"}, {"l1", "DESKTOP-7F3K2L1"}, {"desktop-9", "DESKTOP-9X2L1AA"}, {"FRONTDESK-02", "FRONTDESK-02"},
		{"経理", "経理-PC"}, {"buro", "EMPFANG-BÜRO"}, {"renee", "FRONTDESK-02"}, {"10.1.2.3", "FRONTDESK-02"}, {"3c:4d:5e", "FRONTDESK-02"}, {guid(4), "L1-SERVER"},
		{"harbour", "[Harbour Dental]"}, {"ab12-cd34", "[Harbour Dental]"}, {"AB12CD34EF56GH78IJ90", "[Harbour Dental]"}, {"frntdsk", "FRONTDESK-02"},
		{"front renee", "FRONTDESK-02"}, {"harbour 02", "FRONTDESK-02"}, {"10.1 dental", "FRONTDESK-02"}, {"harbour dental", "[Harbour Dental]"}, {"cafe l1", "L1-SERVER"},
		{"front nothing", ""}, {"", ""}, {" \t ", ""}, {"\u0301", ""}, {"zq", ""}, {"rebuilt", "REBUILT"},
	} {
		got := found(f, x.query, 1)
		if got != x.first {
			t.Errorf("%q finds %q first, want %q (all: %s)", x.query, got, x.first, found(f, x.query, 50))
		}
	}
	hits := f.Find(t.Context(), "rebuilt", 10)
	if len(hits) != 2 || hits[0].Machine.Deactivated.On || hits[0].Field != "host" {
		t.Errorf("the active one does not come first: %+v", hits)
	}
	if got := f.Find(t.Context(), "renee", 1)[0].Field; got != "user" {
		t.Errorf("matched field is %q", got)
	}
	for _, n := range []int{0, 1, 3, -1} {
		if got := len(f.Find(t.Context(), "e", n)); got != max(n, 0) {
			t.Errorf("limit %d gives %d hits", n, got)
		}
	}
	if got := found(f, "l1", 10); got != "DESKTOP-7F3K2L1 L1-SERVER DESKTOP-9X2L1AA" {
		t.Errorf("tail, head, middle: %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f.Find(ctx, "front", 10) != nil {
		t.Error("a cancelled search has hits")
	}
}

// finds holds what searches find, the best first.
func finds(t *testing.T, f *Fleet, want map[string]string) {
	t.Helper()
	for query, hits := range want {
		if got := found(f, query, 50); got != hits {
			t.Errorf("%q finds %q, want %q", query, got, hits)
		}
	}
}

// TestWhoTypesANameMeansWhatHasIt: the machine of that name comes before those whose user, address or id has the word, in
// whatever place of the name it stands; only who is called just that comes before a part of a name.
func TestWhoTypesANameMeansWhatHasIt(t *testing.T) {
	f := &Fleet{Sites: []unity.Site{site(1, "Harbour Dental", "AB12CD34EF56GH78IJ90")}}
	for i, x := range []struct{ host, user string }{
		{"DESKTOP-AAAAAAA", "rita.vance"}, {"LAPTOP-BBBBBBBB", "tom.vance"}, {"VANCE-NB98", "kim"}, {"OLD-VANCE", "lee"}, {"PC-VANCE-2", "lee"}, {"ADVANCED-PC-01", "lee"},
		{"SRV-01", "harbour"}, {"DENTAL-01", "lee"}, {"DESKTOP-7F3K2L1", "lee"}, {"7F3-OFFICE", "lee"}, {"X-7F3-Y1", "lee"},
	} {
		m := host(i+1, x.host, f.Sites[0], true, hour)
		m.Status = &unity.Status{}
		m.Status.OSAndVersions.CurrentUser = unity.NewText(x.user)
		f.Machines = append(f.Machines, m)
	}
	finds(t, f, map[string]string{
		"vance":      "OLD-VANCE VANCE-NB98 PC-VANCE-2 ADVANCED-PC-01 LAPTOP-BBBBBBBB DESKTOP-AAAAAAA",
		"rita.vance": "DESKTOP-AAAAAAA",
		"harbour":    "SRV-01 [Harbour Dental]",
		"dental":     "[Harbour Dental] DENTAL-01",
		"7f3":        "DESKTOP-7F3K2L1 7F3-OFFICE X-7F3-Y1",
	})
}

// TestCustomersByTheirInitials: alone they find the customer, with a part of a host name its machines; who has the letters in a
// name comes first.
func TestCustomersByTheirInitials(t *testing.T) {
	f := &Fleet{Sites: []unity.Site{site(1, "Coastal Charitable Trust", ""), site(2, "O'Brien & Sons Roofing", ""), site(3, "Elm Street", "")}}
	for i, x := range []struct {
		host string
		site int
	}{{"YUKI-PC", 0}, {"YUKI-PC", 1}, {"KIOSK-05", 2}, {"CCTV-01", 2}, {"YUKI-CCT", 2}} {
		f.Machines = append(f.Machines, host(i+1, x.host, f.Sites[x.site], true, hour))
	}
	finds(t, f, map[string]string{
		"cct":     "YUKI-CCT CCTV-01 [Coastal Charitable Trust]",
		"yuk osr": "YUKI-PC",
		"yuk cct": "YUKI-CCT YUKI-PC",
		"yuk os":  "YUKI-PC",
		"yuk ct":  "YUKI-CCT",
		"kio es":  "KIOSK-05",
		"yuk osx": "",
	})
}

// TestOfOneNameTheLatestComesFirst: that is the one that somebody means, whatever the ids are.
func TestOfOneNameTheLatestComesFirst(t *testing.T) {
	f := &Fleet{Sites: []unity.Site{site(1, "Harbour Dental", "")}}
	for i, age := range []time.Duration{40 * hour, 2 * hour, 9 * hour} {
		f.Machines = append(f.Machines, host(i+1, "FRONTDESK-06", f.Sites[0], true, age))
	}
	var got []string
	for _, h := range f.Find(t.Context(), "desk-06", 5) {
		got = append(got, string(h.Machine.ID))
	}
	if want := []string{guid(2), guid(3), guid(1)}; !slices.Equal(got, want) {
		t.Errorf("found are %v, want %v", got, want)
	}
}

func TestALongNameIsStillFound(t *testing.T) {
	f := town()
	f.Machines = append(f.Machines, host(20, strings.Repeat("x", 64<<10)+"needle", f.Sites[0], true, hour), host(21, "n-e-e-d-l-e", f.Sites[0], true, hour))
	if got := f.Find(t.Context(), "needle", 5); len(got) == 0 || string(got[0].Machine.ID) != guid(20) {
		t.Errorf("the whole word at the end of a very long name gives %v", got)
	}
}

func TestStateSaysNothingItDoesNotKnow(t *testing.T) {
	now := fixedClock()
	base := host(1, "a", site(1, "s", ""), true, hour)
	reported := func(change func(*unity.Status)) *Machine {
		m := *base
		m.Status = &unity.Status{}
		m.Status.BasicInfo.Infected.Known = true
		change(m.Status)
		return &m
	}
	old := host(2, "b", site(1, "s", ""), true, 8*24*hour)
	old.Status = reported(func(*unity.Status) {}).Status
	gone := host(3, "c", site(1, "s", ""), false, hour)
	for _, x := range []struct {
		m     *Machine
		want  string
		known bool
	}{
		{base, StateUnknown, false}, {gone, StateGone, true}, {old, StateStale, true}, {reported(func(*unity.Status) {}), StateOK, true},
		{reported(func(s *unity.Status) { s.BasicInfo.Infected.On = true }), StateInfected, true},
		{reported(func(s *unity.Status) { s.BasicInfo.ActiveThreats = unity.Int{N: 2, Known: true} }), StateInfected, true},
		{reported(func(s *unity.Status) { s.BasicInfo.AttentionRequired.On = true }), StateAttention, true},
		{reported(func(s *unity.Status) { s.BasicInfo.Infected.Known = false }), StateUnknown, false},
	} {
		if got, known := x.m.State(now); got != x.want || known != x.known {
			t.Errorf("%s: %q, %v; want %q, %v", x.m.HostName, got, known, x.want, x.known)
		}
	}
	if n := host(4, "d", site(1, "s", ""), true, 0); !n.Stale(now) || n.SeenDays(now) != -1 || old.SeenDays(now) != 8 {
		t.Error("never seen is stale, and has no days")
	}
	base.StaleAfter = 30 * time.Minute
	if !base.Stale(now) {
		t.Error("stale_after is not kept to")
	}
}

func TestMachineFieldsNeverGuess(t *testing.T) {
	bare := host(1, "FRONTDESK-02", site(1, "Harbour Dental", "AB12CD34EF56GH78IJ90"), true, hour)
	bare.GroupID, bare.PolicyID = "g", "p"
	l := MachineLanguage(false, fixedClock, nil)
	for expr, want := range map[string]selector.Answer{
		"!group:servers": selector.Unknown, "!policy:unmanaged": selector.Unknown, "!version:<9.0.36": selector.Unknown, "!version:9": selector.Unknown,
		"!first:>30d": selector.Unknown, "first:>30d": selector.Unknown, "!status:ok": selector.Unknown, "!os:windows": selector.Unknown, "!type:mac": selector.Unknown,
		"!user:kim": selector.Unknown, "seen:<2h": selector.Yes, "keycode:ab12-cd34": selector.Yes, "harbour": selector.Yes, "!site:harbour": selector.No,
	} {
		p, err := l.Parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Eval(bare, fixedClock()); got != want {
			t.Errorf("%q gives %d for a machine of which little is known, want %d", expr, got, want)
		}
	}
	change, err := MachineLanguage(true, fixedClock, nil).Parse("harbour")
	if err != nil || change.Match(bare, fixedClock()) {
		t.Errorf("in a change a bare word selects by the customer's name (%v)", err)
	}
	sites, err := SiteLanguage().Parse("!used:>0")
	if err != nil || sites.Match(&unity.Site{}, fixedClock()) {
		t.Errorf("a number the server did not send counts as 0 (%v)", err)
	}
}
