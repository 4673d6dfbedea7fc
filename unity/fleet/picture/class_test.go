package picture_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// naiveClass says of one machine whether it is in a class, and whether that is known.
func naiveClass(class picture.Class, m *fleet.Machine) (in, known bool) {
	active := !m.Deactivated.On
	joined := m.Status != nil
	switch class {
	case picture.Everything:
		return true, true
	case picture.Stale:
		return active && (m.Seen().IsZero() || now.Sub(m.Seen()) > staleAfter), true
	case picture.DeadButSeen:
		return !active && !m.Seen().IsZero() && now.Sub(m.Seen()) <= 30*24*time.Hour, true
	case picture.Infected:
		if !active {
			return false, true
		}
		if !joined {
			return false, false
		}
		b := m.Status.BasicInfo
		yes := b.Infected.On || b.ActiveThreats.Known && b.ActiveThreats.N > 0
		return yes, yes || b.Infected.Known
	case picture.Attention:
		if !active {
			return false, true
		}
		return joined && m.Status.BasicInfo.AttentionRequired.On, joined && m.Status.BasicInfo.AttentionRequired.Known
	}
	return false, false
}

func TestClassesByHealth(t *testing.T) {
	hits := map[picture.Class]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p := w.build(0)
		for _, class := range []picture.Class{picture.Everything, picture.Stale, picture.DeadButSeen, picture.Infected, picture.Attention} {
			set := p.Class(t.Context(), class, now, staleAfter)
			left, count := 0, 0
			for s, site := range w.sites {
				for i := range w.records[s] {
					m := w.records[s][i].machine(site, staleAfter)
					in, known := naiveClass(class, m)
					if !known {
						left++
					} else if in {
						count++
					}
					if set.Has(p.Chunk(site.ID).Row(i)) != (in && known) {
						t.Fatalf("%s: row %d of %s is in: %v", class, i, site.ID, !in)
					}
				}
			}
			if set.Len() != count || set.LeftOut != left {
				t.Fatalf("%s: %d chosen and %d left out, want %d and %d", class, set.Len(), set.LeftOut, count, left)
			}
			hits[class] += count
		}
		counts := p.Counts(now, staleAfter)
		states, active := map[string]int{}, 0
		for s, site := range w.sites {
			for i := range w.records[s] {
				m := w.records[s][i].machine(site, staleAfter)
				state, _ := m.State(now)
				states[state]++
				if !m.Deactivated.On {
					active++
				}
			}
		}
		if fmt.Sprint(counts.ByState) != fmt.Sprint(states) || counts.Active != active || counts.Machines != p.Len() {
			t.Fatalf("counts are %+v, want %v and %d active", counts, states, active)
		}
	})
	for class, n := range hits {
		if n == 0 {
			t.Errorf("%s never had a machine", class)
		}
	}
	if set := picture.New(nil, picture.Picture{}).Class(t.Context(), "nonsense", now, 0); set.Len() != 0 {
		t.Error("an unknown class has machines")
	}
}

// console makes a picture by hand: each line is site, host, mac, machine id, version, group, policy, days since seen.
type line struct {
	site, host, mac, machine, version, group, policy string
	days                                             int
	gone, unmanaged, noReport                        bool
}

func console(lines ...line) *picture.Picture {
	builders := map[string]*picture.Builder{}
	var order []string
	for n, l := range lines {
		b := builders[l.site]
		if b == nil {
			b = picture.NewBuilder(picture.Site{ID: unity.SiteID(l.site)}, 0)
			builders[l.site] = b
			order = append(order, l.site)
		}
		e := unity.Endpoint{ID: unity.EndpointID(fmt.Sprint(n)), HostName: unity.NewText(l.host), MachineID: unity.MachineID(l.machine), AgentVersion: unity.NewText(l.version),
			GroupID: unity.GroupID(l.group), PolicyID: unity.PolicyID(l.policy), Deactivated: unity.Bool{On: l.gone, Known: true},
			LastSeen: unity.NewTime(now.AddDate(0, 0, -l.days))}
		i := b.Add(&e, unity.Text{}, unity.NewText("policy "+l.policy), now)
		if l.noReport {
			continue
		}
		s := &unity.Status{}
		s.OSAndVersions.MACAddress = unity.NewText(l.mac)
		s.BasicInfo.DeviceType = unity.NewText("PC")
		s.BasicInfo.Managed = unity.Bool{On: !l.unmanaged, Known: true}
		b.Report(i, s, now)
	}
	var chunks []*picture.Chunk
	for _, site := range order {
		chunks = append(chunks, builders[site].Chunk())
	}
	return picture.New(chunks, picture.Picture{})
}

