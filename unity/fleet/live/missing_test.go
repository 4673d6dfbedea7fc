package live

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
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
	"github.com/unitty/unitty/unity/unitytest/entry"
)

// TestSiteThatBreaksOff: of a site that could not be read to the end the rows that came are new, and the others stay.
func TestSiteThatBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 1, Endpoints: 120, Seed: 4, Variants: []string{"page-size-clamp-50"}})
		f := l.fleet(Options{})
		sync1(t, f)
		began := l.client.Now()
		wait(time.Hour)
		l.when("pageNr=2", http.StatusForbidden, -1)
		sync1(t, f)
		p := f.Current()
		fresh := 0
		for r := range p.Rows() {
			if r.ReadAt().Sub(began) > time.Minute {
				fresh++
			}
		}
		if p.Len() != 120 || fresh != 50 || len(p.Failed) != 1 {
			t.Errorf("%d machines, %d of them new, failed are %v", p.Len(), fresh, p.Failed)
		}
	})
}

// withoutFirst has the list of sites leave out its first one, and say that there are so many.
func (l *lab) withoutFirst(t *testing.T, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.intercept = func(r *http.Request) *http.Response {
		if !strings.HasSuffix(r.URL.Path, "/sites") {
			return nil
		}
		rec := httptest.NewRecorder()
		l.sim.ServeHTTP(rec, r)
		raw := decoded(t, rec.Result())
		if sites, ok := raw["Sites"].([]any); ok {
			raw["Sites"], raw["TotalCount"] = sites[1:], total
		}
		return encoded(t, raw)
	}
}

// TestShortListOfSites: a list of sites that has fewer than it says is named, and the sites that it leaves out stay; those that
// are no more leave with their machines.
func TestShortListOfSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 60, Seed: 4})
		f := l.fleet(Options{})
		sync1(t, f)
		first := f.Current().Sites[0].ID
		l.withoutFirst(t, 5)
		sync1(t, f)
		p := f.Current()
		if len(p.Failed) != 1 || p.Failed[0].Site != "" || p.Complete() || len(p.Sites) != 5 || p.Len() != 60 {
			t.Errorf("%d sites, %d machines, failed are %v", len(p.Sites), p.Len(), p.Failed)
		}
		check(t, p, l, unitytest.UserSuper)
		l.withoutFirst(t, 4)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if p := f.pic.Load(); f.chunks[first] != nil || p.Chunk(first) != nil || len(p.Sites) != 4 || !p.Complete() {
			t.Errorf("%d sites, the machines of the one that left are there: %v, failed are %v", len(p.Sites), f.chunks[first] != nil, p.Failed)
		}
	})
}

// TestTriedOnceMoreAtTheEnd: a site that did not answer while the others were read is asked again after them.
func TestTriedOnceMoreAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 60, Seed: 4})
		site := l.sim.World().Sites[2].ID
		l.when(site+"/endpoints", http.StatusServiceUnavailable, -1)
		sync1(t, l.fleet(Options{}))
		tries := l.count(site + "/endpoints")
		if tries < 4 || tries%2 != 0 {
			t.Fatalf("%d calls for a site that never answers", tries)
		}
		l.when(site+"/endpoints", http.StatusServiceUnavailable, tries/2)
		f := l.fleet(Options{})
		sync1(t, f)
		if p := f.Current(); !p.Complete() {
			t.Errorf("failed are %v", p.Failed)
		}
		check(t, f.Current(), l, unitytest.UserSuper)
	})
}

// TestSignInLostEndsASync: that nobody is signed in is no fault of the sites.
func TestSignInLostEndsASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 40, Endpoints: 80, Seed: 4})
		l.when("/endpoints", http.StatusUnauthorized, -1)
		f := l.fleet(Options{})
		if err := f.Sync(t.Context()); !errors.Is(err, unity.ErrUnauthenticated) || !errors.Is(f.State().Err, unity.ErrUnauthenticated) {
			t.Errorf("it ended with %v, and the state says %v", err, f.State().Err)
		}
		if p := f.Current(); len(p.Failed) > 0 || p.Complete() {
			t.Errorf("%d sites are named, complete: %v", len(p.Failed), p.Complete())
		}
	})
}

