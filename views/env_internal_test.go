package views

import (
	"fmt"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

func machineOf(site unity.SiteID, id string) *fleet.Machine {
	m := &fleet.Machine{SiteID: site}
	m.ID = unity.EndpointID(id)
	return m
}

// stillFleet has one picture and does nothing.
type stillFleet struct {
	Fleet
	pic *picture.Picture
}

func (f stillFleet) Current() *picture.Picture { return f.pic }

// TestReportsOfAFewSitesAreKept: a reload shows what was known, and somebody who looks at all customers does not fill the memory.
func TestReportsOfAFewSitesAreKept(t *testing.T) {
	e := NewEnv(nil, "user")
	sites := make([]unity.SiteID, 2*recalled)
	for i := range sites {
		sites[i] = unity.SiteID(fmt.Sprint("site ", i))
		told := machineOf(sites[i], fmt.Sprint("told ", i))
		told.Status = &unity.Status{}
		e.keepReports(sites[i], []*fleet.Machine{told, machineOf(sites[i], fmt.Sprint("silent ", i))})
		e.keepReports(sites[0], []*fleet.Machine{{Endpoint: unity.Endpoint{ID: "told 0"}, Status: &unity.Status{}}}) // it is read all the time
	}
	for i, site := range sites {
		told, silent := machineOf(site, fmt.Sprint("told ", i)), machineOf(site, fmt.Sprint("silent ", i))
		told.StatusNote = fleet.NoteNotLoaded
		e.recall(site, []*fleet.Machine{told, silent})
		want := i == 0 || i > recalled
		if (told.Status != nil) != want || (told.StatusNote == "") != want || silent.Status != nil {
			t.Errorf("site %d: recalled %v with note %q, want %v; the silent one %v", i, told.Status != nil, told.StatusNote, want, silent.Status != nil)
		}
	}
	if len(e.reports) != recalled {
		t.Errorf("the reports of %d sites are kept", len(e.reports))
	}
}

// TestTheLaterReadingCounts: what is chosen goes by what was read last, and not by the list in which it was once seen.
func TestTheLaterReadingCounts(t *testing.T) {
	at := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	b := picture.NewBuilder(picture.Site{ID: "site"}, 0)
	b.Add(&unity.Endpoint{ID: "one", HostName: unity.NewText("new name")}, unity.Text{}, unity.Text{}, at)
	p := picture.New([]*picture.Chunk{b.Chunk()}, picture.Picture{})
	for _, tc := range []struct {
		listed time.Duration
		want   string
	}{{-time.Hour, "new name"}, {time.Hour, "listed name"}} {
		e := NewEnv(nil, "user")
		e.Fleet = stillFleet{pic: p}
		m := machineOf("site", "one")
		m.HostName, m.ReadAt = unity.NewText("listed name"), at.Add(tc.listed)
		e.keepMachines([]*fleet.Machine{m})
		if refs := e.refs([]string{"one", "nobody"}); len(refs) != 1 || refs[0].HostName.String() != tc.want {
			t.Errorf("listed %s beside the picture: %v", tc.listed, refs)
		}
	}
}
