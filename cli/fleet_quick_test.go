//go:build unix

package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/snapshot"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestCurrentSnapshot: only a complete picture that was kept current a short while ago may propose a machine.
func TestCurrentSnapshot(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		content snapshot.Content
		good    bool
	}{
		"recent":     {snapshot.Content{Finished: now.Add(-50 * time.Minute), FullAt: now.Add(-20 * time.Hour)}, true},
		"old":        {snapshot.Content{Finished: now.Add(-61 * time.Minute), FullAt: now.Add(-61 * time.Minute)}, false},
		"future":     {snapshot.Content{Finished: now.Add(time.Hour), FullAt: now}, false},
		"never full": {snapshot.Content{Finished: now}, false},
	} {
		err := current(&c.content)
		var no *cannotError
		if (err == nil) != c.good || err != nil && !errors.As(err, &no) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPartialSnapshot: a site that was not read to the end may hide another machine of the name.
func TestPartialSnapshot(t *testing.T) {
	t.Parallel()
	k := &kept{head: &snapshot.Content{Finished: time.Now(), Sites: []unity.Site{{ID: "a", Name: unity.NewText("Alpha")}, {ID: "b", AccessLevel: unity.Int{Known: true}}}}}
	k.settle(nil)
	if p := k.pic; len(p.Failed) != 1 || p.Failed[0].Name.Raw() != "Alpha" || p.Hidden != 1 || p.Total != 1 || p.Done != 0 {
		t.Errorf("%+v", p)
	}
	if text := k.words(); !strings.Contains(text, "1 site partial") {
		t.Errorf("%q", text)
	}
	if k.missing("SkyStatus.GSM") {
		t.Error("a scope is missing though none was")
	}
	k.head.StatusScope = true
	if !k.missing("SkyStatus.GSM") || k.missing("Console.GSM") {
		t.Error("the scopes of the agents' reports are missing, and only those")
	}
}

// TestQuickNeverWrong: whatever changes at a site after the snapshot, short of what the help names, the name stands for the one
// machine that has it, or the snapshot says that it cannot tell.
func TestQuickNeverWrong(t *testing.T) {
	t.Parallel()
	c := newKeptConsole(t, unitytest.Options{Sites: 7, Endpoints: 70, Seed: 5})
	sites := plainSites(c.sim)
	f := c.sess.openFleet()
	resolved, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if err := f.Sync(t.Context()); err != nil {
			rt.Fatalf("%v", err)
		}
		machines := active(c.sim)
		asked := rapid.SampledFrom(machines).Draw(rt, "asked")
		other := asked
		if rapid.Bool().Draw(rt, "another") {
			other = rapid.SampledFrom(machines).Draw(rt, "other")
		}
		site := rapid.SampledFrom(sites).Draw(rt, "site").site.ID
		what := rapid.SampledFrom([]string{"nothing", "twin", "insert", "remove", "rename", "move"}).Draw(rt, "what")
		var err error
		switch what {
		case "twin":
			_, err = c.sim.InsertEndpoint(site, asked.HostName)
		case "insert":
			_, err = c.sim.InsertEndpoint(site, "NEW-"+other.HostName)
		case "remove":
			err = c.sim.RemoveEndpoint(other.ID)
		case "rename":
			err = c.sim.RenameEndpoint(other.ID, "RENAMED-"+other.HostName)
		case "move":
			if other.SiteID != site {
				err = c.sim.MoveEndpoint(other.ID, site)
			}
		}
		if err != nil {
			rt.Fatalf("%s: %v", what, err)
		}
		c.sim.ResetLog()
		q := &quick{sess: c.sess, names: []wanted{{name: asked.HostName}}}
		refs, err := q.resolve(t.Context())
		var no *cannotError
		if errors.As(err, &no) {
			refused++
			return
		}
		if err != nil && strings.Contains(err.Error(), " machines are called ") && bearers(c.sim, asked.HostName) > 1 {
			refused++
			return
		}
		if err != nil || len(refs) != 1 {
			rt.Fatalf("%v, %v", refs, err)
		}
		resolved++
		checkTruth(rt, c.sim, asked.HostName, refs[0])
		if n := c.sim.count(`/service/`); n > 4 {
			rt.Fatalf("%d calls after %s", n, what)
		}
	})
	if resolved == 0 || refused == 0 {
		t.Errorf("%d were resolved and %d refused: the test has seen one side only", resolved, refused)
	}
}

// active are the machines of a console that is not deactivated, at sites that the user may see.
func active(sim *testSim) []unitytest.EndpointTruth {
	var out []unitytest.EndpointTruth
	for _, e := range sim.World().Endpoints {
		if !e.Deactivated && e.HostName != "" {
			out = append(out, e)
		}
	}
	return out
}

// bearers counts the active machines that have a name.
func bearers(sim *testSim, name string) (n int) {
	for _, e := range sim.World().Endpoints {
		if unity.Fold(e.HostName) == unity.Fold(name) && !e.Deactivated {
			n++
		}
	}
	return n
}

// checkTruth wants a reference to be the one active machine of that name, where it is, under the name that it has.
func checkTruth(t *rapid.T, sim *testSim, name string, ref fleet.Ref) {
	n := 0
	for _, e := range sim.World().Endpoints {
		if unity.Fold(e.HostName) != unity.Fold(name) || e.Deactivated {
			continue
		}
		n++
		if string(ref.ID) == e.ID && (string(ref.Site) != e.SiteID || ref.HostName.Raw() != e.HostName) {
			t.Fatalf("%+v is not as it is: %+v", ref, e)
		}
	}
	if n > 1 {
		t.Fatalf("%d machines are called %q, and one was taken", n, name)
	}
	for _, e := range sim.World().Endpoints {
		if e.ID == string(ref.ID) && unity.Fold(e.HostName) == unity.Fold(name) {
			return
		}
	}
	t.Fatalf("no machine with the id %s is called %q", ref.ID, name)
}