// TestGivesUpWithoutNetwork: where no call reaches the API any more, not every site is asked, and none is named for it.
func TestGivesUpWithoutNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 100, Endpoints: 300, Seed: 4})
		f := l.fleet(Options{})
		sync1(t, f)
		l.direct.Before = func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/endpoints") {
				return nil, &net.OpError{Op: "dial", Err: errors.New("network is unreachable")}
			}
			return nil, nil
		}
		l.forget()
		if err := f.Sync(t.Context()); !errors.Is(err, unity.ErrUnreachable) {
			t.Errorf("it ended with %v", err)
		}
		if n := l.count("/endpoints"); n < mostInRow || n > 150 {
			t.Errorf("%d calls that reached nothing", n)
		}
		if p := f.Current(); p.Len() != 300 || len(p.Failed) > 0 {
			t.Errorf("%d machines are left, %d sites are named", p.Len(), len(p.Failed))
		}
	})
}

// TestReportThatIsNoMore: what a machine's agent once said goes when all reports were read and there is none any more.
func TestReportThatIsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 4})
		calm(t, l)
		f := l.fleet(Options{})
		sync1(t, f)
		row := single(t, f.Current(), f.Current().Chunks()[1].Site().ID, 1)[0]
		l.rewrite(t, func(report map[string]any) {
			if report["HostName"] == row.Name() {
				report["HostName"] = ""
			}
		})
		wait(time.Hour)
		sync1(t, f)
		if now, _ := f.Current().Get(row.ID()); now.Joined() || now.Note() != fleet.NoteNotJoined {
			t.Errorf("it has a report of %v, note %q", now.StatusAt(), now.Note())
		}
	})
}

// TestMovedWhileReading: a machine that was moved from a site that had been read to one that had not is there once, at the new one;
// one that was moved the other way is there after the next delta.
func TestMovedWhileReading(t *testing.T) {
	for _, forward := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 4})
			w := l.sim.World()
			late, from, to := w.Sites[1].ID, w.Sites[0].ID, w.Sites[1].ID
			if !forward {
				from, to = to, from
			}
			id := w.Endpoints[slices.IndexFunc(w.Endpoints, func(e unitytest.EndpointTruth) bool { return e.SiteID == from && !e.Deactivated })].ID
			moved := false
			l.intercept = func(r *http.Request) *http.Response {
				if strings.Contains(r.URL.Path, late+"/endpoints") && !moved {
					<-time.After(time.Second) // the others are read
					moved = true
					if err := l.sim.MoveEndpoint(id, to); err != nil {
						t.Error(err)
					}
				}
				return nil
			}
			f := l.fleet(Options{})
			sync1(t, f)
			if row, there := f.Current().Get(unity.EndpointID(id)); there != forward || there && string(row.SiteID()) != to {
				t.Errorf("to one that was not read yet: %v; it is there: %v", forward, there)
			}
			if !forward {
				if err := f.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			check(t, f.Current(), l, unitytest.UserSuper)
		})
	}
}

// TestUnfinishedIsNotKept: a sync that could not be finished does not replace what one that was left on disk.
func TestUnfinishedIsNotKept(t *testing.T) {
	l := newLab(t, unitytest.Options{Sites: 3, Endpoints: 30, Seed: 4})
	file := testSnapshot(t, l)
	finished := func() (at time.Time) {
		err := file.Load(t.Context(), func(c *snapshot.Content) error { at = c.Finished; return nil }, func(*picture.Chunk) error { return nil })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return at
	}
	f := l.fleet(Options{Snapshot: file})
	l.when("/endpoints", http.StatusUnauthorized, -1)
	if f.Sync(t.Context()) == nil || !finished().IsZero() {
		t.Errorf("there is a snapshot of %v", finished())
	}
	l.clear()
	sync1(t, f)
	kept := finished()
	l.when("/endpoints", http.StatusUnauthorized, -1)
	if f.Sync(t.Context()) == nil || kept.IsZero() || !finished().Equal(kept) {
		t.Errorf("the snapshot is of %v, and was of %v", finished(), kept)
	}
}

