package dispatch

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
)

type runner struct {
	plan    *Plan
	client  *unity.Client
	options RunOptions
	log     *journal.Log
	pausing turn       // of the one that waits for a new sign-in
	telling sync.Mutex // held while a report is made and given, so that none overtakes another
	told    time.Time  // of the last report
	mu      sync.Mutex
	job     *Job
	spans   map[unity.EndpointID]span
	at      map[unity.EndpointID]int
	sending int // requests on their way
	left    *sync.Cond
	resumed int   // how often a pause has ended
	stop    error // why nothing more is sent

	fruitless int                         // pauses in a row after which no change was answered otherwise
	slow      breath                      // after a 429
	requests  map[int][]int               // see story
	earlier   map[unity.EndpointID]Result // what was unknown before it was sent once more
	final     bool                        // the last look of a minute is taken
	absent    map[unity.EndpointID]bool   // what that look did not find
	looks     map[unity.EndpointID]look   // what was read again while the job ran
	reading   map[unity.SiteID]turn       // of the one that reads a site again
	objectAt  time.Time                   // when the object was looked at again
}

func newRunner(p *Plan, c *unity.Client, o RunOptions) *runner {
	job := &Job{ID: newID(), Operation: p.Operation, Object: p.Object, Binding: p.Binding, Profile: o.Profile, Remark: o.Note, RetryOf: p.RetryOf,
		RevertOf: p.RevertOf, Link: p.Link, Warnings: p.Warnings, Started: c.Now(), before: p.before}
	for _, t := range p.Targets {
		job.Results = append(job.Results, Result{Ref: t, State: Waiting})
	}
	for _, s := range p.Skipped {
		job.Results = append(job.Results, Result{Ref: s.Ref, State: Skipped, Reason: s.Reason})
	}
	for _, s := range p.Unread {
		job.Results = append(job.Results, unreadResult(s))
	}
	return runnerOf(p, job, c, o)
}

// unreadResult is the outcome of a machine that the plan could not read again: it was chosen, and nothing is sent to it.
func unreadResult(s Skip) Result {
	return Result{Ref: s.Ref, State: Failed, Reason: notSent + ": " + s.Reason}
}

func runnerOf(p *Plan, job *Job, c *unity.Client, o RunOptions) *runner {
	if o.Sleep == nil {
		o.Sleep = wait
	}
	r := &runner{plan: p, client: c, options: o, job: job, at: map[unity.EndpointID]int{}, spans: map[unity.EndpointID]span{},
		requests: map[int][]int{}, earlier: map[unity.EndpointID]Result{}, absent: map[unity.EndpointID]bool{},
		looks: map[unity.EndpointID]look{}, reading: map[unity.SiteID]turn{}, pausing: make(turn, 1)}
	r.left = sync.NewCond(&r.mu)
	for i := range job.Results {
		if job.Results[i].State != Skipped {
			r.at[job.Results[i].Ref.ID] = i
		}
	}
	return r
}

// turn lets one at a time do what takes long. Unlike a mutex it is not waited for once the job is stopped.
type turn chan struct{}

// take waits for the turn; an error is that of ctx, which ended before.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// parallel is how many requests of a job may be on their way; the limiter of the client may allow fewer.
const parallel = 16

func (r *runner) sendAll(ctx context.Context, batches []Batch) {
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for _, b := range batches {
		group.Go(func() error { r.send(ctx, b); return nil })
	}
	_ = group.Wait() // send never fails: every failure is an outcome
}

// enter waits until the client would send at once. Whatever waits for its turn after its intent was written would be in
// doubt if the process died.
func (r *runner) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.sending >= max(1, r.client.Parallel()) {
		r.left.Wait()
	}
	r.sending++
}

func (r *runner) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sending--
	r.left.Broadcast()
}

// places are the targets' places in the plan.
func (r *runner) places(refs []fleet.Ref) []int {
	out := make([]int, len(refs))
	for i, ref := range refs {
		out[i] = r.at[ref.ID]
	}
	return out
}

func (r *runner) edge(e Edge) {
	if r.options.Edge != nil {
		r.options.Edge(e)
	}
}

// set changes the outcome of targets and reports.
func (r *runner) set(refs []fleet.Ref, s State, reason, requestID string) {
	now := r.client.Now()
	r.change(func() {
		for _, ref := range refs {
			res := &r.job.Results[r.at[ref.ID]]
			res.State, res.Reason, res.RequestID = s, reason, requestID
			if s != Waiting && s != Running {
				res.At = now
			}
		}
	})
}

// outcome writes down what became of targets, and reports it. A journal that takes no more stops the job: what goes out
// unwritten could go out twice.
func (r *runner) outcome(refs []fleet.Ref, s State, reason, requestID string, settled bool) {
	r.edge(EdgeOutcome)
	to := r.client.Now()
	if !settled {
		r.mu.Lock()
		to = r.spans[refs[0].ID].to
		r.mu.Unlock()
	}
	if err := r.log.Append(recordOutcome, outcomeRecord{Targets: r.places(refs), State: s, Reason: reason, RequestID: requestID, To: to, Settled: settled}); err != nil {
		r.halt(err)
	}
	r.set(refs, s, reason, requestID)
}

// halt lets nothing more go out.
func (r *runner) halt(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop == nil {
		r.stop = err
	}
}

func (r *runner) stopErr() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop
}

// largeJob is the number of targets from which reports are made at a pace: each is a copy of all results.
const (
	largeJob   = 500
	reportPace = 100 * time.Millisecond
)

// change alters the job under its lock and reports it.
func (r *runner) change(alter func()) Job {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	alter()
	final := !r.job.Finished.IsZero()
	quiet := r.options.Report == nil || len(r.job.Results) >= largeJob && time.Since(r.told) < reportPace
	if quiet && !final {
		r.mu.Unlock()
		return Job{}
	}
	copied := r.job.clone()
	r.mu.Unlock()
	if r.options.Report != nil {
		r.options.Report(copied)
		r.told = time.Now()
	}
	return copied
}

func (r *runner) finish() *Job {
	j := r.change(func() {
		r.job.Finished = r.client.Now()
		r.job.spans = maps.Clone(r.spans)
	})
	j = j.clone() // the caller's own, whatever the receiver of the report does to its
	return &j
}

// dropped writes down what was not sent, in one record.
func (r *runner) dropped() {
	var refs []fleet.Ref
	reason := ""
	r.mu.Lock()
	for i := range r.job.Results {
		if res := &r.job.Results[i]; res.State == Cancelled {
			refs, reason = append(refs, res.Ref), res.Reason
		}
	}
	r.mu.Unlock()
	if len(refs) == 0 {
		return
	}
	if err := r.log.Append(recordOutcome, outcomeRecord{Targets: r.places(refs), State: Cancelled, Reason: reason, To: r.client.Now(), Settled: true}); err != nil {
		r.halt(err)
	}
}