func idsOf(s *picture.Set) (ids []string) {
	for r := range s.Rows() {
		ids = append(ids, string(r.ID()))
	}
	slices.Sort(ids)
	return ids
}

func TestDuplicates(t *testing.T) {
	p := console(
		line{site: "a", host: "Front", mac: "00:1A", days: 3},                            // 0: same as 1
		line{site: "b", host: "FRONT", mac: "00:1a", days: 1},                            // 1: newer, at another customer
		line{site: "a", host: "front", mac: "00:1B"},                                     // 2: another machine of that name
		line{site: "a", host: "x", machine: "M:::1", days: 1, noReport: true},            // 3: same as 4 and, by that one's name, 5
		line{site: "a", host: "y", mac: "00:2A", machine: "m:::1", days: 2},              // 4
		line{site: "a", host: "y", mac: "00:2A", machine: "m:::2", gone: true},           // 5: deactivated, though seen last
		line{site: "a", host: "", mac: "00:3A"}, line{site: "a", host: "", mac: "00:3A"}, // nameless ones are nobody's
		line{site: "a", host: "z", mac: ""}, line{site: "a", host: "z", mac: ""}, // without address neither
		line{site: "a", host: "u", machine: " "}, line{site: "a", host: "v", machine: " "}, // a blank id is none
		line{site: "a", host: "w", mac: "00:4A", gone: true, days: 2}, line{site: "a", host: "w", mac: "00:4A", gone: true, days: 1}, // 12, 13: none is active, so there is nothing to do
		line{site: "a", host: "t", mac: "00:5A", days: 1}, line{site: "a", host: "t", mac: "00:5A", days: 1}, // 14, 15: seen last at the same moment
		line{site: "b", host: "s", mac: "00:6A"}, line{site: "b", host: "s", mac: "00:6A", gone: true}, // 16, 17: cleaned up already
		line{site: "b", host: "r", mac: "00:7A"}, line{site: "b", host: "r", noReport: true}, // 18, 19: nobody knows
		line{site: "b", host: "q", noReport: true}, line{site: "b", host: "q", noReport: true, gone: true}, // 20, 21: one is off anyway
		line{site: "b", host: "p", mac: "00:8A"}, line{site: "b", host: "p", mac: "00:8B"}, // 22, 23: two machines for certain
	)
	d := p.Duplicates(t.Context())
	var got []string
	for g, rows := range d.Groups {
		for i, r := range rows {
			got = append(got, string(r.ID())+" "+string(d.Standing(r)))
			if n, ok := d.Group(r); !ok || n != g || i == 0 && d.Standing(r) != picture.RecordKeep {
				t.Errorf("%s is in group %d (%v), %s", r.ID(), n, ok, d.Standing(r))
			}
		}
		got = append(got, "|")
	}
	want := []string{"1 keep", "0 older", "|", "14 keep", "15 keep", "|", "3 keep", "4 older", "5 off", "|"}
	if !slices.Equal(got, want) {
		t.Errorf("groups are %v, want %v", got, want)
	}
	set := p.Class(t.Context(), picture.Duplicates, now, 0)
	if ids := idsOf(set); !slices.Equal(ids, []string{"0", "1", "14", "15", "3", "4", "5"}) {
		t.Errorf("the class has %v", ids)
	}
	// The names are r, and z, whose records have no address.
	if d.OpenNames != 2 || d.OpenRecords != 4 || set.LeftOut != 4 {
		t.Errorf("of %d names and %d records nobody knows, %d are left out", d.OpenNames, d.OpenRecords, set.LeftOut)
	}
	other, _ := p.Get("2")
	if _, ok := d.Group(other); ok || d.Standing(other) != "" {
		t.Error("a machine that is nobody's duplicate is one")
	}
}

