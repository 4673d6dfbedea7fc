package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/itchyny/gojq"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestWorkflowsInOtherWorlds does every workflow by verbs in two more random worlds; the first is that of TestScripts.
func TestWorkflowsInOtherWorlds(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "script", "workflow_*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	for _, seed := range []string{"2", "3"} {
		t.Run("seed "+seed, func(t *testing.T) {
			t.Parallel()
			p := scriptParams()
			p.Dir, p.Files = "", files
			p.Setup = func(env *testscript.Env) error {
				if err := prepareScript(env); err != nil {
					return err
				}
				env.Setenv("SEED", seed)
				return nil
			}
			testscript.Run(t, p)
		})
	}
}

// truth is the world as scripts see it: that of the simulator, with what would be laborious to say in an expression.
type truth struct {
	Sites     []unitytest.SiteTruth
	Endpoints []machineTruth
	Commands  []unitytest.CommandTruth
}

type machineTruth struct {
	unitytest.EndpointTruth
	// Days is the number of whole days since it was last seen, a very large one for never.
	Days int
	// Policy is the name of its policy.
	Policy string
	// Plain tells that its name is one of its own and can be typed, that its site takes changes and that no command waits for it.
	Plain bool
	// Older tells that a newer active record of the same machine has replaced it.
	Older bool
}

func truthOf(w unitytest.Snapshot) truth {
	out := truth{Sites: w.Sites, Commands: w.Commands}
	policies, names, waiting, shut := map[string]string{}, map[string]int{}, map[string]bool{}, map[string]bool{}
	newest := map[string]unitytest.EndpointTruth{}
	same := func(e unitytest.EndpointTruth) string { return e.SiteID + " " + unity.Fold(e.HostName) + " " + e.MAC }
	for _, p := range w.Policies {
		policies[p.ID] = p.Name
	}
	for _, s := range w.Sites {
		shut[s.ID] = s.Deactivated || s.Suspended
	}
	for _, c := range w.Commands {
		waiting[c.EndpointID] = waiting[c.EndpointID] || c.ExecutedAt.IsZero()
	}
	for _, e := range w.Endpoints {
		names[strings.ToLower(e.HostName)]++
		if !e.Deactivated && e.LastSeen.After(newest[same(e)].LastSeen) {
			newest[same(e)] = e
		}
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9 .-]+$`)
	for _, e := range w.Endpoints {
		m := machineTruth{EndpointTruth: e, Days: 1 << 20, Policy: policies[e.PolicyID], Older: e.LastSeen.Before(newest[same(e)].LastSeen)}
		if !e.LastSeen.IsZero() {
			m.Days = int(w.Now.Sub(e.LastSeen).Hours() / 24)
		}
		m.Plain = plain.MatchString(e.HostName) && names[strings.ToLower(e.HostName)] == 1 && !shut[e.SiteID] && !waiting[e.ID]
		out.Endpoints = append(out.Endpoints, m)
	}
	return out
}

// truthCmd evaluates an expression on the simulated world: truth EXPR WANT, or truth -set NAME EXPR, which sets a variable and
// wants it not to be empty.
func truthCmd(ts *testscript.TestScript, neg bool, args []string) {
	set := ""
	if len(args) == 3 && args[0] == "-set" {
		set, args = args[1], []string{args[2], ""}
	}
	if len(args) != 2 {
		ts.Fatalf("usage: truth [-set NAME] EXPR [WANT]")
	}
	q, err := gojq.Parse(args[0])
	ts.Check(err)
	raw, err := json.Marshal(truthOf(theSim(ts).World()))
	ts.Check(err)
	var world any
	ts.Check(json.Unmarshal(raw, &world))
	var got []string
	for it := q.Run(world); ; {
		v, ok := it.Next()
		if !ok {
			break
		}
		if err, ok := v.(error); ok {
			ts.Fatalf("truth: %v", err)
		}
		got = append(got, fmt.Sprint(v))
	}
	text := strings.Join(got, " ")
	switch {
	case set != "" && (text == "" || text == "<nil>"):
		ts.Fatalf("truth: this world has nothing for %s", args[0])
	case set != "":
		ts.Setenv(set, text)
	case (text == args[1]) == neg:
		ts.Fatalf("truth %s is %q, want %q (negated: %v)", args[0], text, args[1], neg)
	}
}
