package picture_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

const staleAfter = 36 * time.Hour

// facts are what people see of a machine.
type facts struct {
	ID, Name, Host, Site, Key, Group, Policy, User, OS, IPs, MAC, Version, Type, Note, State string
	Known, Stale, Gone, Joined                                                               bool
	Seen, ReadAt                                                                             time.Time
	First, Last, Infected, Scan                                                              string
	Ref                                                                                      fleet.Ref
	Days                                                                                     int
}

func asJSON(t unity.Time) string {
	b, err := json.Marshal(t)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func machineFacts(m *fleet.Machine) facts {
	f := facts{ID: string(m.ID), Name: m.Name(), Host: m.HostName.Raw(), Site: m.SiteName.Raw(), Key: string(m.SiteKey), Group: m.GroupLabel(), Policy: m.PolicyLabel(),
		User: m.User(), OS: m.OS(), IPs: m.IPs(), MAC: m.MAC(), Version: m.Version(), Type: m.Type(), Note: m.StatusNote, Stale: m.Stale(now),
		Gone: m.Deactivated.On, Joined: m.Status != nil, Seen: m.Seen(), ReadAt: m.ReadAt, First: asJSON(m.FirstSeen), Last: asJSON(m.LastSeen),
		Infected: asJSON(m.LastInfected), Scan: "null", Ref: m.Ref(), Days: m.SeenDays(now)}
	if m.Status != nil {
		f.Scan = asJSON(m.Status.TimesAndStats.LastScan)
	}
	f.State, f.Known = m.State(now)
	return f
}

func rowFacts(r picture.Row) facts {
	f := facts{ID: string(r.ID()), Name: r.Name(), Host: r.HostName().Raw(), Site: r.SiteName().Raw(), Key: string(r.SiteKey()), Group: r.GroupLabel(), Policy: r.PolicyLabel(),
		User: r.User(), OS: r.OS(), IPs: r.IPs(), MAC: r.MAC(), Version: r.Version(), Type: r.Type(), Note: r.Note(), Stale: r.Stale(now, staleAfter),
		Gone: r.Deactivated(), Joined: r.Joined(), Seen: r.Seen(), ReadAt: r.ReadAt(), First: asJSON(r.FirstSeen()), Last: asJSON(r.ConsoleSeen()),
		Infected: asJSON(r.LastInfected()), Scan: asJSON(r.LastScan()), Ref: r.Ref(), Days: r.SeenDays(now)}
	f.State, f.Known = r.State(now, staleAfter)
	return f
}

// reportOf is the part of a report that a picture keeps.
func reportOf(s *unity.Status) any {
	if s == nil {
		return nil
	}
	return []any{s.OS, s.IPAddress, s.ClientVersion, asJSON(s.LastSeen), s.BasicInfo, s.OSAndVersions.CurrentUser, s.OSAndVersions.IPV4, s.OSAndVersions.MACAddress,
		asJSON(s.TimesAndStats.LastScan)}
}

func TestARowSaysWhatItsMachineSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p := w.build(rapid.IntRange(0, 2).Draw(t, "way"))
		total := 0
		for s, site := range w.sites {
			c := p.Chunk(site.ID)
			if c.Len() != len(w.records[s]) || c.Site() != site {
				t.Fatalf("%d rows of %v, want %d", c.Len(), c.Site(), len(w.records[s]))
			}
			total += c.Len()
			for i := range w.records[s] {
				rec, row := &w.records[s][i], c.Row(i)
				want := rec.machine(site, staleAfter)
				if got, want := rowFacts(row), machineFacts(want); !reflect.DeepEqual(got, want) {
					t.Fatalf("row\n%+v, machine\n%+v", got, want)
				}
				m := row.Machine(staleAfter)
				if got := machineFacts(m); !reflect.DeepEqual(got, machineFacts(want)) {
					t.Fatalf("made again\n%+v, machine\n%+v", got, machineFacts(want))
				}
				if got := reportOf(m.Status); !reflect.DeepEqual(got, reportOf(want.Status)) {
					t.Fatalf("report made again\n%+v\n%+v", got, reportOf(want.Status))
				}
				checkKnown(t, rec, row)
			}
		}
		if p.Len() != total {
			t.Fatalf("Len is %d, want %d", p.Len(), total)
		}
	})
}

func checkKnown(t *rapid.T, rec *record, row picture.Row) {
	for _, id := range []unity.MachineID{"", " ", "ab:::c", "X", "y"} {
		if want := unity.Fold(string(id)) != "" && unity.Fold(string(id)) == unity.Fold(string(rec.endpoint.MachineID)); row.SameMachine(id) != want {
			t.Fatalf("SameMachine(%q) of %q is not %v", id, rec.endpoint.MachineID, want)
		}
	}
	if rec.report == nil {
		if _, known := row.Infected(); known || !row.StatusAt().IsZero() {
			t.Fatal("a machine without a report knows something of one")
		}
		return
	}
	on, known := row.Infected()
	n, counted := row.ActiveThreats()
	managed, said := row.Managed()
	b := rec.report.BasicInfo
	if (unity.Bool{On: on, Known: known}) != b.Infected || (unity.Int{N: n, Known: counted}) != b.ActiveThreats || (unity.Bool{On: managed, Known: said}) != b.Managed ||
		!row.StatusAt().Equal(rec.statusAt) {
		t.Fatalf("infected %v %v, threats %d %v, managed %v %v at %v; want %+v", on, known, n, counted, managed, said, row.StatusAt(), b)
	}
}
