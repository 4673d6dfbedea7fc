package dispatch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// scanAt is a scan of machine "m" as a list shows it.
func scanAt(at time.Time, s unity.CommandState) unity.Command {
	return unity.Command{EndpointID: "m", Command: unity.NewText("scan"), DateRequested: unity.NewTime(at), State: s}
}

// TestShare compares what is shared out with what it promises, over random dates of few seconds.
func TestShare(t *testing.T) {
	start := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	op := operation(t, "scan")
	shared, left := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Custom(func(t *rapid.T) time.Time {
			return start.Add(time.Duration(rapid.IntRange(0, 24).Draw(t, "at")) * 500 * time.Millisecond)
		})
		var list []*unity.Command
		for _, at := range rapid.SliceOfN(instant, 0, 8).Draw(t, "commands") {
			c := scanAt(at.Truncate(time.Second), unity.StateScheduled)
			list = append(list, &c)
		}
		var changes []issued
		for i, from := range rapid.SliceOfN(instant, 0, 8).Draw(t, "changes") {
			x := issued{job: fmt.Sprint(i), op: op, state: rapid.SampledFrom([]State{Sent, Sent, Unknown}).Draw(t, "state"),
				at: span{from, from.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "for")) * 300 * time.Millisecond)}, before: known{}}
			if len(list) > 0 && rapid.IntRange(0, 3).Draw(t, "known") == 0 {
				x.before[list[0].Key()] = 1
			}
			changes = append(changes, x)
		}
		s := share(list, changes)
		for k, i := range s.from {
			switch {
			case i < 0:
				left++
			case s.to[i] != k:
				t.Fatalf("change %d has command %d, which has change %d", k, i, s.to[i])
			case !changes[k].at.holds(list[i].DateRequested):
				t.Fatalf("change %d has a command of another time", k)
			case s.twin[i] <= changes[k].before[list[i].Key()]:
				t.Fatalf("change %d has a command that was there before", k)
			default:
				shared++
			}
		}
		for i, k := range s.to {
			if k >= 0 && s.from[k] != i {
				t.Fatalf("command %d has change %d, which has command %d", i, k, s.from[k])
			}
			for free := range changes {
				if k < 0 && s.may(free, i) && changes[free].at.holds(list[i].DateRequested) {
					t.Fatalf("command %d and change %d fit and are both left", i, free)
				}
			}
		}
		// The order in which journals were read does not matter.
		turned := slices.Clone(changes)
		slices.Reverse(turned)
		slices.SortFunc(changes, byTime)
		slices.SortFunc(turned, byTime)
		if a, b := share(list, changes), share(list, turned); !slices.Equal(a.to, b.to) {
			t.Fatalf("%v and %v", a.to, b.to)
		}
	})
	if shared == 0 || left == 0 {
		t.Errorf("%d were shared out, %d changes got nothing", shared, left)
	}
}

// TestTwoEqualScansOfOneSecond are two commands with one key. Each job has one of them, and a third one is somebody else's.
func TestTwoEqualScansOfOneSecond(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 1)
		first, second := l.plan(t, "scan", refs, PlanOptions{}), l.plan(t, "scan", refs, PlanOptions{})
		a, jobs, err := l.journalled(t, first, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := second.Run(t.Context(), l.client, RunOptions{Journal: jobs.dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.sim.AddCommand(string(refs[0].ID), "scan", "", time.Time{}); err != nil {
			t.Fatal(err)
		}
		ledger := NewLedger(jobs.dir, l.binding())
		if err := ledger.Read(); err != nil {
			t.Fatal(err)
		}
		commands, err := unity.Collect(l.client.EndpointCommands(t.Context(), refs[0].Site, refs[0].ID, unity.CommandQuery{Command: "scan", Since: a.Started}))
		if err != nil || len(commands) != 3 || commands[0].Key() != commands[2].Key() {
			t.Fatalf("%d commands, %v", len(commands), err)
		}
		n := map[Claim]int{}
		for _, c := range ledger.Claims(commands) {
			n[c]++
		}
		if n[Claim{ByUnitty, a.ID}] != 1 || n[Claim{ByUnitty, b.ID}] != 1 || n[Claim{Who: ByOthers}] != 1 {
			t.Errorf("claims %v", n)
		}
	})
}

// TestTwoJobsFollowTheirOwnCommands has the first command of a machine elapse and the second one fetched.
func TestTwoJobsFollowTheirOwnCommands(t *testing.T) {
	start := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	op := operation(t, "scan")
	commands := []unity.Command{scanAt(start.Add(time.Second), unity.StateExecuted), scanAt(start, unity.StateElapsed)}
	changes := []issued{{job: "a", op: op, state: Sent, at: span{start.Add(100 * time.Millisecond), start.Add(200 * time.Millisecond)}},
		{job: "b", op: op, state: Sent, at: span{start.Add(1100 * time.Millisecond), start.Add(1200 * time.Millisecond)}}}
	for _, shift := range []time.Duration{0, 40 * time.Second} { // a clock of commands that is wrong
		dated := slices.Clone(commands)
		for i := range dated {
			dated[i].DateRequested = unity.NewTime(dated[i].DateRequested.Add(shift))
		}
		got := map[string]unity.CommandState{}
		for i, x := range changes {
			j := &Job{ID: x.job, Operation: op, spans: map[unity.EndpointID]span{"m": x.at}}
			follow(dated, j, nil, map[unity.EndpointID]bool{"m": true}, func(unity.EndpointID) []issued { return changes }, func(seen Tracked) { got[j.ID] = seen.State })
			// Alone it takes the nearest.
			follow(dated[1-i:2-i], j, nil, map[unity.EndpointID]bool{"m": true}, nil, func(seen Tracked) {
				if seen.State != dated[1-i].State {
					t.Errorf("job %s alone has %s", j.ID, seen.State)
				}
			})
		}
		if got["a"] != unity.StateElapsed || got["b"] != unity.StateExecuted {
			t.Errorf("after %s: %v", shift, got)
		}
	}
}

// TestTheOnlyCommandMayBeTheOthers: of two jobs that sent the same at once, the answer of one is lost. The one command in the
// list is no proof.
func TestTheOnlyCommandMayBeTheOthers(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 1)
		first, second := l.plan(t, "scan", refs, PlanOptions{}), l.plan(t, "scan", refs, PlanOptions{})
		_, jobs, err := l.journalled(t, first, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.sim.SetFault("504", 1); err != nil {
			t.Fatal(err)
		}
		job, err := second.Run(t.Context(), l.client, RunOptions{Journal: jobs.dir, ResendUnknown: true, Edge: func(e Edge) {
			if e == EdgeAnswered {
				_ = l.sim.SetFault("504", 0)
			}
		}})
		if err != nil || job.Results[0].State != Unknown {
			t.Fatalf("%+v, %v", job.Results, err)
		}
		if n := len(l.sent()); n != 2 {
			t.Errorf("%d requests were sent", n)
		}
	})
}
