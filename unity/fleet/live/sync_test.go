package live

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
)

// judge compares a picture with the world and gives everything that is wrong. Rows of sites that the picture names as
// failed may be missing or old; everything else has to be there, and no value may be another machine's in any case.
func judge(p *picture.Picture, w unitytest.Snapshot, user string) []string {
	var out []string
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	truth := visible(w, user)
	failed := map[string]bool{}
	for _, e := range p.Failed {
		failed[string(e.Site)] = true
	}
	seen, listed := map[string]bool{}, map[string]bool{}
	for r := range p.Rows() {
		id := string(r.ID())
		e, ok := truth[id]
		switch {
		case seen[id]:
			bad("%s twice", id)
		case !ok && !failed[string(r.SiteID())]:
			bad("%s is not in the world", id)
		case ok:
			for _, wrong := range wrongs(r, e) {
				bad("%s %s: %s", id, e.HostName, wrong)
			}
		}
		seen[id] = true
	}
	for _, s := range p.Sites {
		listed[string(s.ID)] = true
	}
	for id, e := range truth {
		if !listed[e.SiteID] && failed[""] {
			continue // the list of sites is incomplete, which is said
		}
		if !seen[id] && !failed[e.SiteID] {
			bad("%s %q of site %s is missing, and nobody says so", id, e.HostName, e.SiteID)
		}
	}
	return out
}

// wrongs compares a row with the truth.
func wrongs(r picture.Row, e unitytest.EndpointTruth) []string {
	var out []string
	is := func(what, got, want string) {
		if got != want {
			out = append(out, fmt.Sprintf("%s is %q, not %q", what, got, want))
		}
	}
	is("host", r.HostName().Raw(), e.HostName)
	is("site", string(r.SiteID()), e.SiteID)
	if !r.Joined() {
		return out
	}
	is("user", r.User(), e.User)
	is("mac", r.MAC(), e.MAC)
	is("ips", r.IPs(), strings.TrimSpace(e.IP+" "+e.PublicIP))
	is("os", r.OS(), e.OS)
	if r.Asked() {
		return out // its own age is not that of the lists
	}
	on, _ := r.Infected()
	is("infected", fmt.Sprint(on), fmt.Sprint(e.Infected))
	n, _ := r.ActiveThreats()
	is("threats", fmt.Sprint(n), fmt.Sprint(e.ActiveThreats))
	return out
}

func check(t fatal, p *picture.Picture, l *lab, user string) {
	if wrong := judge(p, l.sim.World(), user); len(wrong) > 0 {
		t.Fatalf("%d wrong, the first: %s", len(wrong), strings.Join(wrong[:min(len(wrong), 4)], "; "))
	}
}

func TestSyncIsTheWorld(t *testing.T) {
	for _, variant := range []string{"status-no-ids", "status-with-ids"} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, unitytest.Options{Sites: 30, Endpoints: 900, Seed: 7, Latency: 20 * time.Millisecond, Variants: []string{variant}})
			f := l.fleet(Options{})
			sync1(t, f)
			p := f.Current()
			check(t, p, l, unitytest.UserSuper)
			if !p.Complete() || p.Len() != 900 || p.Stale || p.Console == "" || p.StatusErr != nil {
				t.Errorf("%s: %d machines, %d of %d sites, %v failed, console %q", variant, p.Len(), p.Done, p.Total, p.Failed, p.Console)
			}
			if lost := joinable(p); len(lost) > 0 {
				t.Errorf("%s: %d machines have no report though it can be told: %v", variant, len(lost), lost[0])
			}
			if s := f.State(); s.Phase != PhaseIdle || s.Calls < 33 || s.LastFull.IsZero() || s.Source != "server" || s.Err != nil {
				t.Errorf("%+v", s)
			}
		})
	}
}

// joinable are the active machines without a report whose name is their own within their site: the reports of the site
// would tell.
func joinable(p *picture.Picture) []string {
	var out []string
	for _, c := range p.Chunks() {
		n := map[string]int{}
		for i := range c.Len() {
			n[c.Row(i).FoldedHost()]++
		}
		for i := range c.Len() {
			if r := c.Row(i); !r.Joined() && !r.Deactivated() && r.FoldedHost() != "" && n[r.FoldedHost()] == 1 {
				out = append(out, r.Name())
			}
		}
	}
	return out
}

