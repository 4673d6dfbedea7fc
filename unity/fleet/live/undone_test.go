package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestWhoeverWaitsGoesFirst also before a reading in the background that was waiting for its turn when the person came.
func TestWhoeverWaitsGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newLab(t, unitytest.Options{Sites: 1, Endpoints: 1, Seed: 1}).fleet(Options{})
		first, end, err := f.take(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		second, person := make(chan error, 1), make(chan func(), 1)
		go func() {
			ctx, done, _ := f.take(t.Context(), true)
			<-ctx.Done() // it would go on for long
			second <- context.Cause(ctx)
			done()
		}()
		synctest.Wait()
		go func() {
			_, done, _ := f.take(t.Context(), false)
			person <- done
		}()
		synctest.Wait()
		if !errors.Is(context.Cause(first), errPreempted) {
			t.Errorf("the first one ends with %v", context.Cause(first))
		}
		end()
		if err := <-second; !errors.Is(err, errPreempted) {
			t.Errorf("the second one ends with %v", err)
		}
		(<-person)()
		ctx, done, _ := f.take(t.Context(), true)
		if ctx.Err() != nil {
			t.Errorf("nobody waits any more, but a reading ends with %v", context.Cause(ctx))
		}
		done()
	})
}

// givenUp lets a refresh go until its first call with the word in its address, where whoever waits for it leaves.
func givenUp(t *testing.T, l *lab, f *Fleet, word string) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	l.mu.Lock()
	l.intercept = func(r *http.Request) *http.Response {
		if strings.Contains(r.URL.String(), word) {
			leave()
		}
		return nil
	}
	l.mu.Unlock()
	if err := f.Refresh(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("the refresh ended with %v", err)
	}
	l.clear()
	if s := f.State(); s.Err != nil || s.Phase != PhaseIdle {
		t.Errorf("somebody left, and the state is %+v", s)
	}
}

// TestChangesOutliveAReadingThatIsGivenUp: a site that was changed is read by the next delta, if not by this one.
func TestChangesOutliveAReadingThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 60, Seed: 2})
		f := l.fleet(Options{})
		sync1(t, f)
		row := f.Current().Chunks()[2].Row(0)
		if err := l.sim.RenameEndpoint(string(row.ID()), "RENAMED-1"); err != nil {
			t.Fatal(err)
		}
		f.Touch(row.SiteID())
		givenUp(t, l, f, "/endpoints")
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now, _ := f.Current().Get(row.ID()); now.Name() != "RENAMED-1" {
			t.Errorf("it is %s", now.Name())
		}
	})
}

// calm stops all machines from reporting, so that a delta has what a test does and nothing else.
func calm(t *testing.T, l *lab) {
	t.Helper()
	for _, e := range l.sim.World().Endpoints {
		if err := l.sim.StopPolling(e.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReportsOutliveAReadingThatIsGivenUp: a report that tells of an infection is looked at again where nobody found out whose
// it is.
func TestReportsOutliveAReadingThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 20, Endpoints: 600, Seed: 11})
		calm(t, l)
		f := l.fleet(Options{})
		sync1(t, f)
		fresh, err := l.sim.InsertEndpoint(l.sim.World().Sites[1].ID, "DESKTOP-NEW0001")
		if err != nil {
			t.Fatal(err)
		}
		l.when("status/site", http.StatusServiceUnavailable, -1)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		clear(f.owed) // nothing but its report leads to it
		l.clear()
		id := unity.EndpointID(fresh)
		wait(time.Hour)
		if err := errors.Join(l.sim.Infect(fresh, "evil.exe", "W32.Evil"), l.sim.Poll(fresh), l.sim.StopPolling(fresh)); err != nil {
			t.Fatal(err)
		}
		wait(10 * time.Minute) // more than deltas overlap
		givenUp(t, l, f, "status/site")
		wait(time.Hour)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, _ := f.Current().Get(id); !sick(r) {
			t.Errorf("%s is infected, and nobody knows", r.Name())
		}
		check(t, f.Current(), l, unitytest.UserSuper)
	})
}

