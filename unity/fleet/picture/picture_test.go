package picture_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// siteOf makes a chunk of a site with machines of those ids.
func siteOf(site string, ids ...string) *picture.Chunk {
	b := picture.NewBuilder(picture.Site{ID: unity.SiteID(site)}, len(ids))
	for _, id := range ids {
		b.Add(&unity.Endpoint{ID: unity.EndpointID(id), HostName: unity.NewText("Host-" + id)}, unity.Text{}, unity.Text{}, now)
	}
	return b.Chunk()
}

func TestPicturesShareWhatDoesNotChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[string][]string{}
		p := picture.New(nil, picture.Picture{Console: "c"})
		older := map[*picture.Picture]int{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			older[p] = p.Len()
			site := fmt.Sprint("s", rapid.IntRange(0, 9).Draw(t, "site"))
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				p = p.Without(unity.SiteID(site))
				delete(model, site)
			case 1:
				p.Get("1") // makes the index that later pictures inherit
			default:
				var ids []string
				for range rapid.IntRange(0, 4).Draw(t, "machines") {
					ids = append(ids, fmt.Sprint(site, "-", rapid.IntRange(0, 9).Draw(t, "id")))
				}
				p = p.With(siteOf(site, ids...))
				model[site] = ids
			}
			checkModel(t, p, model)
		}
		for q, n := range older {
			count := 0
			for range q.Rows() {
				count++
			}
			if count != n || q.Len() != n || q.Console != "c" {
				t.Fatalf("an older picture has %d machines, had %d", count, n)
			}
		}
	})
}

func checkModel(t *rapid.T, p *picture.Picture, model map[string][]string) {
	total := 0
	for s := range 10 {
		site := fmt.Sprint("s", s)
		c := p.Chunk(unity.SiteID(site))
		ids, ok := model[site]
		if (c != nil) != ok || c.Len() != len(ids) {
			t.Fatalf("site %s has %d machines, want %d", site, c.Len(), len(ids))
		}
		total += len(ids)
		for i := range 10 {
			id := fmt.Sprint(site, "-", i)
			r, found := p.Get(unity.EndpointID(id))
			wanted := false
			for _, x := range ids {
				wanted = wanted || x == id
			}
			if found != wanted || found && (string(r.ID()) != id || string(r.SiteID()) != site || r.Chunk() != c) {
				t.Fatalf("Get(%s) is %v, want %v", id, found, wanted)
			}
			if rows := p.ByHost("HOST-" + id); (len(rows) > 0) != wanted {
				t.Fatalf("ByHost(%s) gives %d rows", id, len(rows))
			}
		}
	}
	if p.Len() != total || len(p.Chunks()) != len(model) {
		t.Fatalf("%d machines of %d sites, want %d of %d", p.Len(), len(p.Chunks()), total, len(model))
	}
}

func TestByHostTakesWholeNamesOnly(t *testing.T) {
	b := picture.NewBuilder(picture.Site{ID: "s"}, 0)
	for i, host := range []string{"Kiósk-01", "KIOSK-01", "kiosk-011", "xkiosk-01", "", " ", "\u0301"} {
		b.Add(&unity.Endpoint{ID: unity.EndpointID(fmt.Sprint(i)), HostName: unity.NewText(host)}, unity.Text{}, unity.Text{}, now)
	}
	p := picture.New([]*picture.Chunk{b.Chunk()}, picture.Picture{})
	if rows := p.ByHost("kiosk-01"); len(rows) != 2 || rows[0].ID() != "0" || rows[1].ID() != "1" {
		t.Errorf("the name finds %d", len(rows))
	}
	for _, nobody := range []string{"", "  ", "\u0301", "kiosk"} {
		if rows := p.ByHost(nobody); len(rows) != 0 {
			t.Errorf("%q finds %d", nobody, len(rows))
		}
	}
}

func TestComplete(t *testing.T) {
	for _, x := range []struct {
		p    picture.Picture
		want bool
	}{
		{picture.Picture{Done: 2, Total: 2}, true}, {picture.Picture{Done: 1, Total: 2}, false}, {picture.Picture{}, false},
		{picture.Picture{Done: 2, Total: 2, Stale: true}, false}, {picture.Picture{Done: 2, Total: 2, Failed: []fleet.SiteError{{}}}, false},
	} {
		if got := picture.New(nil, x.p).Complete(); got != x.want {
			t.Errorf("%+v is complete: %v", x.p, got)
		}
	}
}

func TestAKeptRowMovesToTheBuildersSite(t *testing.T) {
	from := siteOf("a", "1")
	b := picture.NewBuilder(picture.Site{ID: "b", Name: unity.NewText("Other")}, 0)
	if i := b.Keep(from.Row(0)); i != 0 || b.Len() != 1 {
		t.Errorf("the index is %d of %d", i, b.Len())
	}
	if r := b.Chunk().Row(0); r.ID() != "1" || r.SiteID() != "b" || r.SiteName().Raw() != "Other" || r == from.Row(0) {
		t.Errorf("the row is %s of %s", r.ID(), r.SiteID())
	}
}

func TestHandlesOfOneRowAreEqual(t *testing.T) {
	c := siteOf("a", "1", "2")
	again, _ := picture.New([]*picture.Chunk{c}, picture.Picture{}).Get("2")
	if again != c.Row(1) || again == c.Row(0) || !again.Valid() || (picture.Row{}).Valid() {
		t.Error("handles do not compare as they should")
	}
}