// TestSyncWhateverHappens: random worlds, users, variants and faults.
func TestSyncWhateverHappens(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	refused, partial, whole, faults, asked := 0, 0, 0, 0, 0
	defer func() {
		t.Logf("%d syncs ended with an error, %d named sites that are missing, %d were whole; %d faults struck, %d machines were asked for", refused, partial, whole, faults, asked)
		if whole == 0 || faults == 0 || asked == 0 {
			t.Error("the worlds are not what this test is about")
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		o := unitytest.Options{Sites: rapid.IntRange(1, 12).Draw(rt, "sites"), Seed: rapid.Uint64Range(1, 1<<30).Draw(rt, "seed"),
			Latency: 10 * time.Millisecond, Faults: map[string]float64{}}
		o.Endpoints = o.Sites * rapid.IntRange(1, 60).Draw(rt, "machines")
		o.User = rapid.SampledFrom([]string{unitytest.UserSuper, unitytest.UserSuper, unitytest.UserLimited, unitytest.UserDefault}).Draw(rt, "user")
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"429", "429-retry-after", "500", "503", "504", "reset-before", "reset-after",
			"truncate", "wrong-type", "401-once", "rows-inserted", "continuation-dies"}), 0, 3, rapid.ID).Draw(rt, "faults") {
			o.Faults[name] = rapid.SampledFrom([]float64{0.02, 0.3, 0.6}).Draw(rt, "rate")
		}
		o.Variants = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"status-with-ids", "status-extra-keys", "endpoint-minimal", "endpoint-names",
			"keycodes-undashed", "nulls-dropped", "dates-zoneless", "numbers-as-strings", "page-size-clamp-50"}), 0, 3, rapid.ID).Draw(rt, "variants")
		if rapid.Bool().Draw(rt, "four") {
			o.Parallel = 4
		}
		synctestRun(t, rt, func(t fatal) {
			l := newLab(t, o)
			f := l.fleet(Options{})
			err := f.Sync(context.Background())
			for _, n := range l.sim.FaultCounts() {
				faults += n
			}
			first := l.sim.World()
			switch {
			case err != nil:
				refused++
				if f.State().Err == nil {
					t.Fatalf("the state does not tell %v", err)
				}
			case len(f.Current().Failed) > 0:
				partial++
			default:
				whole++
			}
			if wrong := judge(f.Current(), first, o.User); err == nil && len(wrong) > 0 {
				t.Fatalf("%v %v: %d wrong: %s", o.Faults, o.Variants, len(wrong), strings.Join(wrong[:min(len(wrong), 4)], "; "))
			}
			for range 3 {
				churn(rt, l.sim)
				<-time.After(time.Minute)
				_ = f.Refresh(context.Background()) // whether it succeeds or not
				for range 5 {
					f.askNext(context.Background(), true)
					f.askNext(context.Background(), false)
				}
				if wrong := strangers(f.Current(), l.sim.World(), o.User); len(wrong) > 0 {
					t.Fatalf("%v %v: %d wrong after a delta: %s", o.Faults, o.Variants, len(wrong), wrong[0])
				}
			}
			if err := f.Sync(context.Background()); err == nil && len(f.Current().Failed) > 0 {
				partial++
			}
			if wrong := strangers(f.Current(), l.sim.World(), o.User); len(wrong) > 0 {
				t.Fatalf("%v %v: %d wrong after a sync: %s", o.Faults, o.Variants, len(wrong), wrong[0])
			}
			for name := range o.Faults {
				_ = l.sim.SetFault(name, 0)
			}
			// Where a site may not be seen, reports that are less than an hour old are good enough.
			<-time.After(2 * time.Hour)
			for range 2 {
				if err := f.Sync(context.Background()); err != nil {
					t.Fatalf("second sync: %v", err)
				}
			}
			check(t, f.Current(), l, o.User)
			<-time.After(time.Hour) // nobody is asked for right after a failure
			for f.askNext(context.Background(), false) {
				asked++
			}
			if wrong := strangers(f.Current(), l.sim.World(), o.User); len(wrong) > 0 {
				t.Fatalf("%v: %d wrong after machines were asked for: %s", o.Variants, len(wrong), wrong[0])
			}
			for _, c := range f.Current().Chunks() {
				for _, r := range alike(c) {
					if f.Current().StatusErr == nil && !r.Joined() {
						t.Fatalf("%v: %s (%s) has no report, and was asked for: %v", o.Variants, r.Name(), r.ID(), r.Asked())
					}
				}
			}
			if p := f.Current(); len(p.Failed) > 0 || p.Done != p.Total {
				t.Fatalf("without faults %v failed, %d of %d", p.Failed, p.Done, p.Total)
			}
		})
	})
}

