package views_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/views"
)

// TestEveryNumberOfTheDashboardOpensAsManyRows goes through the numbers of random worlds and counts what is behind each of them.
func TestEveryNumberOfTheDashboardOpensAsManyRows(t *testing.T) {
	for seed, size := range [][2]int{{25, 700}, {1, 1}, {2, 30}, {60, 1500}, {9, 90}, {40, 200}} {
		p := picturetest.Random(uint64(11+seed), size[0], size[1])
		keys := viewKeys(p)
		n := p.Counts(picturetest.Now(), fleet.DefaultStaleAfter)
		s := show(t, p, 120, 40)
		s.Press("tab")
		want := []string{}
		for i := 1; i <= 9; i++ {
			want = append(want, grouped(keys[fmt.Sprint(i)]))
		}
		want = append(want, grouped(p.Len()), grouped(n.ByState[fleet.StateOK]), grouped(n.Machines-n.Active), grouped(n.Unjoined))
		for i, rows := range want {
			s.Press("enter", "x")
			if got := s.rowCount(); got != rows {
				t.Fatalf("%v: behind number %d are %q rows, want %s:\n%s", size, i, got, rows, s.Screen())
			}
			s.Press("q", "j")
		}
	}
}

// TestCommandsUnderWayOpenTheirList: the number opens the list behind it.
func TestCommandsUnderWayOpenTheirList(t *testing.T) {
	s := show(t, picturetest.Random(3, 10, 200), 120, 40)
	s.want("commands under way")
	s.Press("tab")
	for range 15 { // the ten views and five numbers stand before it
		s.Press("j")
	}
	s.Press("enter")
	s.want("Commands under way", "No command that unitty has sent waits for its agent")
}

// TestDuplicatesAreAskedForOnce: whoever looks at the duplicates has what no list tells asked for, once a look.
func TestDuplicatesAreAskedForOnce(t *testing.T) {
	p := picturetest.Random(3, 10, 200)
	p.Done, p.Total = 10, 10
	s := show(t, p, 120, 40)
	s.Press("1")
	if s.album.identified != 0 {
		t.Fatal("machines are asked for though nobody looks at duplicates")
	}
	s.Press("5")
	s.Advance(time.Second)
	s.album.turn(func(a *album) { a.pic = p.Without(p.Chunks()[0].Site().ID) })
	s.Settle()
	s.album.mu.Lock()
	defer s.album.mu.Unlock()
	if s.album.identified != 1 {
		t.Fatalf("asked for %d times", s.album.identified)
	}
}

func TestDashboardCountsWhatThePictureShows(t *testing.T) {
	p := picturetest.Random(11, 25, 700)
	s := show(t, p, 120, 40)
	names := map[string]string{"1": "infected", "2": "needs attention", "3": "stale", "4": "deactivated, seen", "5": "duplicates",
		"6": "outdated agents", "7": "policy drift", "8": "seats over", "9": "licences ending", "0": "everything"}
	for key, n := range viewKeys(p) {
		_, rest, _ := strings.Cut(s.Screen(), key+" "+names[key])
		if fields := strings.Fields(rest); len(fields) == 0 || strings.TrimSuffix(fields[0], "+") != grouped(n) {
			t.Errorf("view %s has %d, the dashboard says otherwise:\n%s", key, n, s.Screen())
		}
	}
	next := p.Without(p.Chunks()[0].Site().ID)
	s.Advance(2 * time.Second)
	s.album.turn(func(a *album) { a.pic = next })
	if !s.WaitFor(" " + grouped(next.Len()) + "+ ") { // one of its sites is not there
		t.Fatalf("the dashboard does not follow the picture:\n%s", s.Screen())
	}
}

// TestDashboardSaysWhatItDoesNotKnow shows no zero where nothing was read.
func TestDashboardSaysWhatItDoesNotKnow(t *testing.T) {
	s := show(t, picture.New(nil, picture.Picture{}), 100, 30)
	if line := s.LineWith("1 infected"); !strings.Contains(line, "?") {
		t.Fatalf("a number is shown before anything was read: %q", line)
	}
	for _, name := range []string{"1 infected", "2 needs attention", "3 stale", "5 duplicates", "6 outdated agents", "0 everything", "machines ok", "deactivated  ",
		"without a report", "seats used"} {
		if _, rest, _ := strings.Cut(s.LineWith(name), name); !strings.HasPrefix(strings.TrimSpace(rest), "?") {
			t.Errorf("%s is shown before anything was read: %q", name, s.LineWith(name))
		}
	}
	s.Press("1")
	s.want("loading")
	s.Advance(time.Second)
	s.album.turn(func(a *album) { a.pic = picturetest.Random(1, 5, 90) })
	if !s.Until(func() bool { return s.rowCount() != "" }) {
		t.Fatalf("the list does not fill:\n%s", s.Screen())
	}
}

