package picture_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// fits is the rule of joining, told by brute force: the one report of a machine, or -1.
func fits(machines []*fleet.Machine, reports []unity.Status, whole bool, of int) int {
	id := func(m unity.MachineID) string { return unity.Fold(string(m)) }
	host := func(t unity.Text) string { return unity.Fold(t.Raw()) }
	goes := func(r *unity.Status, m *fleet.Machine) bool {
		switch {
		case r.MachineID != "":
			return id(r.MachineID) != "" && id(r.MachineID) == id(m.MachineID)
		case !whole || host(r.HostName) == "" || host(r.HostName) != host(m.HostName):
			return false
		default:
			return r.Keycode == "" || r.Keycode == m.SiteKey
		}
	}
	found := -1
	for i := range reports {
		r := &reports[i]
		if !goes(r, machines[of]) || r.MachineID != "" && r.Keycode != "" && machines[of].SiteKey != "" && r.Keycode != machines[of].SiteKey {
			continue
		}
		bearers, namesakes := 0, 0
		for _, m := range machines {
			if goes(r, m) {
				bearers++
			}
		}
		for j := range reports {
			o := &reports[j]
			if host(o.HostName) == host(r.HostName) && (r.Keycode == "" || o.Keycode == r.Keycode) {
				namesakes++
			}
		}
		if bearers > 1 || r.MachineID == "" && namesakes > 1 {
			continue
		}
		if found >= 0 {
			return -1 // two reports fit it
		}
		found = i
	}
	return found
}

// drawJoin makes machines and reports with few names, so that many are shared.
func drawJoin(t *rapid.T) (machines []*fleet.Machine, reports []unity.Status) {
	ids := rapid.SampledFrom([]string{"", "", " ", "A:::b", "a:::B", "c", "d", "e", "f"})
	hosts := rapid.SampledFrom([]string{"", " ", "x", "X", "y", "ý", "z", "v", "w", "\u0301"})
	keys := rapid.SampledFrom([]unity.Keycode{"", "AAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBB", "CCCCCCCCCCCCCCCCCCCC"})
	for i := range rapid.IntRange(0, 9).Draw(t, "machines") {
		key := keys.Draw(t, "site")
		machines = append(machines, &fleet.Machine{SiteID: unity.SiteID("site " + key), SiteKey: key, Endpoint: unity.Endpoint{
			ID: unity.EndpointID(fmt.Sprint(i)), MachineID: unity.MachineID(ids.Draw(t, "id")), HostName: unity.NewText(hosts.Draw(t, "host"))}})
	}
	withIDs := rapid.Bool().Draw(t, "reports have ids")
	for range rapid.IntRange(0, 9).Draw(t, "reports") {
		s := unity.Status{HostName: unity.NewText(hosts.Draw(t, "host")), Keycode: keys.Draw(t, "key")}
		if withIDs {
			s.MachineID = unity.MachineID(ids.Draw(t, "id"))
		}
		s.OSAndVersions.CurrentUser = unity.NewText(fmt.Sprint("user ", len(reports)))
		reports = append(reports, s)
	}
	return machines, reports
}

// pictureOf puts machines into a picture; those that had a report keep it.
func pictureOf(machines []*fleet.Machine) *picture.Picture {
	builders := map[unity.SiteID]*picture.Builder{}
	for _, m := range machines {
		if builders[m.SiteID] == nil {
			builders[m.SiteID] = picture.NewBuilder(picture.Site{ID: m.SiteID, Key: m.SiteKey}, 0)
		}
		b := builders[m.SiteID]
		if i := b.Add(&m.Endpoint, m.Group, m.Policy, now); m.Status != nil {
			b.Report(i, m.Status, now)
		}
	}
	var chunks []*picture.Chunk
	for _, b := range builders {
		chunks = append(chunks, b.Chunk())
	}
	return picture.New(chunks, picture.Picture{})
}

