package live

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/snapshot"
	"github.com/unitty/unitty/unity/unitytest"
)

// start runs the loop and gives its end.
func start(t *testing.T, f *Fleet) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the loop ended with %v", err)
		}
	}
}

// wait lets simulated time pass.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestADayOfIdling holds the numbers that the documentation of the package states: 96 times the list of sites and the
// batches of reports, and each of 200 sites once, with some room for the day's edges.
func TestADayOfIdling(t *testing.T) {
	sites, small := int64(200), int64(20)
	if testing.Short() {
		sites = 40 // two days of 800 machines that report keep the race detector busy for a minute
	}
	day := func(o unitytest.Options, silent bool) (first, calls int64) {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, o)
			if silent {
				for _, e := range l.sim.World().Endpoints {
					if err := l.sim.StopPolling(e.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			f := l.fleet(Options{Random: func() float64 { return 0.5 }})
			stop := start(t, f)
			// The sites' turns begin a day after they were all read at once.
			wait(25 * time.Hour)
			first = f.State().Calls
			l.forget()
			wait(24 * time.Hour)
			calls = f.State().Calls - first
			stop()
			asked := l.count("machineId")
			t.Logf("sites %d, reports of the console %d, of sites %d and of single machines %d, machines %d, groups %d", l.count("/sites")-l.count("/sites/"),
				l.count("status/gsm"), l.count("status/site")-asked, asked, l.count("/endpoints"), l.count("/groups"))
			share := 0
			for _, c := range f.Current().Chunks() {
				share += len(alike(c))
			}
			if asked > share+mostSuspects || l.count("status/site")-asked > o.Sites+96 {
				t.Errorf("%d calls for the %d machines that share their name, and %d for the reports of %d sites", asked, share, l.count("status/site")-asked, o.Sites)
			}
			check(t, f.Current(), l, unitytest.UserSuper)
		})
		return first, calls
	}
	o := unitytest.Options{Sites: int(sites), Endpoints: 2 * int(sites), Seed: 3, Variants: []string{"status-with-ids", "endpoint-names"}}
	if first, calls := day(o, true); calls < 96*2+sites-small || calls > 96*2+sites+small {
		t.Errorf("a quiet day of %d sites costs %d calls after %d before", sites, calls, first)
	} else {
		t.Logf("%d sites, nothing changes: %d calls in 25 hours, %d in the day after", sites, first, calls)
	}
	o.Endpoints = 4 * int(sites)
	if first, calls := day(o, false); calls > 96*(1+1)+sites+small {
		t.Errorf("a day of %d sites and %d machines costs %d calls after %d before", sites, o.Endpoints, calls, first)
	} else {
		t.Logf("%d sites, %d machines report all the time: %d calls in 25 hours, %d in the day after", sites, o.Endpoints, first, calls)
	}
	// Without machine ids names have to do, and what shares its name is asked for.
	o.Variants = []string{"endpoint-names"}
	if first, calls := day(o, true); calls < 96*2+sites-small || calls > 96*2+sites+small {
		t.Errorf("a quiet day of %d sites whose reports have no machine ids costs %d calls after %d before", sites, calls, first)
	} else {
		t.Logf("%d sites, reports without machine ids, nothing changes: %d calls in 25 hours, %d in the day after", sites, first, calls)
	}
	if first, calls := day(o, false); calls > 96*2+2*sites+small+100 {
		t.Errorf("a day of %d sites and %d machines whose reports have no machine ids costs %d calls after %d before", sites, o.Endpoints, calls, first)
	} else {
		t.Logf("%d sites, reports without machine ids, %d machines report all the time: %d calls in 25 hours, %d in the day after", sites, o.Endpoints, first, calls)
	}
}

