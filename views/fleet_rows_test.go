package views_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// asked is a fleet that remembers which sites' groups were asked for.
type asked struct {
	*album
	lock  sync.Mutex
	sites []unity.SiteID
}

// Name implements views.Fleet.
func (a *asked) Name(sites ...unity.SiteID) {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.sites = append(a.sites, sites...)
}

// nameless are sites with one machine each, whose groups have no names yet, unless named.
func nameless(sites int, named bool) *picture.Picture {
	var chunks []*picture.Chunk
	for i := range sites {
		id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
		b := picture.NewBuilder(picture.Site{ID: unity.SiteID(id), Name: unity.NewText(fmt.Sprintf("Site %03d", i))}, 1)
		e := unity.Endpoint{ID: unity.EndpointID(id), HostName: unity.NewText(fmt.Sprintf("PC-%03d", i)), GroupID: unity.GroupID(id)}
		group := unity.Text{}
		if named {
			group = unity.NewText("Front Office")
		}
		b.Add(&e, group, unity.NewText("Policy"), picturetest.Now())
		chunks = append(chunks, b.Chunk())
	}
	return picture.New(chunks, picture.Picture{SitesAt: picturetest.Now(), Total: sites, Done: sites})
}

// TestGroupsAreNamedWhereSomebodyLooks scrolls to rows far down: the groups of all that are on the screen are asked for, and those
// of the rows between are not.
func TestGroupsAreNamedWhereSomebodyLooks(t *testing.T) {
	for _, named := range []bool{false, true} {
		s := show(t, nameless(400, named), 160, 30)
		a := &asked{album: s.album}
		s.env.Fleet = a
		s.Press("0", "G")
		s.Advance(time.Second)
		if !s.Has("PC-399") || s.Has("PC-300") {
			t.Fatalf("the end of the list is not on the screen:\n%s", s.Screen())
		}
		a.lock.Lock()
		sites := slices.Clone(a.sites)
		a.lock.Unlock()
		screen := s.Screen()
		for i := range 400 {
			id := unity.SiteID(fmt.Sprintf("%08d-0000-4000-8000-000000000000", i))
			want := !named && strings.Contains(screen, fmt.Sprintf("PC-%03d", i))
			if got := slices.Contains(sites, id); i > 100 && i < 399 && got != want {
				t.Errorf("named %v: site %d was asked for: %v, want %v", named, i, got, want)
			}
		}
	}
}