// TestWalkThatDiesOnce is begun anew, so that no site has to be asked; where none can be finished, sites are asked once an hour.
func TestWalkThatDiesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 3, Endpoints: 1100, Seed: 4, Variants: []string{"status-with-ids"}})
		l.when("continuation=", http.StatusBadRequest, 1)
		sync1(t, l.fleet(Options{}))
		if walks, sites := l.count("/status/gsm/"), l.count("/status/site/"); walks != 4 || sites != 0 {
			t.Errorf("%d batches were read, and %d of sites", walks, sites)
		}
		l.when("/status/gsm/", http.StatusServiceUnavailable, -1)
		f := l.fleet(Options{})
		for _, x := range []struct {
			later time.Duration
			asked int
		}{{0, 3}, {10 * time.Minute, 0}, {time.Hour, 3}} {
			wait(x.later)
			l.forget()
			sync1(t, f)
			if n := l.count("/status/site/"); n != x.asked || f.Current().Unjoined > 0 {
				t.Errorf("%d sites were asked %v later, %d machines have no report", n, x.later, f.Current().Unjoined)
			}
		}
	})
}

// TestNoScopeForSites: whose token has no scope for the reports of sites is refused by the sites of one sync, and asks none again.
func TestNoScopeForSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 120, Seed: 4})
		l.intercept = func(r *http.Request) *http.Response {
			if !strings.Contains(r.URL.Path, "/status/site/") {
				return nil
			}
			answer := body(`{"statusCode":403,"requestId":"1","error":"insufficient_scope","error_description":"no"}`)
			answer.StatusCode = http.StatusForbidden
			return answer
		}
		f := l.fleet(Options{})
		sync1(t, f)
		if n, p := l.count("/status/site/"), f.Current(); n == 0 || !p.Complete() || p.StatusErr != nil || p.Unjoined == 0 || p.Unjoined == p.Len() {
			t.Errorf("%d sites were asked, %d of %d machines have no report: %v", n, p.Unjoined, p.Len(), p.StatusErr)
		}
		check(t, f.Current(), l, unitytest.UserSuper)
		l.forget()
		wait(2 * time.Hour)
		sync1(t, f)
		if n := l.count("/status/site/"); n > 0 {
			t.Errorf("%d sites were asked again", n)
		}
	})
}

// TestReportsOnTheirWay: a report that the server has not shown yet when it was modified is read with the next delta, and one that
// could not be read with the next one that can.
func TestReportsOnTheirWay(t *testing.T) {
	for later, first := range map[time.Duration]func() *http.Response{
		30 * time.Second: func() *http.Response { return body(`{"QueryResults":[]}`) },
		30 * time.Minute: func() *http.Response { return entry.Refusal(http.StatusForbidden) },
	} {
		synctest.Test(t, func(t *testing.T) { missesReports(t, first, later) })
	}
}

// missesReports infects a machine of which the first delta gets no report, and the second one does, some time later.
func missesReports(t *testing.T, first func() *http.Response, later time.Duration) {
	t.Helper()
	l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 4})
	calm(t, l)
	f := l.fleet(Options{})
	sync1(t, f)
	row := single(t, f.Current(), f.Current().Chunks()[1].Site().ID, 1)[0]
	wait(10 * time.Minute)
	if err := l.sim.Infect(string(row.ID()), "evil.exe", "W32.Evil"); err != nil {
		t.Fatal(err)
	}
	wait(later / 3)
	l.mu.Lock()
	l.intercept = func(r *http.Request) *http.Response {
		if r.URL.Query().Has("modifiedSince") {
			return first()
		}
		return nil
	}
	l.mu.Unlock()
	for _, known := range []bool{false, true} {
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now, _ := f.Current().Get(row.ID()); sick(now) != known {
			t.Errorf("the infection is known: %v", sick(now))
		}
		l.clear()
		wait(later)
	}
}