// TestSitesAreAskedAgain: a site whose own reports could not be read is asked with the next delta.
func TestSitesAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 90, Seed: 4})
		calm(t, l)
		f := l.fleet(Options{})
		sync1(t, f)
		wait(time.Hour)
		fresh, err := l.sim.InsertEndpoint(l.sim.World().Sites[1].ID, "DESKTOP-NEW0001")
		if err != nil {
			t.Fatal(err)
		}
		joined := func() bool {
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			r, there := f.Current().Get(unity.EndpointID(fresh))
			if !there {
				t.Fatal("the new machine is not there")
			}
			return r.Joined()
		}
		l.when("status/site", http.StatusServiceUnavailable, -1)
		if joined() {
			t.Fatal("it has a report though nobody gave one")
		}
		l.clear()
		wait(time.Hour)
		if !joined() {
			t.Error("it has no report, and nobody asked again")
		}
		l.forget()
		if joined(); l.count("status/site") > 0 {
			t.Error("the site is asked again and again")
		}
	})
}

// TestSignedOut: a change is read once somebody is signed in again, and until then that is not tried all the time.
func TestSignedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 60, Seed: 2, Variants: []string{"endpoint-names"}})
		f := l.fleet(Options{})
		stop := start(t, f)
		wait(time.Minute)
		row := f.Current().Chunks()[2].Row(0)
		if err := l.sim.RenameEndpoint(string(row.ID()), "RENAMED-1"); err != nil {
			t.Fatal(err)
		}
		l.when("/service", http.StatusUnauthorized, -1)
		l.forget()
		f.Touch(row.SiteID())
		wait(10 * time.Minute)
		if n := l.count("/sites"); n == 0 || n > 40 {
			t.Errorf("%d calls in ten minutes", n)
		}
		l.clear()
		wait(DefaultEvery + DefaultEvery/5)
		if now, _ := f.Current().Get(row.ID()); now.Name() != "RENAMED-1" {
			t.Errorf("it is %s", now.Name())
		}
		stop()
	})
}

// TestTouchingIsNoDelta: that one site was read says nothing of what changed at the others.
func TestTouchingIsNoDelta(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 60, Seed: 2, Variants: []string{"endpoint-names"}})
		f := l.fleet(Options{Random: func() float64 { return 0.5 }})
		stop := start(t, f)
		wait(5 * time.Minute)
		was := f.State().LastDelta
		f.Touch(f.Current().Chunks()[2].Site().ID)
		wait(5 * time.Second)
		if now := f.State().LastDelta; was.IsZero() || !now.Equal(was) {
			t.Errorf("changes were read at %v, and now at %v", was, now)
		}
		l.when("/endpoints", http.StatusServiceUnavailable, -1)
		wait(DefaultEvery)
		stop()
	})
}

// TestUrgentMachinesThatLeft make room for others.
func TestUrgentMachinesThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, twinWorld())
		calm(t, l)
		f := l.fleet(Options{})
		sync1(t, f)
		f.mu.Lock()
		site := f.meta.Sites[0].ID
		clear(f.urgent)
		for i := range mostSuspects {
			f.hurry(site, unity.EndpointID(fmt.Sprint("gone-", i)))
		}
		f.mu.Unlock()
		wait(time.Minute)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for id := range f.urgent {
			if strings.HasPrefix(string(id), "gone-") {
				t.Fatalf("%s takes the place of a machine that is there", id)
			}
		}
	})
}

// TestWhatFitsAgain: a report that does not fit has its site read, also where it once said the same and fitted since.
func TestWhatFitsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 2, Variants: []string{"status-with-ids", "endpoint-names"}})
		calm(t, l)
		f := l.fleet(Options{})
		sync1(t, f)
		row := f.Current().Chunks()[2].Row(0)
		for _, name := range []string{"ONE-1", "TWO-2", "ONE-1"} {
			wait(10 * time.Minute)
			if err := errors.Join(l.sim.RenameEndpoint(string(row.ID()), name), l.sim.Poll(string(row.ID()))); err != nil {
				t.Fatal(err)
			}
			if name == "TWO-2" { // it is seen before the agent's report is
				if err := f.readTouched(t.Context(), []unity.SiteID{row.SiteID()}); err != nil {
					t.Fatal(err)
				}
			}
			wait(time.Minute)
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if now, _ := f.Current().Get(row.ID()); now.Name() != name {
				t.Errorf("it is %s, not %s", now.Name(), name)
			}
		}
	})
}

// TestNamesakesAndLists: where reports carry machine ids the list of a site tells machines of one name apart, and a site is
// asked for it; where they do not it cannot, and is not asked.
func TestNamesakesAndLists(t *testing.T) {
	for variant, want := range map[string]bool{"status-with-ids": true, "status-no-ids": false} {
		l := newLab(t, unitytest.Options{Sites: 1, Endpoints: 2, Seed: 1, Variants: []string{variant}})
		for _, e := range l.sim.World().Endpoints {
			if err := l.sim.RenameEndpoint(e.ID, "TWIN-01"); err != nil {
				t.Fatal(err)
			}
		}
		f := l.fleet(Options{})
		sync1(t, f)
		site := f.Current().Sites[0].ID
		if got := f.couldTell(site, func(picture.Row) bool { return true }); got != want {
			t.Errorf("%s: the site could tell: %v", variant, got)
		}
		if f.couldTell(site, func(picture.Row) bool { return false }) {
			t.Errorf("%s: the site is asked though nobody wants to know", variant)
		}
	}
}

