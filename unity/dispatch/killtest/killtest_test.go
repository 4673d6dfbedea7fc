//go:build unix

package main

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

// TestKilledAtEveryEdge is the short form of the command: five trials at each edge.
func TestKilledAtEveryEdge(t *testing.T) {
	var seen tally
	err := trials(t.Context(), 25, 2, func(tr trial, r result) {
		seen.add(tr, r)
		if !r.good() {
			t.Errorf("%s: %s", tr, r)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range edges() {
		if seen.n[e] < 5 {
			t.Errorf("%s was met %d times only", e, seen.n[e])
		}
	}
	if seen.total[edgeBytes].unknown+seen.total[edgeBytes].sent == 0 {
		t.Error("nothing was ever on its way")
	}
	t.Logf("\n%s", &seen)
}

// TestTheJudgeSeesLies gives the judge counts that do not fit.
func TestTheJudgeSeesLies(t *testing.T) {
	for _, x := range []struct {
		state dispatchState
		got   int
		good  bool
	}{{"sent", 1, true}, {"sent", 0, false}, {"sent", 2, false}, {"unknown", 0, true}, {"unknown", 1, true}, {"unknown", 2, false}, {"cancelled", 1, false}, {"cancelled", 0, true},
		{"waiting", 0, false}} {
		past, id := pastOf(x.state)
		if r := judge(past, map[string]int{id: x.got}); r.good() != x.good {
			t.Errorf("%s and %d times delivered: %s", x.state, x.got, r)
		}
	}
}
