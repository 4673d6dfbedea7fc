package live

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

// single finds active machines with a report whose names nobody else in the console has, so many of one site.
func single(t *testing.T, p *picture.Picture, site unity.SiteID, n int) []picture.Row {
	t.Helper()
	var out []picture.Row
	for r := range p.Rows() {
		if r.SiteID() == site && r.Joined() && !r.Deactivated() && r.Type() == "pc" && len(p.ByHost(r.Name())) == 1 {
			if out = append(out, r); len(out) == n {
				return out
			}
		}
	}
	t.Fatalf("%d machines of %s have a name of their own, not %d", len(out), site, n)
	return nil
}

// swap gives the second machine the name of the first one, and the first one another: the number of machines of their site
// does not tell.
func swap(t *testing.T, l *lab, pair []picture.Row) {
	t.Helper()
	err := errors.Join(l.sim.RenameEndpoint(string(pair[0].ID()), "FORMERLY-"+pair[0].Name()), l.sim.RenameEndpoint(string(pair[1].ID()), pair[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
}

// noStrangers fails where a machine has what another one's agent reported.
func noStrangers(t *testing.T, f *Fleet, l *lab) {
	t.Helper()
	truth := visible(l.sim.World(), unitytest.UserSuper)
	for r := range f.Current().Rows() {
		if e, ok := truth[string(r.ID())]; ok && r.Joined() && (r.User() != e.User || r.IPs() != strings.TrimSpace(e.IP+" "+e.PublicIP)) {
			t.Errorf("%s, by now %s, has the report of another machine: %s at %s instead of %s at %s", r.Name(), e.HostName, r.User(), r.IPs(), e.User, e.IP)
		}
	}
}

// TestNamesOfOldListsMeanNothing: a site that is asked for its reports later, because it could not be when its machines were
// read, has its machines read with them.
func TestNamesOfOldListsMeanNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 90, Seed: 4})
		calm(t, l)
		f := l.fleet(Options{})
		sync1(t, f)
		wait(time.Hour)
		site := unity.SiteID(l.sim.World().Sites[1].ID)
		fresh, err := l.sim.InsertEndpoint(string(site), "DESKTOP-NEW0001")
		if err != nil {
			t.Fatal(err)
		}
		l.when("status/site", http.StatusServiceUnavailable, -1)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.clear()
		swap(t, l, single(t, f.Current(), site, 2))
		wait(time.Hour)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, _ := f.Current().Get(unity.EndpointID(fresh)); !r.Joined() {
			t.Error("the site was not asked again: this says nothing")
		}
		noStrangers(t, f, l)
	})
}

// TestReportsOfSitesWithoutTheConsoles: where the reports of the console cannot be read, those of sites are joined to their
// machines as they are then, also by a delta; those of a site whose machines cannot be read then, to none.
func TestReportsOfSitesWithoutTheConsoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 90, Seed: 4})
		l.when("/status/gsm/", http.StatusServiceUnavailable, -1)
		f := l.fleet(Options{})
		sync1(t, f)
		if lost := joinable(f.Current()); len(lost) > 0 {
			t.Fatalf("%d machines have no report: %s", len(lost), lost[0])
		}
		for _, c := range f.Current().Chunks()[:3] {
			swap(t, l, single(t, f.Current(), c.Site().ID, 2))
		}
		wait(2 * time.Hour) // the reports are too old by then
		failing := string(f.Current().Chunks()[0].Site().ID)
		l.mu.Lock()
		reports := l.intercept
		l.intercept = func(r *http.Request) *http.Response {
			if strings.Contains(r.URL.Path, failing+"/endpoints") {
				return entry.Refusal(http.StatusForbidden)
			}
			return reports(r)
		}
		l.mu.Unlock()
		l.forget()
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := l.count("/status/site/"); n < 6 {
			t.Errorf("%d sites were asked for their reports: this says nothing", n)
		}
		noStrangers(t, f, l)
	})
}

