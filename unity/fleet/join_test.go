package fleet

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// face is what an agent says of its machine that tells it from others.
func face(mac, ip, public, user, os, version string) string {
	return fmt.Sprintf("%s %s %s %s %s %s", mac, ip, public, user, os, version)
}

func faceOf(s *unity.Status) string {
	return face(s.OSAndVersions.MACAddress.Raw(), s.OSAndVersions.IPV4.Raw(), s.IPAddress.Raw(), s.OSAndVersions.CurrentUser.Raw(), s.OS.Raw(), s.ClientVersion.Raw())
}

// checkJoin compares a joined fleet with the world: no report at a wrong machine, and one at each machine that is the
// only one to bear its name within its site, or at all where reports carry machine ids.
func checkJoin(t fatal, f *Fleet, w unitytest.Snapshot, user string, ids bool) {
	machines, _, _ := machinesOf(w, user)
	if len(f.Machines) != len(machines) {
		t.Fatalf("%d machines, the world has %d", len(f.Machines), len(machines))
	}
	bearers := map[string]int{}
	for _, e := range machines {
		bearers[e.SiteID+"/"+unity.Fold(e.HostName)]++
	}
	unjoined := 0
	for _, m := range f.Machines {
		e, ok := machines[string(m.ID)]
		if !ok || e.SiteID != string(m.SiteID) {
			t.Fatalf("%s at %s is not in the world", m.ID, m.SiteID)
		}
		unique := ids || unity.Fold(e.HostName) != "" && bearers[e.SiteID+"/"+unity.Fold(e.HostName)] == 1
		switch {
		case m.Status == nil:
			unjoined++
			if unique {
				t.Fatalf("%q (%s) got no report, though nobody else at its site has the name", e.HostName, e.ID)
			}
			if m.StatusNote != NoteNotJoined {
				t.Fatalf("%q has no report and says %q", e.HostName, m.StatusNote)
			}
		case faceOf(m.Status) != face(e.MAC, e.IP, e.PublicIP, e.User, e.OS, e.Version), m.Status.HostName.Raw() != e.HostName,
			m.Status.LastSeen.Sub(e.LastSeen).Abs() >= time.Second, m.Status.BasicInfo.Infected.On != e.Infected:
			t.Fatalf("%q (%s) got the report of another machine: %s", e.HostName, e.ID, faceOf(m.Status))
		case !unique:
			t.Fatalf("%q (%s) got a report, though several machines of its site have the name", e.HostName, e.ID)
		case m.StatusNote != "":
			t.Fatalf("%q has a report and says %q", e.HostName, m.StatusNote)
		}
	}
	if f.Unjoined != unjoined {
		t.Fatalf("Unjoined is %d, %d machines have no report", f.Unjoined, unjoined)
	}
}

// confuse gives machines the names of others, of the same site or another, and takes the names of some.
func confuse(t *rapid.T, l *lab) {
	all := l.sim.World().Endpoints
	if len(all) == 0 {
		return
	}
	one := rapid.IntRange(0, len(all)-1)
	for range rapid.IntRange(0, 12).Draw(t, "renames") {
		name := rapid.SampledFrom([]string{all[one.Draw(t, "namesake")].HostName, "", "  ", "\u0301", "KIOSK-01", "kiosk-01", "Kiósk-01"}).Draw(t, "name")
		if err := l.sim.RenameEndpoint(all[one.Draw(t, "machine")].ID, name); err != nil {
			t.Fatalf("rename: %v", err)
		}
	}
}

func TestNoReportLandsOnAnotherMachine(t *testing.T) {
	users := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.SampledFrom([]string{unitytest.UserSuper, unitytest.UserLimited, unitytest.UserAPIOnly}).Draw(t, "user")
		ids := rapid.Bool().Draw(t, "ids")
		variants := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"endpoint-minimal", "keycodes-dashed", "status-extra-keys", "nulls-dropped",
			"dates-zoneless", "numbers-as-strings", "page-size-clamp-50", "endpoint-names"}), rapid.ID[string]).Draw(t, "variants")
		if ids {
			variants = append(variants, "status-with-ids")
		}
		l := newLab(t, unitytest.Options{Sites: rapid.IntRange(1, 9).Draw(t, "sites"), Endpoints: rapid.IntRange(1, 220).Draw(t, "endpoints"),
			Seed: rapid.Uint64Range(0, 1000).Draw(t, "seed"), Variants: variants, Now: fixedClock, User: user})
		confuse(t, l)
		w := l.sim.World()
		f, err := Sweep(context.Background(), l.client, SweepOptions{Status: true})
		if err != nil || f.StatusErr != nil {
			t.Fatalf("sweep: %v, status: %v", err, f.StatusErr)
		}
		checkJoin(t, f, w, user, ids)
		if _, visible, hidden := machinesOf(w, user); f.Hidden != hidden || f.Total != visible || f.Done != visible {
			t.Fatalf("%d of %d sites read, %d hidden; the user sees %d, %d are hidden", f.Done, f.Total, f.Hidden, visible, hidden)
		}
		users[user]++
	})
	if len(users) != 3 {
		t.Errorf("only %v were tried", users)
	}
}