func TestOutdated(t *testing.T) {
	var lines []line
	for range 60 {
		lines = append(lines, line{site: "a", version: "9.0.36"})
	}
	lines = append(lines, line{site: "a", version: "99.0"}, // 60: one odd machine makes nobody old
		line{site: "b", version: "9.0.9"}, line{site: "b", version: "beta"}, line{site: "b", version: "1.0", gone: true},
		line{site: "b", version: "9.0.36"}, line{site: "b", version: "1.0", noReport: true})
	set := console(lines...).Class(t.Context(), picture.Outdated, now, 0)
	if ids := idsOf(set); !slices.Equal(ids, []string{"61"}) || set.LeftOut != 2 {
		t.Errorf("outdated are %v, %d left out", ids, set.LeftOut)
	}
	few := console(line{site: "a", version: "9.0.9"}, line{site: "a", version: "9.0.36"}).Class(t.Context(), picture.Outdated, now, 0)
	if ids := idsOf(few); !slices.Equal(ids, []string{"0"}) {
		t.Errorf("of two machines %v is outdated", ids)
	}
}

func TestPolicyDrift(t *testing.T) {
	p := console(
		line{site: "a", group: "g", policy: "p"}, line{site: "a", group: "g", policy: "p"}, line{site: "a", group: "g", policy: "q"}, // 2 differs
		line{site: "a", group: "h", policy: "q"}, line{site: "a", group: "h", policy: "p"}, // a draw: 3 differs from the site
		line{site: "a", group: "g", policy: "q", gone: true}, line{site: "a", group: "g"}, // 5 is gone, of 6 nothing is known
		line{site: "a", group: "g", policy: "p", unmanaged: true}, // 7
		line{site: "b", group: "g", policy: "q"}, line{site: "c", group: "g", policy: "p"}, line{site: "c", group: "h", policy: "q"},
	)
	set := p.Class(t.Context(), picture.PolicyDrift, now, 0)
	if ids := idsOf(set); !slices.Equal(ids, []string{"2", "3", "7"}) || set.LeftOut != 1 {
		t.Errorf("drifted are %v, %d left out", ids, set.LeftOut)
	}
	for id, want := range map[string]string{"0": "p", "2": "p", "3": "p", "7": "p", "8": "q", "9": "p", "10": "q"} {
		r, ok := p.Get(unity.EndpointID(id))
		if usual, name := r.UsualPolicy(); !ok || string(usual) != want || name.String() != "policy "+want {
			t.Errorf("usual beside %s is %q, %q; want %q", id, usual, name, want)
		}
	}
	none := console(line{site: "a", group: "g", policy: "p"}, line{site: "a", group: "g", policy: "q"})
	r, _ := none.Get("0")
	if usual, name := r.UsualPolicy(); usual != "" || !name.Empty() {
		t.Errorf("of two policies %q, %q is usual", usual, name)
	}
}

func TestCountsOfSites(t *testing.T) {
	known := func(n int64) unity.Int { return unity.Int{N: n, Known: true} }
	soon, later := unity.NewTime(now.AddDate(0, 0, 20)), unity.NewTime(now.AddDate(0, 0, 40))
	p := picture.New(nil, picture.Picture{Sites: []unity.Site{
		{DevicesAllowed: known(10), TotalEndpoints: known(12), EndDate: soon},
		{DevicesAllowed: known(5), TotalEndpoints: known(5), EndDate: later, Description: unity.NewText("Trial")},
		{DevicesAllowed: known(5), EndDate: soon, Description: unity.NewText("trial")},
		{Deactivated: unity.Bool{On: true, Known: true}, EndDate: soon},
		{Suspended: unity.Bool{On: true, Known: true}, EndDate: soon},
	}})
	n := p.Counts(now, 0)
	if n.Sites != 5 || n.Seats != 15 || n.Used != 17 || n.SeatsUnknown != 3 || n.OverSites != 1 || n.Ending != 2 ||
		n.ByLife["deactivated"] != 1 || n.ByLife["trial"] != 2 || n.ByLife["active"] != 1 {
		t.Errorf("counts are %+v", n)
	}
}

func TestClassesOfALargePicture(t *testing.T) {
	p := picturetest.Random(9, 50, 30_000)
	for _, class := range picture.Classes() {
		set := p.Class(t.Context(), class, picturetest.Now(), 0)
		if set.Len() == 0 || class != picture.Everything && set.Len() > p.Len()/2 {
			t.Errorf("%s has %d of %d machines", class, set.Len(), p.Len())
		}
	}
}
