package live

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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
	"github.com/unitty/unitty/unity/unitytest"
)

// untold are the machines, active or all, that have no report and were not asked for, though they have a machine id.
func untold(p *picture.Picture, all bool) []picture.Row {
	var out []picture.Row
	for r := range p.Rows() {
		if _, ok := r.MachineKey(); ok && !r.Joined() && !r.Asked() && (all || !r.Deactivated()) {
			out = append(out, r)
		}
	}
	return out
}

// twinsOf are the records of one machine by the truth: host name and hardware address, those of each machine with several active
// records in one text.
func twinsOf(w unitytest.Snapshot) []string {
	by, active := map[string][]string{}, map[string]int{}
	for _, e := range w.Endpoints {
		if unity.Fold(e.HostName) != "" && e.MAC != "" {
			key := unity.Fold(e.HostName) + " " + unity.Fold(e.MAC)
			by[key] = append(by[key], e.ID)
			if !e.Deactivated {
				active[key]++
			}
		}
	}
	maps.DeleteFunc(by, func(key string, _ []string) bool { return active[key] < 2 })
	return textOf(slices.Collect(maps.Values(by)))
}

func twinsIn(p *picture.Picture) []string {
	var all [][]string
	for _, g := range p.Duplicates(context.Background()).Groups {
		var ids []string
		for _, r := range g {
			ids = append(ids, string(r.ID()))
		}
		all = append(all, ids)
	}
	return textOf(all)
}

func textOf(groups [][]string) []string {
	var out []string
	for _, g := range groups {
		if len(g) > 1 {
			slices.Sort(g)
			out = append(out, strings.Join(g, " "))
		}
	}
	slices.Sort(out)
	return out
}

// twinWorld has duplicates whose reports carry no machine ids.
func twinWorld() unitytest.Options {
	return unitytest.Options{Sites: 20, Endpoints: 800, Seed: 11}
}

// TestNamesakesAreAskedFor: in time every machine has its own report, or was asked for, at no more than six calls a minute;
// the records of one machine are found then. The next process knows all of it.
func TestNamesakesAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, twinWorld())
		for _, e := range l.sim.World().Endpoints { // nothing changes but what is asked
			if err := l.sim.StopPolling(e.ID); err != nil {
				t.Fatal(err)
			}
		}
		file := testSnapshot(t, l)
		f := l.fleet(Options{Snapshot: file})
		stop := start(t, f)
		synctest.Wait()
		open := len(untold(f.Current(), true))
		want := twinsOf(l.sim.World())
		if had := twinsIn(f.Current()); open < 20 || len(want) < 5 || len(had) == len(want) {
			t.Fatalf("%d machines are open, and %d of %d machines with two records are known: this world says nothing", open, len(had), len(want))
		}
		wait(time.Minute) // names first
		for l.count("machineId") == 0 {
			wait(time.Second)
		}
		l.forget()
		wait(5 * time.Minute)
		if n := l.count("machineId"); n < 29 || n > 31 {
			t.Errorf("%d machines were asked for in five minutes", n)
		}
		wait(time.Duration(open) * askEvery)
		stop()
		p := f.Current()
		if left := untold(p, true); len(left) > 0 {
			t.Errorf("%d of %d machines were not asked for: %s", len(left), open, left[0].Name())
		}
		if got := twinsIn(p); !slices.Equal(got, want) {
			t.Errorf("known are %v, want %v", got, want)
		}
		check(t, p, l, unitytest.UserSuper)

		l.forget()
		g := l.fleet(Options{Snapshot: file})
		if err := g.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop = start(t, g)
		wait(2 * time.Hour)
		stop()
		if n := l.count("machineId"); n > 0 {
			t.Errorf("%d machines were asked for again", n)
		}
		if got := twinsIn(g.Current()); !slices.Equal(got, want) {
			t.Errorf("from disk known are %v, want %v", got, want)
		}
		sync1(t, g)
		if got := twinsIn(g.Current()); !slices.Equal(got, want) || g.Current().Unjoined != p.Unjoined {
			t.Errorf("after another sync known are %v, want %v; %d without a report, %d before", got, want, g.Current().Unjoined, p.Unjoined)
		}
		check(t, g.Current(), l, unitytest.UserSuper)
	})
}

