package dispatch

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestTheLedgerTellsWhoGaveACommand has a colleague give the same command earlier and later, and another one to another machine.
func TestTheLedgerTellsWhoGaveACommand(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 3)
		colleague := func(i int) {
			t.Helper()
			if err := l.sim.AddCommand(string(refs[i].ID), "scan", "", time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		colleague(0)
		<-time.After(time.Minute)
		job, jobs, err := l.journalled(t, l.plan(t, "scan", refs[:2], PlanOptions{Again: true}), RunOptions{})
		if err != nil || job.Count(Sent) != 2 {
			t.Fatal(job.Words(), err)
		}
		<-time.After(time.Minute)
		colleague(1)
		colleague(2)
		ledger := NewLedger(jobs.dir, l.binding())
		if err := ledger.Read(); err != nil {
			t.Fatal(err)
		}
		commands, err := unity.Collect(l.client.SiteCommands(t.Context(), refs[0].Site, unity.CommandQuery{Command: "scan"}))
		if err != nil {
			t.Fatal(err)
		}
		ours, others := map[unity.EndpointID]int{}, map[unity.EndpointID]int{}
		for i := range commands {
			c := &commands[i]
			switch who, id := ledger.By(c); {
			case who == ByUnitty && id == job.ID:
				ours[c.EndpointID]++
			case who == ByOthers && id == "":
				others[c.EndpointID]++
			default:
				t.Errorf("%s: %q, %q", c.HostName, who, id)
			}
		}
		if ours[refs[0].ID] != 1 || ours[refs[1].ID] != 1 || ours[refs[2].ID] != 0 || others[refs[0].ID] < 1 || others[refs[1].ID] < 1 || others[refs[2].ID] < 1 {
			t.Errorf("ours %v, others %v", ours, others)
		}
		if n, err := jobs.OpenCommands(l.binding(), l.client.Now()); err != nil || n != 2 {
			t.Errorf("%d commands are under way, want 2, %v", n, err)
		}
		if open, err := jobs.OpenJobs(l.binding(), l.client.Now()); err != nil || len(open) != 1 || open[0].ID != job.ID {
			t.Errorf("open jobs: %v, %v", open, err)
		}
		l.sim.Advance(31 * 24 * time.Hour)
		if err := jobs.Track(t.Context(), l.client, job, func(Tracked) {}); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Read(); err != nil {
			t.Fatal(err)
		}
		if n, err := jobs.OpenCommands(l.binding(), job.Started); err != nil || n != 0 {
			t.Errorf("%d commands are under way after all have elapsed, %v", n, err)
		}
		other := NewLedger(jobs.dir, Binding{BaseURL: "https://elsewhere.example", Key: l.client.Key()})
		if err := other.Read(); err != nil {
			t.Fatal(err)
		}
		if who, _ := other.By(&commands[0]); who != ByOthers {
			t.Errorf("a job of another console counts: %q", who)
		}
	})
}

// TestTheOppositeIsNamed once for every machine it waits for, and not when a job is taken back.
func TestTheOppositeIsNamed(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 3)
		job, jobs, err := l.journalled(t, l.plan(t, "isolate", refs[:2], PlanOptions{}), RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if p := l.plan(t, "release", refs, PlanOptions{}); len(p.Opposed) != 2 || len(p.Targets) != 3 {
			t.Errorf("opposed %q, %d targets", p.Opposed, len(p.Targets))
		}
		if p := l.plan(t, "isolate", refs, PlanOptions{}); len(p.Opposed) != 0 || len(p.Skipped) != 2 {
			t.Errorf("opposed %q, %d skipped", p.Opposed, len(p.Skipped))
		}
		back, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
		if err != nil || len(back.Opposed) != 0 || len(back.Targets) != 2 {
			t.Errorf("a revert is asked about: %v", err)
		}
	})
}
