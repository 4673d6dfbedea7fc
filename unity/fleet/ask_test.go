package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// twins is a console of one site whose machines go by pairs of names, swept with reports.
func twins(t *testing.T, n int) (*lab, *Fleet) {
	t.Helper()
	l := newLab(t, unitytest.Options{Sites: 1, Endpoints: n, Seed: 5, Now: fixedClock})
	for i, e := range l.sim.World().Endpoints {
		if err := l.sim.RenameEndpoint(e.ID, "TWIN-"+string(rune('A'+i/2))); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true})
	if err != nil || f.Unjoined != n {
		t.Fatalf("%v, %d of %d machines are open", err, f.Unjoined, n)
	}
	return l, f
}

// TestAskEach: machines that share their name are told apart when they are asked for one by one, each with its own report.
func TestAskEach(t *testing.T) {
	l, f := twins(t, 12)
	namesakes := f.Namesakes()
	asked, err := f.AskEach(t.Context(), l.client, namesakes)
	if err != nil {
		t.Fatal(err)
	}
	machines, _, _ := machinesOf(l.sim.World(), unitytest.UserSuper)
	told := 0
	for _, m := range f.Machines {
		e := machines[string(m.ID)]
		if wanted := namesakes(m); wanted != (m.Status != nil) {
			t.Errorf("%s: wanted %v, told %v", m.HostName, wanted, m.Status != nil)
		}
		if m.Status != nil {
			told++
			if faceOf(m.Status) != face(e.MAC, e.IP, e.PublicIP, e.User, e.OS, e.Version) || m.StatusNote != "" || m.Status.Keycode != m.SiteKey {
				t.Errorf("%s got the report of %s, note %q", e.ID, faceOf(m.Status), m.StatusNote)
			}
		}
	}
	if told < 6 || asked.Told != told || asked.Left != 0 || asked.Calls != told+1 || f.Unjoined != len(f.Machines)-told {
		t.Errorf("%+v, %d are told, %d open", asked, told, f.Unjoined)
	}
}

// TestNobodyIsAskedForInVain: not machines whose machine id others have too, or of sites that broke off, nor more than the limit.
func TestNobodyIsAskedForInVain(t *testing.T) {
	all := func(*Machine) bool { return true }
	f := &Fleet{}
	for i := range MostAsked + 10 {
		m := machine(guid(i), guid(i), "x", "")
		m.SiteID, m.StatusNote = "1", NoteNotJoined
		f.Machines = append(f.Machines, m)
	}
	f.Machines[1].MachineID = f.Machines[0].MachineID
	f.Machines[2].MachineID = ""
	if got := len(f.askable(all)); got != MostAsked+7 {
		t.Errorf("%d machines can be asked for", got)
	}
	f.Failed = []SiteError{{Site: "1"}}
	if got := len(f.askable(all)); got != 0 {
		t.Errorf("%d machines of a site that broke off can be asked for", got)
	}
	f.Failed = nil
	l := newLab(t, unitytest.Options{Sites: 1, Endpoints: 1, Seed: 5, Now: fixedClock})
	l.rewrite("/status/", func(answer map[string]any) { clear(answer); answer["QueryResults"] = []any{} })
	if asked, err := f.AskEach(t.Context(), l.client, all); err != nil || asked != (Asked{Calls: MostAsked, Left: 7}) {
		t.Errorf("%+v, %v", asked, err)
	}
	f.StatusErr = errors.New("no scope")
	if got := len(f.askable(all)); got != 0 {
		t.Errorf("%d machines can be asked for by whoever may not", got)
	}
}

// TestSiteThatBreaksOff is named, and its machines are told by no name: another one on the rest of the list may have it.
func TestSiteThatBreaksOff(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 1, Endpoints: 120, Seed: 4, Variants: []string{"page-size-clamp-50"}}, func(t *testing.T, l *lab) {
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("pageNr") == "2" {
				return status(http.StatusForbidden), nil
			}
			return nil, nil
		}
		for _, sites := range [][]unity.SiteID{nil, {unity.SiteID(l.sim.World().Sites[0].ID)}} {
			f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true, Sites: sites})
			if err != nil || len(f.Machines) != 50 || len(f.Failed) != 1 || f.Complete() || f.Unjoined != 50 {
				t.Errorf("%v: %d machines, %d without a report, failed are %v", err, len(f.Machines), f.Unjoined, f.Failed)
			}
		}
	})
}