// TestIdentify asks at once, also where the machine ids are not at hand, and once only.
func TestIdentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, twinWorld())
		file := testSnapshot(t, l)
		sync1(t, l.fleet(Options{Snapshot: file}))
		f := l.fleet(Options{Snapshot: file})
		if err := f.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop := start(t, f)
		synctest.Wait()
		open := len(untold(f.Current(), false))
		l.forget()
		f.Identify()
		f.Identify()
		synctest.Wait()
		calls := l.count("machineId")
		if left := untold(f.Current(), false); open < 20 || calls > open+1 || len(left) > 0 {
			t.Errorf("%d calls for %d machines, %d are left", calls, open, len(left))
		}
		f.Identify()
		synctest.Wait()
		if again := l.count("machineId"); again != calls {
			t.Errorf("%d calls more, though all was known", again-calls)
		}
		stop()
		check(t, f.Current(), l, unitytest.UserSuper)
	})
}

// TestInfectedNamesakes: that one of several records of a name is infected is known with the next delta, and so is that it
// is over.
func TestInfectedNamesakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, twinWorld())
		f := l.fleet(Options{})
		stop := start(t, f)
		wait(time.Hour)
		f.Identify()
		wait(time.Minute)
		var id string
		for r := range f.Current().Rows() {
			e := visible(l.sim.World(), unitytest.UserSuper)[string(r.ID())]
			if r.Asked() && r.Joined() && !r.Deactivated() && r.FoldedHost() != "" && !e.Infected {
				id = e.ID
				break
			}
		}
		known := func() bool {
			r, _ := f.Current().Get(unity.EndpointID(id))
			return sick(r)
		}
		for _, bad := range []bool{true, false} {
			err := l.sim.Infect(id, "evil.exe", "W32.Evil")
			if !bad {
				err = l.sim.Clean(id)
			}
			if err != nil {
				t.Fatal(err)
			}
			wait(DefaultEvery + DefaultEvery/5)
			if known() != bad {
				t.Errorf("infected: %v; the picture says %v", bad, known())
			}
		}
		stop()
		kinds := ""
		for _, c := range f.Changes() {
			if string(c.ID) == id {
				kinds += string(c.Kind) + " "
			}
		}
		if kinds != "recovered infected " {
			t.Errorf("noted were %q", kinds)
		}
	})
}

// TestServerThatDoesNotNarrow gives all reports of a site whatever machine id it is asked with: none of them is taken, and it
// is not asked for long.
func TestServerThatDoesNotNarrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, twinWorld())
		w := l.sim.World()
		// One site has two records of a name and nothing else, and only one of the two reports.
		var kept []unitytest.EndpointTruth
		for _, e := range w.Endpoints {
			if e.SiteID != w.Sites[0].ID {
				continue
			}
			if len(kept) < 2 {
				kept = append(kept, e)
			} else if err := l.sim.RemoveEndpoint(e.ID); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range kept {
			if err := l.sim.RenameEndpoint(e.ID, "TWIN-01"); err != nil {
				t.Fatal(err)
			}
		}
		l.intercept = func(r *http.Request) *http.Response {
			q := r.URL.Query()
			if !q.Has("machineId") {
				return nil
			}
			q.Del("machineId")
			again := r.Clone(r.Context())
			again.URL.RawQuery = q.Encode()
			rec := httptest.NewRecorder()
			l.sim.ServeHTTP(rec, again)
			answer := rec.Result()
			if strings.Contains(r.URL.Path, w.Sites[0].Keycode) {
				answer = onlyFirst(t, answer)
			}
			return answer
		}
		f := l.fleet(Options{})
		stop := start(t, f)
		wait(3 * time.Hour)
		stop()
		for r := range f.Current().Rows() {
			if r.Joined() && r.Asked() {
				t.Errorf("%s has the report of %s", r.Name(), r.MAC())
			}
		}
		check(t, f.Current(), l, unitytest.UserSuper)
	})
}