// TestTurnsAreSpread: the sites' turns do not come all at once, a day after they were.
func TestTurnsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 40, Endpoints: 80, Seed: 3, Variants: []string{"status-with-ids", "endpoint-names"}})
		calm(t, l)
		f := l.fleet(Options{Random: func() float64 { return 0.5 }})
		stop := start(t, f)
		defer stop()
		wait(23 * time.Hour)
		all := 0
		for range 96 {
			l.forget()
			wait(DefaultEvery)
			if n := l.count("/endpoints"); n > 2 {
				t.Fatalf("%d sites were read within %v", n, DefaultEvery)
			} else {
				all += n
			}
		}
		if all < 35 || all > 45 {
			t.Errorf("%d sites were read within a day", all)
		}
	})
}

// TestDeltaSeesChanges: what happens in the world is in the picture after a delta, and among the changes.
func TestDeltaSeesChanges(t *testing.T) {
	for _, variant := range []string{"status-no-ids", "status-with-ids"} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, unitytest.Options{Sites: 20, Endpoints: 600, Seed: 11, Variants: []string{variant}})
			f := l.fleet(Options{})
			sync1(t, f)
			if len(f.Changes()) != 0 {
				t.Fatalf("the first sync noticed %d changes", len(f.Changes()))
			}
			var sick, gone, moved unitytest.EndpointTruth
			var off picture.Row
			sites := l.sim.World().Sites
			for r := range f.Current().Rows() {
				e := visible(l.sim.World(), unitytest.UserSuper)[string(r.ID())]
				switch {
				case !r.Joined() || r.Deactivated() || e.Infected || e.HostName == "" || e.MAC == "":
				case sick.ID == "":
					sick = e
				case gone.ID == "" && e.SiteID != sick.SiteID && e.SiteID != sites[1].ID:
					gone = e
				case off == (picture.Row{}) && e.SiteID == sick.SiteID:
					off = r
				case moved.ID == "" && e.SiteID != gone.SiteID && e.SiteID != sick.SiteID && sites[0].ID != e.SiteID && sites[1].ID != e.SiteID:
					moved = e
				}
			}
			wait(time.Minute)
			fresh, err := l.sim.InsertEndpoint(sites[1].ID, "DESKTOP-NEW0001")
			for _, err := range []error{err, l.sim.Infect(sick.ID, "evil.exe", "W32.Evil"), l.sim.RemoveEndpoint(gone.ID), l.sim.MoveEndpoint(moved.ID, sites[0].ID),
				deactivate(t, l, off)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			wait(time.Minute)
			l.forget()
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			check(t, f.Current(), l, unitytest.UserSuper)
			if n := l.count("/endpoints"); n == 0 || n > 6 {
				t.Errorf("%s: %d sites were read", variant, n)
			}
			kinds := map[ChangeKind]string{}
			for _, c := range f.Changes() {
				kinds[c.Kind] += " " + string(c.ID)
				if c.At.IsZero() || c.Name == "" || c.Site == "" {
					t.Errorf("%+v", c)
				}
			}
			for kind, id := range map[ChangeKind]string{ChangeInfected: sick.ID, ChangeNew: fresh, ChangeGone: gone.ID, ChangeDeactivated: string(off.ID())} {
				if !strings.Contains(kinds[kind], id) {
					t.Errorf("%s: %s is not %s: %v", variant, id, kind, kinds)
				}
			}
			if strings.Contains(kinds[ChangeGone], string(off.ID())) {
				t.Errorf("%s: a machine that was deactivated is gone: %v", variant, kinds)
			}
			if strings.Contains(kinds[ChangeNew]+kinds[ChangeGone], moved.ID) {
				t.Errorf("%s: a machine that was moved is new or gone: %v", variant, kinds)
			}
			if err := l.sim.Clean(sick.ID); err != nil {
				t.Fatal(err)
			}
			wait(time.Minute)
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c := f.Changes(); len(c) == 0 || !slices.ContainsFunc(c, func(c Change) bool { return c.Kind == ChangeRecovered && string(c.ID) == sick.ID }) {
				t.Errorf("%s: nobody noticed that %s recovered: %+v", variant, sick.ID, c)
			}
		})
	}
}