// churn changes the world as its people and machines do.
func churn(rt *rapid.T, sim *unitytest.Server) {
	w := sim.World()
	site := func() string { return rapid.SampledFrom(w.Sites).Draw(rt, "site").ID }
	for range rapid.IntRange(0, 4).Draw(rt, "changes") {
		if len(w.Endpoints) == 0 {
			return
		}
		e, other := rapid.SampledFrom(w.Endpoints).Draw(rt, "machine"), rapid.SampledFrom(w.Endpoints).Draw(rt, "other")
		var err error
		switch rapid.IntRange(0, 5).Draw(rt, "change") {
		case 0:
			_, err = sim.InsertEndpoint(site(), e.HostName)
		case 1:
			err = sim.RemoveEndpoint(e.ID)
		case 2:
			err = sim.RenameEndpoint(e.ID, other.HostName)
		case 3:
			err = sim.MoveEndpoint(e.ID, site())
		case 4:
			err = sim.Infect(e.ID, "evil.exe", "W32.Evil")
		default:
			err = sim.Poll(e.ID)
		}
		_ = err // of a machine that is gone already
	}
}

// strangers are the rows with a report of another machine, which must not be, however old the row is.
func strangers(p *picture.Picture, w unitytest.Snapshot, user string) []string {
	truth := visible(w, user)
	var out []string
	for r := range p.Rows() {
		if e, ok := truth[string(r.ID())]; ok && r.Joined() && (r.MAC() != e.MAC || r.User() != e.User) {
			out = append(out, fmt.Sprintf("%s %q has the report of %q %q (read at %v, asked for: %v), its own is %q %q", e.ID, e.HostName, r.MAC(), r.User(), r.StatusAt(), r.Asked(), e.MAC, e.User))
		}
	}
	return out
}

// synctestRun runs a step of a property in a bubble of its own.
func synctestRun(t *testing.T, rt *rapid.T, do func(fatal)) {
	failure := ""
	var other any // what rapid itself panics with, for which it waits outside
	synctest.Test(t, func(*testing.T) {
		defer func() {
			if x := recover(); x != nil && x != any(stop{}) {
				other = x
			}
		}()
		do(failing(func(format string, args ...any) { failure = fmt.Sprintf(format, args...); panic(stop{}) }))
	})
	if other != nil {
		panic(other)
	}
	if failure != "" {
		rt.Fatalf("%s", failure)
	}
}

type stop struct{}

type failing func(string, ...any)

func (f failing) Fatalf(format string, args ...any) { f(format, args...) }

// TestClockSetWhileReading: reports that were just read are not taken for older than their reading, however the server's clock
// jumps meanwhile.
func TestClockSetWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := unitytest.Options{Sites: 8, Endpoints: 60, Seed: 7} // with sites of which no report is open
		f := newLab(t, o).fleet(Options{})
		sync1(t, f)
		var back atomic.Bool
		o.Now = func() time.Time {
			if back.Load() {
				return time.Now().Add(-time.Hour)
			}
			return time.Now()
		}
		l := newLab(t, o)
		l.intercept = func(r *http.Request) *http.Response {
			if strings.Contains(r.URL.Path, "/status/gsm/") {
				back.Store(true)
			}
			return nil
		}
		g := l.fleet(Options{})
		sync1(t, g)
		if !back.Load() || g.Current().Unjoined != f.Current().Unjoined {
			t.Errorf("%d machines are without a report, %d where no clock was set", g.Current().Unjoined, f.Current().Unjoined)
		}
	})
}