// TestFirstReportsAfterTheMachines: where the reports could not be read with the machines, these are read again with them.
func TestFirstReportsAfterTheMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 4})
		before := l.fleet(Options{})
		sync1(t, before)
		l.when("/status/", http.StatusServiceUnavailable, -1)
		f := l.fleet(Options{})
		sync1(t, f)
		l.clear()
		swap(t, l, single(t, before.Current(), before.Current().Chunks()[1].Site().ID, 2))
		wait(time.Hour)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if lost := joinable(f.Current()); len(lost) > 0 {
			t.Errorf("%d machines have no report: %s", len(lost), lost[0])
		}
		noStrangers(t, f, l)
	})
}

// rewrite has each report of an agent changed on its way.
func (l *lab) rewrite(t *testing.T, change func(row map[string]any)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.intercept = func(r *http.Request) *http.Response {
		if !strings.Contains(r.URL.Path, "/status/") {
			return nil
		}
		rec := httptest.NewRecorder()
		l.sim.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK {
			return rec.Result()
		}
		raw := decoded(t, rec.Result())
		rows, _ := raw["QueryResults"].([]any)
		for _, row := range rows {
			if fields, ok := row.(map[string]any); ok {
				change(fields)
			}
		}
		answer := encoded(t, raw)
		answer.Header = rec.Result().Header
		return answer
	}
}

// TestHardwareOfManyTellsNobody: machines that report one hardware address, as that of a docking station or a network
// driver, are not told apart by it.
func TestHardwareOfManyTellsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 4})
		calm(t, l)
		l.rewrite(t, func(row map[string]any) {
			if s, ok := row["OSAndVersions"].(map[string]any); ok {
				s["MACAddress"] = "02:00:4C:4F:4F:50"
			}
		})
		f := l.fleet(Options{})
		sync1(t, f)
		site := f.Current().Chunks()[1].Site().ID
		pair := single(t, f.Current(), site, 2)
		wait(10 * time.Minute)
		swap(t, l, pair)
		wait(time.Minute)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		noStrangers(t, f, l)
	})
}

// TestNamesWhileASiteIsMissing: a name is nobody's alone while machines of a site are not known, since it could not be read or may
// not be seen.
func TestNamesWhileASiteIsMissing(t *testing.T) {
	for _, user := range []string{unitytest.UserSuper, unitytest.UserLimited} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, unitytest.Options{Sites: 8, Endpoints: 160, Seed: 4, User: user})
			calm(t, l)
			f := l.fleet(Options{})
			sync1(t, f)
			mine := single(t, f.Current(), f.Current().Chunks()[0].Site().ID, 1)[0]
			other := single(t, f.Current(), f.Current().Chunks()[1].Site().ID, 1)[0]
			if hidden := f.Current().Hidden; (hidden > 0) != (user == unitytest.UserLimited) {
				t.Fatalf("%d sites are hidden", hidden)
			}
			l.rewrite(t, func(row map[string]any) {
				switch row["HostName"] {
				case mine.Name(): // has no report, and one at a site that is not known has its name
					row["HostName"] = ""
				case other.Name():
					row["HostName"] = mine.Name()
				}
			})
			reports := l.intercept
			l.intercept = func(r *http.Request) *http.Response {
				if user == unitytest.UserSuper && strings.Contains(r.URL.Path, string(other.SiteID())+"/endpoints") {
					return entry.Refusal(http.StatusForbidden)
				}
				return reports(r)
			}
			wait(time.Hour)
			sync1(t, f)
			if now, _ := f.Current().Get(mine.ID()); now.User() == other.User() && now.IPs() == other.IPs() {
				t.Errorf("%s: %s has the report of a machine of another site", user, now.Name())
			}
		})
	}
}

// TestClones: machines of one image have one machine id. Where the site of one of them could not be read, its report is not
// the other one's.
func TestClones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 3, Endpoints: 60, Seed: 4, Variants: []string{"status-with-ids"}})
		calm(t, l)
		w := l.sim.World()
		var one, two unitytest.EndpointTruth
		for _, e := range w.Endpoints {
			switch {
			case e.Deactivated:
			case one.ID == "" && e.SiteID == w.Sites[0].ID:
				one = e
			case two.ID == "" && e.SiteID == w.Sites[1].ID:
				two = e
			}
		}
		l.rewrite(t, func(row map[string]any) {
			if row["MachineId"] == two.MachineID {
				row["MachineId"] = one.MachineID
			}
		})
		reports := l.intercept
		l.intercept = func(r *http.Request) *http.Response {
			if strings.Contains(r.URL.Path, two.SiteID+"/endpoints") {
				return entry.Refusal(http.StatusForbidden)
			}
			return reports(r)
		}
		f := l.fleet(Options{})
		sync1(t, f)
		if len(f.Current().Failed) != 1 {
			t.Fatalf("failed are %v", f.Current().Failed)
		}
		wait(10 * time.Minute)
		if err := l.sim.Poll(two.ID); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		noStrangers(t, f, l)
	})
}