// TestNamesOfTwoSites: the reports of sites that are asked for one by one are told apart by their sites.
func TestNamesOfTwoSites(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 40, Seed: 4}, func(t *testing.T, l *lab) {
		w := l.sim.World()
		n := map[string]int{}
		for _, e := range w.Endpoints {
			n[e.SiteID]++
			if err := l.sim.RenameEndpoint(e.ID, "PC-"+strconv.Itoa(n[e.SiteID])); err != nil {
				t.Fatal(err)
			}
		}
		f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true, Sites: []unity.SiteID{unity.SiteID(w.Sites[0].ID), unity.SiteID(w.Sites[1].ID)}})
		if err != nil || f.Unjoined > 0 {
			t.Errorf("%v, %d machines have no report", err, f.Unjoined)
		}
		checkJoin(t, f, l.sim.World(), unitytest.UserSuper, false)
	})
}

// rewrite has answers whose path holds the word changed on their way.
func (l *lab) rewrite(word string, change func(answer map[string]any)) {
	l.intercept = func(r *http.Request) (*http.Response, error) {
		if !strings.Contains(r.URL.Path+"$", word) {
			return nil, nil
		}
		rec := httptest.NewRecorder()
		l.sim.ServeHTTP(rec, r)
		var raw map[string]any
		if err := json.NewDecoder(rec.Body).Decode(&raw); err != nil {
			return nil, err
		}
		change(raw)
		text, err := json.Marshal(raw)
		return &http.Response{StatusCode: rec.Code, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text))}, err
	}
}

// TestShortListOfSites: a list of sites that has fewer than it says is named.
func TestShortListOfSites(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 4, Endpoints: 40, Seed: 4}, func(t *testing.T, l *lab) {
		l.rewrite("/sites$", func(answer map[string]any) {
			if sites, ok := answer["Sites"].([]any); ok {
				answer["Sites"] = sites[1:]
			}
		})
		f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true})
		if err != nil || f.Total != 3 || f.Complete() || len(f.Failed) != 1 || !errors.Is(f.Failed[0].Err, unity.ErrProtocol) {
			t.Errorf("%v: %d sites, complete %v, failed are %v", err, f.Total, f.Complete(), f.Failed)
		}
	})
}

// TestNamesWhileASiteIsHidden: a name is nobody's alone while there are machines that may not be seen: the only report of it may
// be of one of those.
func TestNamesWhileASiteIsHidden(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 6, Endpoints: 60, Seed: 4, User: unitytest.UserLimited}, func(t *testing.T, l *lab) {
		w := l.sim.World()
		machines, _, _ := machinesOf(w, unitytest.UserLimited)
		var mine, other unitytest.EndpointTruth
		bearers := map[string]int{}
		for _, e := range w.Endpoints {
			bearers[unity.Fold(e.HostName)]++
		}
		for _, e := range w.Endpoints {
			switch _, sees := machines[e.ID]; {
			case !sees || bearers[unity.Fold(e.HostName)] > 1:
			case mine.ID == "":
				mine = e
			case e.SiteID != mine.SiteID:
				other = e
			}
		}
		l.rewrite("/status/", func(answer map[string]any) {
			rows, _ := answer["QueryResults"].([]any)
			for _, row := range rows {
				switch fields, _ := row.(map[string]any); fields["HostName"] {
				case mine.HostName:
					fields["HostName"] = ""
				case other.HostName:
					fields["HostName"] = mine.HostName
				}
			}
		})
		f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true})
		if err != nil || f.Hidden == 0 {
			t.Fatalf("%v, %d sites are hidden", err, f.Hidden)
		}
		for _, m := range f.Machines {
			if string(m.ID) == mine.ID && m.Status != nil {
				t.Errorf("%s has the report of %s", m.HostName, faceOf(m.Status))
			}
		}
	})
}