// TestStaleIsNoticed when its time comes, though nothing was sent.
func TestStaleIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 3, Endpoints: 30, Seed: 5, Variants: []string{"status-with-ids"}})
		f := l.fleet(Options{StaleAfter: 48 * time.Hour})
		sync1(t, f)
		var id string
		for r := range f.Current().Rows() {
			if state, _ := r.State(l.client.Now(), 48*time.Hour); state == fleet.StateOK {
				id = string(r.ID())
			}
		}
		if err := l.sim.StopPolling(id); err != nil {
			t.Fatal(err)
		}
		stop := start(t, f)
		wait(72 * time.Hour)
		stop()
		found := false
		for _, c := range f.Changes() {
			if c.Kind == ChangeStale && string(c.ID) == id {
				found = true
				if late := c.At.Sub(c.Fact); late < 0 || late > 20*time.Minute {
					t.Errorf("noticed %s late", late)
				}
			}
		}
		if !found {
			t.Errorf("%s is stale and nobody says so: %+v", id, f.Changes())
		}
	})
}

// TestSameNameElsewhere: a new machine with the name of an old one at another site sends a report before its site was read.
// The report must not land on the old one.
func TestSameNameElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 10, Endpoints: 200, Seed: 2})
		f := l.fleet(Options{})
		sync1(t, f)
		for r := range f.Current().Rows() {
			if !r.Joined() || r.Deactivated() || len(f.Current().ByHost(r.Name())) > 1 {
				continue
			}
			other := l.sim.World().Sites[0].ID
			if other == string(r.SiteID()) {
				continue
			}
			if _, err := l.sim.InsertEndpoint(other, r.Name()); err != nil {
				t.Fatal(err)
			}
			break
		}
		// A colleague renames a machine to what another one is called: the number of machines does not tell.
		var names []string
		for r := range f.Current().Rows() {
			if r.Joined() && !r.Deactivated() && len(f.Current().ByHost(r.Name())) == 1 {
				names = append(names, string(r.ID()), r.Name())
			}
		}
		if err := errors.Join(l.sim.RenameEndpoint(names[0], "X-"+names[1]), l.sim.RenameEndpoint(names[2], names[1])); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		truth := visible(l.sim.World(), unitytest.UserSuper)
		for r := range f.Current().Rows() {
			if e := truth[string(r.ID())]; r.Joined() && (r.MAC() != e.MAC || r.User() != e.User) {
				t.Errorf("%s has the report of another machine: %v", r.Name(), wrongs(r, e))
			}
		}
	})
}

// TestSwapIsSeen: one machine came and one left, so the number of machines is the same; the report gives it away.
func TestSwapIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 100, Seed: 2, Variants: []string{"status-with-ids"}})
		f := l.fleet(Options{})
		sync1(t, f)
		wait(2 * time.Hour)
		r := f.Current().Chunks()[2].Row(0)
		fresh, err := l.sim.InsertEndpoint(string(r.SiteID()), "DESKTOP-SWAPPED")
		if err := errors.Join(err, l.sim.RemoveEndpoint(string(r.ID()))); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if row, ok := f.Current().Get(unity.EndpointID(fresh)); !ok || !row.Joined() {
			t.Errorf("the new machine is there: %v", ok)
		}
		check(t, f.Current(), l, unitytest.UserSuper)
	})
}

func TestTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 60, Seed: 2, Variants: []string{"endpoint-names"}})
		f := l.fleet(Options{})
		stop := start(t, f)
		wait(time.Minute)
		l.forget()
		r := f.Current().Chunks()[2].Row(0)
		if err := l.sim.RenameEndpoint(string(r.ID()), "RENAMED-1"); err != nil {
			t.Fatal(err)
		}
		f.Touch(r.SiteID())
		wait(3 * time.Second)
		stop()
		if now, ok := f.Current().Get(r.ID()); !ok || now.Name() != "RENAMED-1" {
			t.Errorf("%v %s", ok, now.Name())
		}
		if n := l.count("/endpoints"); n != 1 {
			t.Errorf("%d sites were read", n)
		}
	})
}