// TestOneThatTookName: a machine reports under the name of another one, while the number of active machines is the same: since it
// was installed anew and its old record deactivated, or since it took the name of one that was renamed. Its hardware gives that
// away, or the other one's report; where it has the hardware too, as that of a docking station, and the other one reports nothing,
// nothing of it is left at the other one once the site is read again.
func TestOneThatTookName(t *testing.T) {
	for name, take := range map[string]func(*testing.T, *lab, picture.Row) (id string, err error){
		"installed anew": func(t *testing.T, l *lab, old picture.Row) (string, error) {
			fresh, err := l.sim.InsertEndpoint(string(old.SiteID()), old.Name())
			return fresh, errors.Join(err, deactivate(t, l, old))
		},
		"renamed": func(t *testing.T, l *lab, old picture.Row) (string, error) {
			pair := append([]picture.Row{old}, old.Chunk().Row((old.Index()+1)%old.Chunk().Len()))
			swap(t, l, pair)
			return string(pair[1].ID()), nil
		},
	} {
		for _, x := range []struct{ silent, hardware bool }{{false, true}, {true, false}, {true, true}} {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 4})
				calm(t, l)
				f := l.fleet(Options{Random: func() float64 { return 0.5 }})
				sync1(t, f)
				old := single(t, f.Current(), f.Current().Chunks()[1].Site().ID, 1)[0]
				stop := start(t, f)
				defer stop()
				wait(20 * time.Minute)
				other, err := take(t, l, old)
				if err := errors.Join(err, l.sim.Poll(other)); err != nil {
					t.Fatal(err)
				}
				w := visible(l.sim.World(), unitytest.UserSuper)
				l.rewrite(t, func(row map[string]any) {
					s, _ := row["OSAndVersions"].(map[string]any)
					switch s["IPV4"] {
					case w[other].IP:
						if x.hardware {
							s["MACAddress"] = old.MAC()
						}
					case w[string(old.ID())].IP:
						if x.silent {
							row["HostName"] = ""
						}
					}
				})
				wait(time.Hour)
				if !x.silent || !x.hardware {
					noStrangers(t, f, l)
				} else if row, _ := f.Current().Get(old.ID()); row.User() == old.User() {
					t.Errorf("%s: the other one has its own report: this says nothing", name)
				}
				wait(25 * time.Hour)
				noStrangers(t, f, l)
			})
		}
	}
}

// TestRenamed: a machine that reports under another name has its site read, once, and nothing else.
func TestRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 4})
		calm(t, l)
		f := l.fleet(Options{})
		sync1(t, f)
		row := single(t, f.Current(), f.Current().Chunks()[1].Site().ID, 1)[0]
		wait(10 * time.Minute)
		if err := errors.Join(l.sim.RenameEndpoint(string(row.ID()), "RENAMED-1"), l.sim.Infect(string(row.ID()), "evil.exe", "W32.Evil")); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		l.forget()
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now, _ := f.Current().Get(row.ID()); now.Name() != "RENAMED-1" || !sick(now) {
			t.Errorf("it is %s, infected: %v", now.Name(), sick(now))
		}
		if n := l.count("/endpoints"); n != 1 {
			t.Errorf("%d sites were read", n)
		}
		noStrangers(t, f, l)
	})
}

func deactivate(t *testing.T, l *lab, row picture.Row) error {
	t.Helper()
	targets, err := unity.NewTargets(row.SiteID(), []unity.EndpointID{row.ID()})
	if err != nil {
		return err
	}
	r, err := l.client.DeactivateRequest(targets)
	if err != nil {
		return err
	}
	_, err = l.client.Do(t.Context(), r)
	return err
}