// TestFindShowsHowMuchWasSearched finds a machine by the end of its name, does something to it right there, and opens it.
func TestFindShowsHowMuchWasSearched(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	p.Failed = []fleet.SiteError{{Site: p.Sites[0].ID, Name: p.Sites[0].Name, Err: errors.New("504 gateway time-out")}}
	p.Done, p.Total = 9, 12
	s := show(t, p, 100, 30)
	var target picture.Row
	for r := range p.Rows() {
		if len(p.ByHost(r.Name())) == 1 && strings.HasPrefix(r.Name(), "DESKTOP-") {
			target = r
			break
		}
	}
	s.Press("f")
	s.Type(strings.ToLower(target.Name()[len(target.Name())-6:]))
	s.want(target.Name(), "searched 9 of 12 sites, 1 failed")
	s.Press("tab", "t")
	s.want("Threats")
	s.Press("q", "f")
	s.Type(strings.ToLower(target.Name()))
	s.Press("enter")
	s.want("Machine", target.Name())
}

// TestFindGoesOnWhileSitesAreRead emits hits of later pictures until all was searched.
func TestFindGoesOnWhileSitesAreRead(t *testing.T) {
	whole := picturetest.Random(4, 12, 400)
	last := largest(whole)
	first, late := whole.Without(last.Site().ID), last.Row(0)
	s := show(t, first, 100, 30)
	s.album.turn(func(a *album) { a.state = live.State{Phase: live.PhaseMachines, Done: 11, Total: 12} })
	var mu sync.Mutex
	var said []string
	found, seen := make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(found)
		s.env.Find(t.Context(), late.Name(), func(hits []ui.Hit, progress string) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, fmt.Sprintf("%s: %v", progress, slices.ContainsFunc(hits, func(h ui.Hit) bool { return h.Key == "endpoint/"+string(late.ID()) })))
			select {
			case seen <- struct{}{}:
			default:
			}
		})
	}()
	<-seen
	s.album.turn(func(a *album) { a.pic, a.state = whole, live.State{Phase: live.PhaseIdle} })
	<-found
	mu.Lock()
	defer mu.Unlock()
	if len(said) < 2 || !strings.HasPrefix(said[0], "searched 11 of 12 sites") || !strings.HasSuffix(said[0], "false") || !strings.HasSuffix(said[len(said)-1], "true") {
		t.Fatalf("the search said %q", said)
	}
}

func TestSavedViewsAreInThePalette(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	saved := []views.SavedView{
		{Name: "lost-laptops", Where: "host:laptop seen:>2d", Sort: "-seen"},
		{Name: "full", Where: "over:>0", Sort: "-used"},
		{Name: "wrong", Where: "host:x colour:red"},
		{Name: "unsorted", Where: "host:x", Sort: "colour"},
	}
	warnings := views.CheckViews(saved)
	if len(warnings) != 2 || !strings.Contains(warnings[0], `view "wrong": where: column 8`) || !strings.Contains(warnings[1], `no column "colour"`) {
		t.Fatalf("the warnings are %q", warnings)
	}
	s := show(t, p, 140, 40, saved...)
	s.want("column 8")
	q, err := picture.Language(false, fleet.DefaultStaleAfter, picturetest.Now, nil).Compile(saved[0].Where)
	if err != nil {
		t.Fatal(err)
	}
	s.Press("x", ":")
	s.Type("lost-lap")
	s.Press("enter")
	if got, want := s.rowCount(), grouped(p.Select(t.Context(), q, picturetest.Now()).Len()); got != want {
		t.Fatalf("%q rows, want %s:\n%s", got, want, s.Screen())
	}
	s.Press(":")
	s.Type("view full")
	s.Press("enter")
	if got, want := s.rowCount(), fmt.Sprint(viewKeys(p)["8"]); got != want {
		t.Fatalf("%q sites, want %s:\n%s", got, want, s.Screen())
	}
	s.Press(":")
	s.Type("view wrong")
	s.want("its selector is wrong")
}

// TestOfflineThePictureIsBrowsableAndActionsSayWhy opens a picture from disk while the server is out of reach.
func TestOfflineThePictureIsBrowsableAndActionsSayWhy(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	p.Stale = true
	s := show(t, p, 130, 30)
	s.album.turn(func(a *album) { a.state.Err = &unity.Error{Kind: unity.ErrUnreachable} })
	s.Press("0")
	s.want("from disk", "400 rows")
	s.Press("s")
	s.want("scan is not available: offline:")
	s.Press("x", "/")
	s.Type("desktop")
	s.want("DESKTOP-")
}