// TestIdentifyGoesOn after a reading that a person waits for.
func TestIdentifyGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := twinWorld()
		o.Latency = time.Second
		l := newLab(t, o)
		calm(t, l)
		f := l.fleet(Options{})
		stop := start(t, f)
		wait(2 * time.Minute)
		if n := len(untold(f.Current(), false)); n < 20 {
			t.Fatalf("%d machines are open: this world says nothing", n)
		}
		f.Identify()
		wait(1500 * time.Millisecond)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(untold(f.Current(), false)); n < 15 {
			t.Fatalf("%d machines are left: the reading came too late", n)
		}
		wait(30 * time.Second) // at six a minute that would be three of them
		if left := untold(f.Current(), false); len(left) > 0 {
			t.Errorf("%d machines are left", len(left))
		}
		stop()
	})
}

// TestIdentifyTellsDeactivatedRecords whose name two active ones have, since they are shown beside these; one that shares its
// name with a single active record has its turn later.
func TestIdentifyTellsDeactivatedRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 1, Endpoints: 5, Seed: 1})
		names := []string{"TWIN-01", "TWIN-01", "TWIN-01", "PAIR-02", "PAIR-02"}
		off := map[string]bool{}
		for i, e := range l.sim.World().Endpoints {
			if err := l.sim.RenameEndpoint(e.ID, names[i]); err != nil {
				t.Fatal(err)
			}
			command := "reactivate"
			if off[e.ID] = i == 2 || i == 4; off[e.ID] {
				command = "deactivate"
			}
			if err := errors.Join(l.sim.Clean(e.ID), l.sim.AddCommand(e.ID, command, "", time.Time{}), l.sim.Poll(e.ID)); err != nil {
				t.Fatal(err)
			}
		}
		f := l.fleet(Options{})
		sync1(t, f)
		if err := f.identifyAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		for r := range f.Current().Rows() {
			if want := r.Name() == "TWIN-01" || !off[string(r.ID())]; r.Deactivated() != off[string(r.ID())] || r.Asked() != want || r.Joined() != want {
				t.Errorf("%s, deactivated %v: asked for %v, has a report %v", r.Name(), r.Deactivated(), r.Asked(), r.Joined())
			}
		}
	})
}

// TestReread reads every site, before its turn, and is as exact as the first sync: a machine that was renamed without a word is
// seen.
func TestReread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 5, Endpoints: 60, Seed: 2, Variants: []string{"endpoint-names"}})
		calm(t, l)
		f := l.fleet(Options{})
		stop := start(t, f)
		wait(5 * time.Minute)
		row := f.Current().Chunks()[2].Row(0)
		if err := l.sim.RenameEndpoint(string(row.ID()), "RENAMED-1"); err != nil {
			t.Fatal(err)
		}
		full := f.State().LastFull
		l.forget()
		f.Reread()
		wait(10 * time.Second)
		if n := l.count("/endpoints"); n != 5 || !f.State().LastFull.After(full) {
			t.Errorf("%d sites were read, everything at %v, before at %v", n, f.State().LastFull, full)
		}
		check(t, f.Current(), l, unitytest.UserSuper)
		l.forget()
		wait(5 * time.Minute)
		if n := l.count("/endpoints"); n != 0 {
			t.Errorf("%d sites were read once more", n)
		}
		stop()
	})
}

// TestPictureFromTheFuture: a picture that was kept while the clock was wrong is not young for that.
func TestPictureFromTheFuture(t *testing.T) {
	l := newLab(t, unitytest.Options{Sites: 3, Endpoints: 30, Seed: 4})
	now := l.client.Now()
	for at, want := range map[time.Duration]bool{-10 * time.Minute: false, -2 * time.Hour: true, 10 * time.Minute: false, 48 * time.Hour: true} {
		f := l.fleet(Options{Now: func() time.Time { return now }})
		f.full, f.state.Source = now.Add(at), "disk"
		if got := f.needsFull(); got != want {
			t.Errorf("read %s from now: everything is to be read again: %v", at, got)
		}
	}
}