// onlyFirst cuts a list of reports down to its first one.
func onlyFirst(t *testing.T, answer *http.Response) *http.Response {
	t.Helper()
	defer func() { _ = answer.Body.Close() }()
	raw := decoded(t, answer)
	if rows, ok := raw["QueryResults"].([]any); ok && len(rows) > 1 {
		raw["QueryResults"] = rows[:1]
	}
	raw["ContinuationToken"], raw["ContinuationURI"] = nil, nil
	return encoded(t, raw)
}

// TestAskersRules holds what one answer has to be.
func TestAskersRules(t *testing.T) {
	const mine, code = "AB12:::CD:::EF", "AAAABBBBCCCCDDDDEEEE"
	for name, x := range map[string]struct {
		answers string // for the machine; for one that does not exist
		other   string
		told    bool
	}{
		"one that fits":               {`[{"HostName":"twin"}]`, `[]`, true},
		"one that says so itself":     {`[{"HostName":"TWIN","MachineId":"ab12:::cd:::ef"}]`, `[]`, true},
		"of another machine":          {`[{"HostName":"TWIN","MachineId":"ab13"}]`, `[]`, false},
		"of another name":             {`[{"HostName":"OTHER"}]`, `[]`, false},
		"two":                         {`[{"HostName":"TWIN"},{"HostName":"TWIN"}]`, `[]`, false},
		"none":                        {`[]`, `[]`, false},
		"whoever is asked for":        {`[{"HostName":"TWIN"}]`, `[{"HostName":"TWIN"}]`, false},
		"and somebody for a stranger": {`[{"HostName":"TWIN"}]`, `[{"HostName":"ANY"}]`, false},
	} {
		l := newLab(t, unitytest.Options{Sites: 1, Endpoints: 1, Seed: 1})
		l.intercept = func(r *http.Request) *http.Response {
			rows := x.answers
			if r.URL.Query().Get("machineId") != mine {
				rows = x.other
			}
			return body(fmt.Sprintf(`{"QueryResults":%s}`, rows))
		}
		asker := fleet.NewAsker(l.client)
		for range 2 {
			got, err := asker.Report(t.Context(), code, mine, unity.NewText("Twin"))
			if (got != nil) != x.told || err != nil && x.told {
				t.Errorf("%s: told is %v, %v", name, got != nil, err)
			}
		}
	}
}

func decoded(t fatal, answer *http.Response) (out map[string]any) {
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		t.Fatalf("%v", err)
	}
	return out
}

func encoded(t fatal, v any) *http.Response {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return body(string(raw))
}

// body is an answer with that text.
func body(text string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}
}

// TestLearnedIsNoChange: a machine whose first report says that it has been infected since before anybody looked is no news; one
// that was infected since then is. What was asked for because somebody looked is on disk at once.
func TestLearnedIsNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, twinWorld())
		first := l.fleet(Options{})
		sync1(t, first)
		open := untold(first.Current(), false)
		if len(open) < 2 {
			t.Fatalf("%d machines are open: this world says nothing", len(open))
		}
		before, since := open[0].ID(), open[len(open)-1].ID()
		infect := func(id unity.EndpointID) {
			if err := l.sim.Infect(string(id), "evil.exe", "W32.Evil"); err != nil {
				t.Fatal(err)
			}
		}
		infect(before)
		wait(time.Minute)
		file := testSnapshot(t, l)
		f := l.fleet(Options{Snapshot: file})
		sync1(t, f)
		wait(time.Minute)
		infect(since)
		stop := start(t, f)
		f.Identify()
		synctest.Wait()
		told := map[unity.EndpointID]bool{}
		for _, c := range f.Changes() {
			told[c.ID] = told[c.ID] || c.Kind == ChangeInfected
		}
		for _, id := range []unity.EndpointID{before, since} {
			if row, _ := f.Current().Get(id); !sick(row) {
				t.Errorf("nobody knows that %s is infected", id)
			}
		}
		if told[before] || !told[since] {
			t.Errorf("infected before anybody looked, told %v; infected since, told %v", told[before], told[since])
		}
		g := l.fleet(Options{Snapshot: file})
		if err := g.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := untold(g.Current(), false); len(left) > 0 {
			t.Errorf("of the machines that were asked for %d are not on disk", len(left))
		}
		stop()
	})
}
