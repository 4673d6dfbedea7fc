package views_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestAMachineIsReadOnItsScreen: a machine that no list tells from its namesakes gets its own report when it is opened, nothing is
// left of what was not known before, and the record is there as the server sent it, which the picture does not keep.
func TestAMachineIsReadOnItsScreen(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Sites: 6, Endpoints: 240, Seed: 4})
	b := session(t, sim, serve(t, sim), t.TempDir(), 120, 150)
	ids, found := map[string]int{}, unitytest.EndpointTruth{}
	w := sim.World()
	for _, e := range w.Endpoints {
		ids[e.MachineID]++
	}
	for _, e := range w.Endpoints {
		r, there := b.env.Fleet.Current().Get(unity.EndpointID(e.ID))
		if there && !r.Joined() && !e.Deactivated && e.HostName != "" && ids[e.MachineID] == 1 && !e.LastSeen.IsZero() {
			found = e
		}
	}
	if found.ID == "" {
		t.Fatal("every machine has a report")
	}
	b.atMachine(found.ID)
	b.Press("enter")
	b.Settle()
	b.want("Infected", "Last scan", found.MAC)
	if line := b.LineWith("Next poll"); !strings.Contains(line, "not known yet: 1 of 3 polls seen") {
		t.Errorf("the usual gap is known from one poll: %q", line)
	}
	if b.Has("not joined") {
		t.Errorf("the report is there, and still:\n%s", b.Screen())
	}
	b.Press("w")
	b.Settle()
	b.want(`"EndpointId": "`+found.ID+`"`, `"MachineId"`)
}

// TestAMovedMachineNamesItsNewGroup: the name of the group that is left does not stay on the screen of the machine.
func TestAMovedMachineNamesItsNewGroup(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Sites: 6, Endpoints: 240, Seed: 4})
	b := session(t, sim, serve(t, sim), t.TempDir(), 120, 150)
	site, m := b.machine()
	to := ""
	for _, g := range site.Groups {
		if g.ID != m.GroupID {
			to = g.Name
		}
	}
	b.atMachine(m.ID)
	b.Press("enter")
	b.Settle()
	for _, g := range site.Groups {
		if line := b.LineWith("Group "); g.ID == m.GroupID && !strings.Contains(line, g.Name) {
			t.Errorf("before: %q, it is in %s", line, g.Name)
		}
	}
	b.Press("m")
	b.Settle()
	b.Type(to)
	for _, key := range []string{"enter", "enter", "y"} {
		b.Press(key)
		b.Settle()
	}
	if now := b.now(m.ID); now.GroupID == m.GroupID {
		t.Fatalf("it was not moved:\n%s", b.Screen())
	}
	if line := b.LineWith("Group "); !strings.Contains(line, to) {
		t.Errorf("moved to %s: %q", to, line)
	}
}

// TestAReportThatIsNotNarrowedIsNobodys: a server that gives another machine's report when it is asked for one by its machine id
// has it shown nowhere.
func TestAReportThatIsNotNarrowedIsNobodys(t *testing.T) {
	t.Parallel()
	user := regexp.MustCompile(`"CurrentUser":("[^"]*"|null)`)
	for name, narrow := range map[string]bool{"the id is passed over": false, "the id counts": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := unitytest.New(unitytest.Options{Sites: 1, Endpoints: 1, Seed: 1})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q, single := r.URL.Query(), false
				for key := range q {
					if single = strings.EqualFold(key, "machineId"); single {
						break
					}
				}
				if !single {
					sim.ServeHTTP(w, r)
					return
				}
				if !narrow {
					rest := url.Values{}
					for key := range q {
						if !strings.EqualFold(key, "machineId") {
							rest[key] = q[key]
						}
					}
					r.URL.RawQuery = rest.Encode()
				}
				answer := httptest.NewRecorder()
				sim.ServeHTTP(answer, r)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(answer.Code)
				_, _ = w.Write(user.ReplaceAll(answer.Body.Bytes(), []byte(`"CurrentUser":"STRANGER"`)))
			}))
			t.Cleanup(server.Close)
			b := session(t, sim, server.URL, t.TempDir(), 120, 150)
			b.atMachine(sim.World().Endpoints[0].ID)
			b.Press("enter")
			b.Settle()
			b.want("Infected")
			if b.Has("STRANGER") != narrow {
				t.Errorf("the user of the report:\n%s", b.Screen())
			}
		})
	}
}