func TestOneSiteIsJoinedByItsOwnReports(t *testing.T) {
	l := newLab(t, unitytest.Options{Sites: 4, Endpoints: 120, Seed: 7, Now: fixedClock})
	w := l.sim.World()
	for _, e := range w.Endpoints { // a namesake in every site
		if e.SiteID == w.Sites[1].ID {
			if err := l.sim.RenameEndpoint(w.Endpoints[0].ID, e.HostName); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true, Sites: []unity.SiteID{unity.SiteID(w.Sites[1].ID)}})
	if err != nil {
		t.Fatal(err)
	}
	w = l.sim.World()
	w.Sites = w.Sites[1:2]
	checkJoin(t, f, w, unitytest.UserSuper, false)
	for _, entry := range l.sim.Log() {
		if entry.Path == "/service/api/status/gsm/"+l.creds.GSMKey {
			t.Error("the whole console was asked about one site")
		}
	}
}

func machine(id, machineID, host string, key unity.Keycode) *Machine {
	return &Machine{Endpoint: unity.Endpoint{ID: unity.EndpointID(id), MachineID: unity.MachineID(machineID), HostName: unity.NewText(host)}, SiteKey: key}
}

// keycode is a keycode as it is read from an answer.
func keycode(text string) (k unity.Keycode) {
	if err := k.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
		panic(err)
	}
	return k
}

func report(machineID, host string, key unity.Keycode) unity.Status {
	return unity.Status{MachineID: unity.MachineID(machineID), HostName: unity.NewText(host), Keycode: key}
}

func TestJoinByHand(t *testing.T) {
	const k1, k2 = "AAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBB"
	for _, x := range []struct {
		name     string
		machines []*Machine
		reports  []unity.Status
		whole    bool
		want     []string // the ids that got a report
	}{
		{"by machine id, in any case", []*Machine{machine("1", "AB:::c", "x", k1), machine("2", "d", "x", k1)}, []unity.Status{report("ab:::C", "x", "")}, false, []string{"1"}},
		{"a machine id that nobody has is not replaced by the name", []*Machine{machine("1", "a", "x", k1)}, []unity.Status{report("b", "x", k1)}, true, nil},
		{"a machine id at another site", []*Machine{machine("1", "a", "x", k1)}, []unity.Status{report("a", "x", k2)}, true, nil},
		{"a machine id at two sites, one of which is known", []*Machine{machine("1", "a", "x", k1)}, []unity.Status{report("a", "x", k2), report("a", "x", k1)}, false, []string{"1"}},
		{"one machine id at two machines", []*Machine{machine("1", "a", "x", k1), machine("2", "a", "y", k2)}, []unity.Status{report("a", "x", k1)}, true, nil},
		{"two reports of one machine", []*Machine{machine("1", "a", "x", k1)}, []unity.Status{report("a", "x", k1), report("a", "x", k1)}, true, nil},
		{"keycode and name", []*Machine{machine("1", "", "x", k1), machine("2", "", "x", k2)}, []unity.Status{report("", "X", k2)}, true, []string{"2"}},
		{"a name twice in the console", []*Machine{machine("1", "", "x", k1), machine("2", "", "x", k2)}, []unity.Status{report("", "x", "")}, true, nil},
		{"a name alone in the console", []*Machine{machine("1", "", "x", k1), machine("2", "", "y", k2)}, []unity.Status{report("", "x", "")}, true, []string{"1"}},
		{"a name alone so far", []*Machine{machine("1", "", "x", k1)}, []unity.Status{report("", "x", "")}, false, nil},
		{"two reports, one machine", []*Machine{machine("1", "", "x", k1)}, []unity.Status{report("", "x", ""), report("", "x", k2)}, true, nil},
		{"two reports of a name, of which one is another machine's by its id", []*Machine{machine("1", "a", "x", k1)}, []unity.Status{report("b", "x", k1), report("", "x", k1)}, true, nil},
		{"the same without keycodes", []*Machine{machine("1", "a", "x", k1)}, []unity.Status{report("b", "x", ""), report("", "x", "")}, true, nil},
		{"keycode and name, dashed and in lower case", []*Machine{machine("1", "", "x", keycode("aaaa-bbbb-cccc-dddd-eeee"))}, []unity.Status{report("", "x ", keycode("AAAABBBBCCCCDDDDEEEE"))}, true, []string{"1"}},
		{"a keycode that is none", []*Machine{machine("1", "", "x", k1)}, []unity.Status{report("", "x", keycode("?"))}, true, nil},
		{"nameless", []*Machine{machine("1", "", " ", k1)}, []unity.Status{report("", " ", k1), report("", "", "")}, true, nil},
	} {
		unjoined := Join(x.machines, x.reports, x.whole)
		var got []string
		for _, m := range x.machines {
			if m.Status != nil {
				got = append(got, string(m.ID))
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(x.want) || unjoined != len(x.machines)-len(x.want) {
			t.Errorf("%s: %v got a report, want %v; %d are counted as without", x.name, got, x.want, unjoined)
		}
	}
}