func TestNoReportLandsOnAnotherMachine(t *testing.T) {
	joined, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		machines, reports := drawJoin(t)
		whole := rapid.Bool().Draw(t, "whole")
		before := &unity.Status{}
		before.OSAndVersions.CurrentUser = unity.NewText("from before")
		for _, m := range machines {
			if rapid.IntRange(0, 3).Draw(t, "had one") == 0 {
				m.Status = before
			}
		}
		p := pictureOf(machines)
		var batches picture.Reports
		for rest := reports; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			batches.Add(rest[:n], now.Add(-time.Minute))
			rest = rest[n:]
		}
		after := p.Join(&batches, whole)
		want := make([]string, len(machines))
		open := 0
		for i, m := range machines {
			switch r := fits(machines, reports, whole, i); {
			case r >= 0:
				want[i] = fmt.Sprint("user ", r)
				joined++
			case m.Status != nil:
				want[i] = "from before"
			default:
				open++
				refused++
			}
		}
		if n := fleet.Join(machines, reports, whole); n != open || after.Unjoined != open || batches.Len() != len(reports) {
			t.Fatalf("%d and %d machines are counted as without report, want %d", n, after.Unjoined, open)
		}
		for i, m := range machines {
			row, ok := after.Get(m.ID)
			if !ok {
				t.Fatalf("machine %d is gone", i)
			}
			if row.User() != want[i] || m.User() != want[i] {
				t.Fatalf("machine %d has the report %q in the picture and %q in the fleet, want %q", i, row.User(), m.User(), want[i])
			}
			if note := row.Note(); (note == fleet.NoteNotJoined) != (want[i] == "") || row.Joined() != (want[i] != "") {
				t.Fatalf("machine %d says %q", i, note)
			}
			if fresh := row.Joined() && want[i] != "from before"; fresh && !row.StatusAt().Equal(now.Add(-time.Minute)) {
				t.Fatalf("machine %d was reported at %v", i, row.StatusAt())
			}
		}
	})
	if joined == 0 || refused == 0 {
		t.Errorf("%d joined, %d not: the property says too little", joined, refused)
	}
}

func TestOneSiteIsJoinedByItself(t *testing.T) {
	const a, b = "AAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBB"
	machines := []*fleet.Machine{
		{SiteID: "a", SiteKey: a, Endpoint: unity.Endpoint{ID: "1", HostName: unity.NewText("x")}},
		{SiteID: "b", SiteKey: b, Endpoint: unity.Endpoint{ID: "2", HostName: unity.NewText("x")}}}
	p := pictureOf(machines)
	row := unity.Status{HostName: unity.NewText("X"), Keycode: a} // what rows say of their site does not count here
	row.OSAndVersions.CurrentUser = unity.NewText("kim")
	var all, site picture.Reports
	all.Add([]unity.Status{{HostName: unity.NewText("x")}}, now)
	if n := p.Join(&all, true).Unjoined; n != 2 {
		t.Fatalf("%d machines without a report, want both: they have one name", n)
	}
	site.AddSite(b, []unity.Status{row}, now)
	after := p.Join(&site, true, "b")
	one, _ := after.Get("1")
	two, _ := after.Get("2")
	if one.Joined() || two.User() != "kim" || after.Unjoined != 1 || after.Chunk("a") != p.Chunk("a") {
		t.Errorf("joined are %v and %q, %d without", one.Joined(), two.User(), after.Unjoined)
	}
	noted := after.WithNote(fleet.NoteNoScope)
	one, _ = noted.Get("1")
	two, _ = noted.Get("2")
	if one.Note() != fleet.NoteNoScope || two.Note() != "" || noted.Chunk("b") != after.Chunk("b") {
		t.Errorf("notes are %q and %q", one.Note(), two.Note())
	}
}

func TestALargePictureIsJoinedByAllProcessors(t *testing.T) {
	p := picturetest.Random(5, 40, 30_000)
	var bare []*picture.Chunk
	var reports picture.Reports
	want := map[unity.EndpointID]string{}
	for _, c := range p.Chunks() {
		b := picture.NewBuilder(c.Site(), c.Len())
		for i := range c.Len() {
			m := c.Row(i).Machine(0)
			m.MachineID = unity.MachineID("id:::" + m.ID)
			b.Add(&m.Endpoint, m.Group, m.Policy, now)
			if m.Status != nil {
				m.Status.MachineID = m.MachineID
				reports.Add([]unity.Status{*m.Status}, now)
				want[m.ID] = m.MAC()
			}
		}
		bare = append(bare, b.Chunk())
	}
	after := picture.New(bare, picture.Picture{StatusErr: errors.New("kept")}).Join(&reports, true)
	for r := range after.Rows() {
		if r.MAC() != want[r.ID()] {
			t.Fatalf("%s has the report of %s", r.ID(), r.MAC())
		}
	}
	if after.Unjoined != p.Len()-len(want) || after.StatusErr == nil {
		t.Errorf("%d without a report, want %d", after.Unjoined, p.Len()-len(want))
	}
}
