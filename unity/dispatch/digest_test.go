package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestADigestTellsWhatTheWholeTells compares, for jobs that ended in every way and with their journals cut at any record, what the
// end of a journal says with what all of it says.
func TestADigestTellsWhatTheWholeTells(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 6)
		stop, cancel := context.WithCancel(t.Context())
		defer cancel()
		dir := journal.At(filepath.Join(t.TempDir(), "jobs"))
		job, err := l.plan(t, "scan", refs, PlanOptions{BatchSize: 2}).Run(stop, l.client, RunOptions{Journal: dir, Report: func(j Job) {
			if j.Count(Sent) > 0 {
				cancel()
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		jobs := NewJobs(dir)
		if err := l.sim.Poll(string(job.Results[0].Ref.ID)); err != nil {
			t.Fatal(err)
		}
		short, done := context.WithTimeout(t.Context(), time.Minute)
		defer done()
		_ = jobs.Track(short, l.client, job, func(Tracked) {})
		if job, err = jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Count(Sent) != 6 {
			t.Fatal(job.Words(), err)
		}
		l.sim.Advance(31 * 24 * time.Hour)
		if err := jobs.Track(t.Context(), l.client, job, func(Tracked) {}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir.Path(), job.ID+".journal")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines, quick := strings.SplitAfter(string(raw), "\n"), 0
		for n := 2; n < len(lines); n++ {
			if err := os.WriteFile(path, []byte(strings.Join(lines[:n], "")), 0o600); err != nil {
				t.Fatal(err)
			}
			var last lastDigest
			if _, err := dir.Tail(job.ID, last.take); err != nil {
				t.Fatal(err)
			}
			if last.found != nil {
				quick++
			}
			d, err := NewJobs(dir).Digest(job.ID)
			p, err2 := jobs.Load(job.ID)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			whole := p.digest().of(p.ID, p.story.ended)
			if d.State != p.State || d.OpenCommands != p.OpenCommands() || d.Elapsed != whole.Elapsed || d.Title != p.Title() || d.Words() != p.Words() ||
				d.Open() != p.Open() || !maps.Equal(d.counts, whole.counts) || !d.Started.Equal(p.Started) || !d.Finished.Equal(p.Finished) || d.Binding != p.Binding {
				t.Errorf("after %d records: %+v, %+v", n, d, whole)
			}
		}
		if quick < 4 || quick > len(lines)-6 {
			t.Errorf("of %d lengths %d were told by their end", len(lines), quick)
		}
	})
}

// TestTidyRemovesWhatIsOver keeps jobs that are open or young, and journals that somebody may still be writing.
func TestTidyRemovesWhatIsOver(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		job, jobs, err := l.journalled(t, l.plan(t, "scan", l.pick(t, 0, 2), PlanOptions{}), RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(jobs.dir.Path(), job.ID+".journal")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first := strings.SplitAfter(string(raw), "\n")[0]
		for name, text := range map[string]string{"torn": first[:10], "begun": first, "bad": "x" + string(raw)} {
			if err := os.WriteFile(filepath.Join(jobs.dir.Path(), name+".journal"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		wrote, err := jobs.dir.Written("torn") // by the computer's own clock
		if err != nil {
			t.Fatal(err)
		}
		left := func(now time.Time) string {
			t.Helper()
			if err := jobs.Tidy(now); err != nil {
				t.Fatal(err)
			}
			ids, err := jobs.dir.IDs()
			if err != nil {
				t.Fatal(err)
			}
			return strings.ReplaceAll(strings.Join(ids, " "), job.ID, "JOB")
		}
		for _, step := range []struct {
			now  time.Time
			torn bool
		}{{wrote.Add(time.Hour), true}, {wrote.Add(25 * time.Hour), false}} {
			got := left(step.now)
			if strings.Contains(got, "torn") != step.torn || strings.Contains(got, "begun") != step.torn || !strings.Contains(got, "bad") {
				t.Errorf("at %s %q is left", step.now, got)
			}
		}
		if got := left(time.Now().Add(91 * 24 * time.Hour)); got != "bad" {
			t.Errorf("after ninety days %q is left", got)
		}
	})
}

// pastJob writes the journal of a job that sent a scan to so many machines, all of which have fetched it.
func pastJob(tb testing.TB, dir *journal.Dir, id string, machines int, started time.Time) {
	tb.Helper()
	plan := planRecord{ID: id, Action: "endpoint.scan", Verb: "scan", BaseURL: "https://sim.example", GSMKey: "AAAA-BBBB-CCCC-DDDD-EEEE", MadeAt: started, Started: started, Batch: 100}
	for i := range machines {
		plan.Targets = append(plan.Targets, targetRecord{ID: unity.EndpointID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)), Site: unity.SiteID(fmt.Sprintf("site-%d", i/100)),
			SiteName: fmt.Sprintf("Customer %d", i/100), Host: fmt.Sprintf("HOST-%06d", i), LastSeen: &started})
	}
	log, err := dir.Create(id, recordPlan, plan)
	if err != nil {
		tb.Fatal(err)
	}
	all := make([]int, machines)
	for i := range all {
		all[i] = i
	}
	records, err := dir.Read(id)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := readStory(records)
	if err != nil {
		tb.Fatal(err)
	}
	for from := 0; from < machines; from += 100 {
		part := all[from:min(from+100, machines)]
		if err := log.Append(recordIntent, intentRecord{Targets: part, From: started}); err != nil {
			tb.Fatal(err)
		}
		if err := log.Append(recordOutcome, outcomeRecord{Targets: part, State: Sent, To: started.Add(time.Second)}); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range s.job.Results {
		s.job.Results[i].State = Sent
		s.job.tracked[s.job.Results[i].Ref.ID] = unity.StateExecuted
	}
	if err := log.Append(recordTrack, trackRecord{all, unity.StateExecuted}); err != nil {
		tb.Fatal(err)
	}
	if err := log.Append(recordEnd, endRecord{s.job.Words(), s.job.digest()}); err != nil {
		tb.Fatal(err)
	}
	if err := log.Close(); err != nil {
		tb.Fatal(err)
	}
}

// heap is how much memory is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAPastJobCostsLittle lists jobs of two thousand machines and remembers what they sent: the one takes the same few bytes however
// large the jobs are, the other some dozens for each machine.
func TestAPastJobCostsLittle(t *testing.T) {
	const jobsThere, machines = 8, 2000
	dir := journal.At(filepath.Join(t.TempDir(), "jobs"))
	at := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for i := range jobsThere {
		pastJob(t, dir, fmt.Sprintf("job%04d", i), machines, at.Add(time.Duration(i)*24*time.Hour))
	}
	jobs := NewJobs(dir)
	before := heap()
	all, bad, err := jobs.Digests()
	if err != nil || len(bad) != 0 || len(all) != jobsThere || all[0].Count(Sent) != machines || all[0].OpenCommands != 0 {
		t.Fatalf("%d jobs, %v, %v", len(all), bad, err)
	}
	listed := heap()
	if per := (int64(listed) - int64(before)) / jobsThere; per > 8<<10 {
		t.Errorf("a listed job takes %d bytes", per)
	} else {
		t.Logf("a listed job of %d machines takes %d bytes", machines, per)
	}
	ledger := NewLedger(dir, all[0].Binding)
	if err := ledger.Read(); err != nil {
		t.Fatal(err)
	}
	kept := heap()
	per := (int64(kept) - int64(listed)) / (jobsThere * machines)
	if per > 100 {
		t.Errorf("the ledger keeps %d bytes for each machine of a job", per)
	}
	t.Logf("the ledger keeps %d bytes for each machine of a job", per)
	if got := ledger.changes("00000000-0000-4000-8000-000000000007"); len(got) != jobsThere {
		t.Errorf("%d jobs have sent to a machine", len(got))
	}
	runtime.KeepAlive(all)
	runtime.KeepAlive(jobs)
}

// BenchmarkDigests lists ninety jobs of 4,000 machines each for the first time.
func BenchmarkDigests(b *testing.B) {
	dir := journal.At(filepath.Join(b.TempDir(), "jobs"))
	at := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for i := range 90 {
		pastJob(b, dir, fmt.Sprintf("job%04d", i), 4000, at.Add(time.Duration(i)*24*time.Hour))
	}
	b.ReportAllocs()
	for b.Loop() {
		if all, _, err := NewJobs(dir).Digests(); err != nil || len(all) != 90 {
			b.Fatal(len(all), err)
		}
	}
}

// TestAnEndWithoutADigest reads an end record of an earlier version, which has none.
func TestAnEndWithoutADigest(t *testing.T) {
	dir := journal.At(filepath.Join(t.TempDir(), "jobs"))
	pastJob(t, dir, "old1", 3, time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	err := dir.Note("old1", func(journal.Record) bool { return true }, func() []journal.Entry {
		return []journal.Entry{{Kind: recordEnd, Data: json.RawMessage(`{"words":"3 sent"}`)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := NewJobs(dir).Digest("old1"); err != nil || d.State != JobDone || d.Targets() != 3 || d.Title != "scan 3 machines" {
		t.Errorf("%+v, %v", d, err)
	}
}
