package picture_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// TestReportsOverOthers: a chunk that gets other reports says what one says that was built with them.
func TestReportsOverOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		site := picture.Site{ID: "s", Name: unity.NewText("Site"), Key: "AAAABBBBCCCCDDDDEEEE"}
		var before, after []record
		var fresh []unity.Status
		since := time.Time{}
		if rapid.Bool().Draw(t, "forget") {
			since = now
		}
		for i := range rapid.IntRange(1, 6).Draw(t, "rows") {
			r := drawRecord(t, i)
			r.endpoint.MachineID = unity.MachineID(fmt.Sprint("machine ", i))
			before = append(before, r)
			switch {
			case rapid.Bool().Draw(t, "reported"):
				s := drawStatus(t)
				s.MachineID = r.endpoint.MachineID
				fresh = append(fresh, *s)
				r.report, r.statusAt = s, now
			case r.report == nil || r.statusAt.Before(since):
				r.report, r.note = nil, fleet.NoteNoAccess
			}
			after = append(after, r)
		}
		var reports picture.Reports
		reports.Add(fresh, now)
		got := reports.Match([]*picture.Chunk{buildSite(site, before, 0)}, false).Chunk(0, since, fleet.NoteNoAccess)
		want := buildSite(site, after, 0)
		for i := range after {
			a, b := got.Row(i), want.Row(i)
			if x, y := rowFacts(a), rowFacts(b); !reflect.DeepEqual(x, y) {
				t.Fatalf("row\n%+v, want\n%+v", x, y)
			}
			if x, y := reportOf(a.Machine(0).Status), reportOf(b.Machine(0).Status); !reflect.DeepEqual(x, y) {
				t.Fatalf("report\n%+v, want\n%+v", x, y)
			}
			checkKnown(t, &after[i], a)
		}
		for _, expr := range []string{"desk", "user:re", "ip:10", "mac:1a", "status:stale", "version:9.0.36", "os:windows"} {
			g := picture.Language(false, staleAfter, func() time.Time { return now }, nil)
			q, err := g.Compile(expr)
			if err != nil {
				t.Fatal(err)
			}
			x := picture.New([]*picture.Chunk{got}, picture.Picture{}).Select(t.Context(), q, now)
			y := picture.New([]*picture.Chunk{want}, picture.Picture{}).Select(t.Context(), q, now)
			if x.LeftOut != y.LeftOut || x.Len() != y.Len() {
				t.Fatalf("%s: %d and %d left out, want %d and %d", expr, x.Len(), x.LeftOut, y.Len(), y.LeftOut)
			}
		}
		if got.Unjoined() != want.Unjoined() {
			t.Fatalf("%d unjoined, want %d", got.Unjoined(), want.Unjoined())
		}
	})
}

// TestNamedGroups: names come to the groups that have none, and to no others.
func TestNamedGroups(t *testing.T) {
	b := picture.NewBuilder(picture.Site{ID: "s"}, 3)
	for i, own := range []string{"", "Own", ""} {
		e := unity.Endpoint{ID: unity.EndpointID(fmt.Sprint(i)), GroupID: unity.GroupID(fmt.Sprint("g", i)), GroupName: unity.NewText(own)}
		b.Add(&e, unity.Text{}, unity.Text{}, now)
	}
	bare := b.Chunk()
	named := bare.Named(map[unity.GroupID]unity.Text{"g0": unity.NewText("Front"), "g1": unity.NewText("Other")})
	for i, want := range []string{"Front", "Own", "g2"} {
		if got := named.Row(i).GroupLabel(); got != want {
			t.Errorf("group %d is %q, want %q", i, got, want)
		}
	}
	if bare.Row(0).GroupLabel() != "g0" || named.Named(nil) != named {
		t.Error("a chunk was changed, or made anew for nothing")
	}
	if !named.Nameless(nil) || named.Nameless(map[unity.GroupID]unity.Text{"g2": {}}) {
		t.Error("Nameless does not tell the group without a name")
	}
}
