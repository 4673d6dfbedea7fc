package dispatch

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// tap is a recording proxy that outlives the simulated times of a test: its listener, which nobody calls, would stop them.
type tap struct {
	*wiretap.Proxy
	server http.RoundTripper
}

func newTap(t *testing.T) *tap {
	t.Helper()
	x := &tap{}
	var err error
	if x.Proxy, err = wiretap.New(&url.URL{Scheme: "https", Host: "sim.example"}, wiretap.Options{Transport: x}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// RoundTrip takes what the proxy sends on to the server of the moment.
func (x *tap) RoundTrip(r *http.Request) (*http.Response, error) { return x.server.RoundTrip(r) }

// before puts the tap between the lab's client and its console.
func (x *tap) before(l *lab) {
	x.server = &entry.Direct{Handler: l.sim}
	x.ClearRules()
	x.Reset()
	l.intercept = func(r *http.Request) (answer *http.Response, err error) {
		rec := httptest.NewRecorder()
		defer func() {
			if x := recover(); x != nil {
				if x != http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
					panic(x)
				}
				answer, err = nil, errors.New("connection reset by peer")
			}
		}()
		x.ServeHTTP(rec, r)
		answer = rec.Result()
		if answer.ContentLength > int64(rec.Body.Len()) {
			answer.Body = io.NopCloser(io.MultiReader(answer.Body, entry.Cut{}))
		}
		return answer, nil
	}
}

// trial is a random world, what is chosen of it and what goes wrong.
type trial struct {
	*lab
	tap   *tap
	rapid *rapid.T
	lag   time.Duration
	seen  map[State]int // outcomes of all trials
}

// faults draws rules of all kinds. Reads fail seldom enough that most plans come about.
func (x *trial) faults() {
	for i := range rapid.IntRange(0, 4).Draw(x.rapid, "faults") {
		name := rapid.SampledFrom(wiretap.Presets()).Draw(x.rapid, "fault"+strconv.Itoa(i))
		fault, err := wiretap.Preset(name)
		if err != nil {
			x.rapid.Fatal(err)
		}
		rule := wiretap.Rule{Name: name, Fault: fault, Path: regexp.MustCompile("^/service/"), Rate: rapid.Float64Range(0.05, 0.9).Draw(x.rapid, "rate")}
		rule.Method = regexp.MustCompile("POST")
		if rapid.IntRange(0, 3).Draw(x.rapid, "reads") == 0 {
			rule.Method, rule.Rate = nil, rule.Rate/6
		}
		if rapid.Bool().Draw(x.rapid, "few") {
			rule.Limit = rapid.IntRange(1, 5).Draw(x.rapid, "limit")
		}
		x.tap.AddRule(rule)
	}
}

// choose draws a selection: by a selector over the swept fleet, or any machines of the world.
func (x *trial) choose() []fleet.Ref {
	w := x.sim.World()
	where := rapid.SampledFrom([]string{"", "", "type:pc", "seen:<7d", "!status:deactivated", "seen:>2d type:pc", "host:a|e"}).Draw(x.rapid, "where")
	var out []fleet.Ref
	if where == "" {
		share := rapid.Float64Range(0.02, 1).Draw(x.rapid, "share")
		names := map[string]string{}
		for _, s := range w.Sites {
			names[s.ID] = s.Name
		}
		dice := rapid.SliceOfN(rapid.Float64Range(0, 1), len(w.Endpoints), len(w.Endpoints)).Draw(x.rapid, "dice")
		for i, e := range w.Endpoints {
			if dice[i] < share {
				out = append(out, refOf(e, names[e.SiteID]))
			}
		}
		return out
	}
	plan, err := fleet.MachineLanguage(true, x.client.Now, nil).Parse(where)
	if err != nil {
		x.rapid.Fatal(err)
	}
	swept, err := fleet.Sweep(x.rapid.Context(), x.client, fleet.SweepOptions{Status: true})
	if err != nil {
		return nil
	}
	for _, m := range swept.Machines {
		if plan.Eval(m, x.client.Now()) == selector.Yes {
			out = append(out, m.Ref())
		}
	}
	return out
}

// disturb lets machines leave, be renamed and get commands of somebody else.
func (x *trial) disturb(refs []fleet.Ref, name string) {
	w := x.sim.World()
	for range rapid.IntRange(0, 3).Draw(x.rapid, "disturbances") {
		id := string(refs[rapid.IntRange(0, len(refs)-1).Draw(x.rapid, "which")].ID)
		switch rapid.IntRange(0, 3).Draw(x.rapid, "how") {
		case 0:
			_ = x.sim.RemoveEndpoint(id) // it may be gone already, here and below
		case 1:
			_ = x.sim.MoveEndpoint(id, w.Sites[rapid.IntRange(0, len(w.Sites)-1).Draw(x.rapid, "to")].ID)
		case 2:
			_ = x.sim.RenameEndpoint(id, "RENAMED")
		default:
			_ = x.sim.AddCommand(id, name, "", time.Time{})
			_ = wait(x.rapid.Context(), 10*time.Second)
		}
	}
}

// carryOut plans and runs, and judges what came of it by the tap's record. It tells whether anything was planned.
func (x *trial) carryOut(dir string) bool {
	t := x.rapid
	op := rapid.SampledFrom([]string{"scan", "cleanup", "restart", "isolate", "uninstall"}).Draw(t, "operation")
	operation, err := OperationNamed(op, "")
	if err != nil {
		t.Fatal(err)
	}
	refs := x.choose()
	targets, err := Freeze(x.binding(), refs)
	if err != nil {
		return false
	}
	x.disturb(refs, operation.Command)
	o := PlanOptions{BatchSize: rapid.SampledFrom([]int{0, 0, 1, 7, 30}).Draw(t, "batch"), Again: rapid.Bool().Draw(t, "again")}
	p, err := Make(x.rapid.Context(), x.client, operation, targets, o)
	if err != nil {
		x.nothingSent("a plan that could not be made")
		return false
	}
	x.nothingSent("planning")
	if rapid.Bool().Draw(t, "looked at") {
		_ = wait(x.rapid.Context(), 70*time.Second)
		x.disturb(refs, operation.Command)
	}
	// What is sent once more after a minute is safe only while the list lags less than that.
	run := RunOptions{Journal: journal.At(dir), ResendUnknown: x.lag < time.Minute && rapid.Bool().Draw(t, "resend")}
	job, err := p.Run(x.rapid.Context(), x.client, run)
	if job == nil {
		x.nothingSent("a run that could not begin: " + err.Error())
		return false
	}
	x.judge(p, refs, job, run.ResendUnknown)
	past, err := NewJobs(run.Journal).Load(job.ID)
	if err != nil {
		t.Fatalf("the journal cannot be read: %v", err)
	}
	for i := range job.Results {
		if past.Results[i].Ref.ID != job.Results[i].Ref.ID || past.Results[i].State != job.Results[i].State {
			t.Fatalf("the journal says %s of %s, the job %s", past.Results[i].State, job.Results[i].Ref.ID, job.Results[i].State)
		}
	}
	return true
}

func (x *trial) nothingSent(what string) {
	if n := len(x.tap.Changes()); n > 0 {
		x.rapid.Fatalf("%s sent %d changes", what, n)
	}
}

// judge compares a job with the record.
func (x *trial) judge(p *Plan, refs []fleet.Ref, job *Job, resent bool) {
	t := x.rapid
	delivered := x.tap.DeliveredIDs("")
	chosen, named := map[string]bool{}, map[string]int{}
	for _, ref := range refs {
		chosen[strings.ToLower(string(ref.ID))] = true
	}
	for i := range job.Results {
		r := &job.Results[i]
		id := string(r.Ref.ID)
		named[id]++
		got := delivered[id]
		x.seen[r.State]++
		switch {
		case got > 1:
			t.Fatalf("%s got it %d times and is %s (%s)", id, got, r.State, r.Reason)
		case r.State == Sent && got == 0:
			t.Fatalf("%s is sent (%s) and did not get it", id, r.Reason)
		case (r.State == Failed || r.State == Skipped || r.State == Cancelled) && got > 0:
			t.Fatalf("%s is %s (%s) and got it", id, r.State, r.Reason)
		case r.State == Waiting || r.State == Running || r.State == "":
			t.Fatalf("%s has no outcome", id)
		}
	}
	for id := range chosen {
		if named[id] != 1 {
			t.Fatalf("%s was chosen and is named %d times", id, named[id])
		}
	}
	for id := range delivered {
		if !chosen[id] {
			t.Fatalf("%s got it and was not chosen", id)
		}
	}
	x.frugal(p, resent)
}

// frugal looks at the number of changes: one per planned request, two more for each that was refused and split, and the
// planned ones once more where the unknown are sent again.
func (x *trial) frugal(p *Plan, resent bool) {
	refused := 0
	changes := x.tap.Changes()
	for i := range changes {
		if changes[i].WholeSet {
			x.rapid.Fatalf("request %d named no machine", changes[i].N)
		}
		if changes[i].Status >= 400 && changes[i].Status < 500 {
			refused++
		}
	}
	allowed := len(p.Batches) + 2*refused
	if resent {
		allowed += len(p.Batches)
	}
	if len(changes) > allowed {
		x.rapid.Fatalf("%d changes for %d planned requests, of which %d were refused", len(changes), len(p.Batches), refused)
	}
}

// TestRandomFaultsOverRandomWorlds sends random commands to random machines of random worlds through a proxy that breaks
// calls in every way it knows: no machine gets a command twice, none is missing without being named, every outcome is true.
func TestRandomFaultsOverRandomWorlds(t *testing.T) {
	tap := newTap(t)
	dir := t.TempDir()
	ran, begun, seen := 0, 0, map[State]int{}
	synctest.Test(t, func(t *testing.T) {
		// Where a test ends is not a matter of simulated time, so what asks for it is hidden.
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			o := unitytest.Options{Sites: rapid.IntRange(1, 8).Draw(rt, "sites"), Endpoints: rapid.IntRange(1, 150).Draw(rt, "endpoints"), Seed: rapid.Uint64Range(1, 1<<20).Draw(rt, "seed")}
			x := &trial{lab: newLab(rt, o), tap: tap, rapid: rt, seen: seen,
				lag: rapid.SampledFrom([]time.Duration{0, 10 * time.Second, 120 * time.Second}).Draw(rt, "lag")}
			x.sim.SetCommandLag(x.lag)
			if err := x.sim.SetFault("command-lag", 1); err != nil {
				rt.Fatal(err)
			}
			tap.before(x.lab)
			x.faults()
			begun++
			home := filepath.Join(dir, strconv.Itoa(begun))
			if x.carryOut(home) {
				ran++
			}
			if err := os.RemoveAll(home); err != nil {
				rt.Fatal(err)
			}
		})
	})
	t.Logf("%d of %d trials came to sending: %v", ran, begun, seen)
	// All would be well for a program that never sends, and for faults that never strike. The few trials of a short run need
	// not meet every outcome.
	if !t.Failed() && (ran < begun/3 || seen[Sent] == 0) {
		t.Error("too little has been sent")
	}
	if !t.Failed() && begun >= 100 && (seen[Unknown] == 0 || seen[Failed] == 0 || seen[Skipped] == 0) {
		t.Error("too little has gone wrong")
	}
}