// TestNoScope: a user whose token has Console.GSM only has machines, and every one says why there is no report.
func TestNoScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, o := range []Options{{}, {WithStatus: func() bool { return false }}} {
			l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 60, Seed: 2, User: unitytest.UserDefault})
			f := l.fleet(o)
			sync1(t, f)
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			p := f.Current()
			if p.Len() != 60 || !p.Complete() || p.Unjoined != 60 || !errors.Is(p.StatusErr, unity.ErrScope) {
				t.Errorf("%d machines, %d unjoined, %v", p.Len(), p.Unjoined, p.StatusErr)
			}
			for r := range p.Rows() {
				if r.Note() != fleet.NoteNoScope {
					t.Fatalf("note %q", r.Note())
				}
			}
			if n := l.count("/status/site"); n > 0 {
				t.Errorf("%d sites were asked for reports all the same", n)
			}
		}
	})
}

// TestFailedSiteKeepsItsRows: old rows stay with their age, the site is named, and is read as soon as it answers.
func TestFailedSiteKeepsItsRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 90, Seed: 4})
		f := l.fleet(Options{})
		sync1(t, f)
		site := f.Current().Chunks()[1].Site()
		was := f.Current().Chunk(site.ID)
		wait(time.Hour)
		l.when(string(site.ID)+"/endpoints", http.StatusInternalServerError, -1)
		sync1(t, f)
		p := f.Current()
		if len(p.Failed) != 1 || p.Failed[0].Site != site.ID || p.Complete() || p.Done != p.Total {
			t.Errorf("%v, %d of %d", p.Failed, p.Done, p.Total)
		}
		if c := p.Chunk(site.ID); c.Len() != was.Len() || !c.ReadAt().Equal(was.ReadAt()) {
			t.Errorf("%d rows of %s, had %d of %s", c.Len(), c.ReadAt(), was.Len(), was.ReadAt())
		}
		l.clear()
		if err := f.Refresh(t.Context()); err != nil || len(f.Current().Failed) > 0 {
			t.Errorf("%v %v", err, f.Current().Failed)
		}
		check(t, f.Current(), l, unitytest.UserSuper)
	})
}

// TestGatewayTimeouts: a site that cannot be read in large pages is read in small ones, and that is remembered.
func TestGatewayTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 2, Endpoints: 300, Seed: 4})
		f := l.fleet(Options{})
		l.when("pageSize=1000", http.StatusGatewayTimeout, -1)
		sync1(t, f)
		check(t, f.Current(), l, unitytest.UserSuper)
		l.forget()
		sync1(t, f)
		if n := l.count("/endpoints"); n != 3 && n != 2 {
			t.Errorf("%d calls, though the size is known", n)
		}
		l.when("batchSize=1000", http.StatusGatewayTimeout, -1)
		sync1(t, f)
		if p := f.Current(); p.StatusErr != nil || len(joinable(p)) > 0 {
			t.Errorf("%v, %v", p.StatusErr, joinable(p))
		}
	})
}

// TestBrokenWalk: the reports of the console cannot be walked to the end, so sites are asked.
func TestBrokenWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 12, Endpoints: 1500, Seed: 4})
		f := l.fleet(Options{})
		l.when("continuation=", http.StatusBadRequest, -1)
		sync1(t, f)
		p := f.Current()
		if lost := joinable(p); len(lost) > 0 {
			t.Errorf("%d machines have no report: %s", len(lost), lost[0])
		}
		check(t, p, l, unitytest.UserSuper)
	})
}

// TestOutOfReach: without an answer nobody asks hundreds of sites, and the picture stays.
func TestOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 100, Endpoints: 300, Seed: 4})
		f := l.fleet(Options{})
		sync1(t, f)
		l.when("/service", http.StatusServiceUnavailable, -1)
		l.forget()
		if err := f.Sync(t.Context()); !errors.Is(err, unity.ErrUnavailable) || f.State().Err == nil {
			t.Errorf("%v, state %v", err, f.State().Err)
		}
		if p := f.Current(); p.Len() != 300 {
			t.Errorf("%d machines are left", p.Len())
		}
		if n := l.count(""); n > 20 {
			t.Errorf("%d calls to a server that does not answer", n)
		}
	})
}