func TestWhatChangedIsListedAndCounted(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	now := picturetest.Now()
	row := largest(p).Row(0)
	s := show(t, p, 140, 30)
	s.Advance(2 * time.Second)
	s.album.turn(func(a *album) {
		a.changes = []live.Change{
			{Kind: live.ChangeInfected, Name: row.Name(), ID: row.ID(), Site: row.SiteID(), SiteName: row.SiteName(), At: now.Add(-time.Minute), Fact: now.Add(-time.Hour)},
			{Kind: live.ChangeGone, Name: "GONE-1", ID: "00000000-0000-4000-8000-000000000009", SiteName: row.SiteName(), At: now.Add(-time.Hour)},
		}
	})
	if !s.WaitFor("2, 1 infected") {
		t.Fatalf("the dashboard does not count it:\n%s", s.Screen())
	}
	s.Press(":")
	s.Type("what changed")
	s.Press("enter")
	s.want("infected", row.Name(), "GONE-1", "2 rows", "new")
	s.Press("j", "enter")
	s.want("GONE-1 is in no site any more")
	s.Press("x", "k", "enter")
	s.want("Machine")
	if s.env.Book.Book().Looked.IsZero() {
		t.Fatal("the look was not noted")
	}
}

func TestFavouritesAndRecentCustomers(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	s := show(t, p, 120, 30)
	var mu sync.Mutex
	var saved []views.Book
	s.env.Book = views.NewPlaceBook(views.Book{}, func(b views.Book) { mu.Lock(); defer mu.Unlock(); saved = append(saved, b) })
	s.Press("F")
	s.want("no customer was opened yet")
	s.Press("x", "j", "b", "x", "j", "enter", "q", "x", "F")
	s.want("favourite", "opened lately")
	s.Press("down", "enter", "x")
	s.want("Endpoints")
	s.env.Book.Flush()
	mu.Lock()
	defer mu.Unlock()
	last := saved[len(saved)-1]
	if len(last.Favourites) != 1 || len(last.Recent) != 1 || last.Format != views.BookFormat {
		t.Fatalf("saved was %+v", last)
	}
	if last.Recent[0].Name == "" || last.Recent[0].ID == last.Favourites[0].ID {
		t.Fatalf("saved was %+v", last)
	}
}

func TestRecentCustomersAreKeptInOrderAndBounded(t *testing.T) {
	b := views.NewPlaceBook(views.Book{}, nil)
	for i := range 40 {
		b.Visit(views.Place{ID: unity.SiteID(fmt.Sprint(i % 17)), Name: fmt.Sprint("site ", i%17)})
	}
	got := b.Book().Recent
	if len(got) != 12 || got[0].ID != "5" || got[1].ID != "4" {
		t.Fatalf("kept are %v", got)
	}
}

// TestChangesTouchTheirSites has the sites read again that a change has touched.
func TestChangesTouchTheirSites(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	s := show(t, p, 120, 30)
	row := largest(p).Row(0)
	s.env.Touched([]string{"commands/site-1", "endpoint/" + string(row.ID()), "endpoint/unknown", "sites"})
	if got := s.album.touched; len(got) != 2 || got[0] != "site-1" || got[1] != row.SiteID() {
		t.Fatalf("touched were %v", got)
	}
}

// TestUsageKeepsTheCountsApart holds the three counts of each site against the simulator's world.
func TestUsageKeepsTheCountsApart(t *testing.T) {
	c := open(t, 200, 60, unitytest.Options{Seed: 5, Sites: 8, Endpoints: 200})
	c.Press(":")
	c.Type("go to usage")
	c.Press("enter")
	c.Settle()
	w := c.sim.World()
	active := map[string]int{}
	for _, e := range w.Endpoints {
		if !e.Deactivated {
			active[e.SiteID]++
		}
	}
	c.want("Console", "Active", "Not hidden", "Seen 30 d", "Report of", w.Now.UTC().AddDate(0, 0, -2).Format("2006-01-02"), "8 rows")
	for _, s := range w.Sites {
		if unity.Clean(s.Name) != s.Name {
			continue
		}
		if line := c.LineWith(s.Name); !slices.Contains(strings.Fields(line), fmt.Sprint(active[s.ID])) {
			t.Errorf("%s has %d active endpoints, the line says %q", s.Name, active[s.ID], line)
		}
	}
}

// TestUsageWithoutTheScopeSaysSo shows what the console counts all the same.
func TestUsageWithoutTheScopeSaysSo(t *testing.T) {
	c := open(t, 160, 30, unitytest.Options{Seed: 5, Sites: 4, Endpoints: 60, User: unitytest.UserDefault})
	c.Press(":")
	c.Type("go to usage")
	c.Press("enter")
	c.Settle()
	c.want("SkyStatus.Reporting", "4 rows")
}