// TestTokenExpiresInTheMiddle of a sync, several times.
func TestTokenExpiresInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 60, Endpoints: 600, Seed: 4, Latency: 200 * time.Millisecond, AccessTTL: 700 * time.Millisecond})
		f := l.fleet(Options{})
		sync1(t, f)
		if p := f.Current(); !p.Complete() {
			t.Errorf("%v", p.Failed)
		}
		check(t, f.Current(), l, unitytest.UserSuper)
		if n := l.count("/auth/token"); n != 0 {
			t.Errorf("%d", n) // tokens do not pass the transport
		}
	})
}

// TestPublication: the first picture comes with the list of sites, then one every 250 ms at most, the last at the end.
func TestPublication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 150, Endpoints: 1500, Seed: 4, Latency: 80 * time.Millisecond})
		f := l.fleet(Options{})
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- f.Sync(t.Context()) }()
		var at []time.Duration
		revision := uint64(0)
		for running := true; running; {
			select {
			case <-f.Changed():
				if p := f.Current(); p.Revision != revision {
					revision = p.Revision
					at = append(at, time.Since(began))
					if len(at) == 1 && (len(p.Sites) != 150 || time.Since(began) > 300*time.Millisecond) {
						t.Errorf("the first picture has %d sites after %s", len(p.Sites), time.Since(began))
					}
				}
			case err := <-done:
				running = false
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := len(at); n < 3 || n > 4+int(at[n-1]/publishEvery) {
			t.Errorf("%d pictures: %v", n, at)
		}
		if p := f.Current(); p.Done != 150 || p.Len() != 1500 {
			t.Errorf("%d sites, %d machines at the end", p.Done, p.Len())
		}
	})
}

// TestForegroundFirst: a reading that is waited for does not wait for the one in the background.
func TestForegroundFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 400, Endpoints: 800, Seed: 4, Latency: 500 * time.Millisecond})
		f := l.fleet(Options{})
		stop := start(t, f)
		wait(2 * time.Second)
		began := time.Now()
		sync1(t, f)
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("took %s", took)
		}
		if s := f.State(); s.Err != nil || s.LastFull.IsZero() {
			t.Errorf("%+v", s)
		}
		stop()
	})
}

func testSnapshot(t *testing.T, l *lab) *snapshot.File {
	t.Helper()
	file, err := snapshot.New(filepath.Join(t.TempDir(), "unitty", "fleet.snapshot"), make([]byte, snapshot.KeySize),
		snapshot.Binding{BaseURL: l.client.BaseURL(), Console: l.client.Key(), User: l.creds.Username})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFromDisk: the next process shows what the last one knew, with its age, and goes on with a delta.
func TestFromDisk(t *testing.T) {
	l := newLab(t, unitytest.Options{Sites: 40, Endpoints: 900, Seed: 4, Variants: []string{"status-with-ids"}})
	file := testSnapshot(t, l)
	f := l.fleet(Options{Snapshot: file})
	sync1(t, f)
	if err := f.State().Disk; err != nil {
		t.Fatal(err)
	}
	was := f.Current()
	l.forget()
	g := l.fleet(Options{Snapshot: file})
	if err := g.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := g.Current()
	if l.count("") != 0 || !p.Stale || p.Complete() || p.Len() != 900 || len(p.Sites) != 40 || p.Unjoined != was.Unjoined || p.Console != was.Console || g.State().Source != "disk" {
		t.Errorf("%d calls, stale %v, %d machines of %d sites, %d unjoined; %+v", l.count(""), p.Stale, p.Len(), len(p.Sites), p.Unjoined, g.State())
	}
	check(t, p, l, unitytest.UserSuper)
	if err := g.refresh(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if p := g.Current(); p.Stale || !p.Complete() || l.count("/endpoints") != 0 || len(g.Changes()) != 0 {
		t.Errorf("stale %v, %d of %d, %d sites read, %d changes", p.Stale, p.Done, p.Total, l.count("/endpoints"), len(g.Changes()))
	}
	h := l.fleet(Options{Snapshot: nil})
	if err := h.Load(t.Context()); err != nil || h.Current().Len() != 0 {
		t.Error(err)
	}
}
