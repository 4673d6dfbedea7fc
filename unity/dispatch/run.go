package dispatch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// State is the outcome of one target.
type State string

// The outcomes. Waiting and Running are not final.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Sent      State = "sent"
	Failed    State = "failed"
	Unknown   State = "unknown"
	Skipped   State = "skipped"
	Cancelled State = "cancelled"
)

// Result is what became of one target.
type Result struct {
	Ref       fleet.Ref
	State     State
	Reason    string
	RequestID string
}

// Job is a plan being carried out, as a snapshot.
type Job struct {
	ID        string
	Operation Operation
	Binding   Binding
	Results   []Result
	Started   time.Time
	Finished  time.Time
	Note      string
	// before holds the like commands that are older than the job.
	before map[unity.SiteID]known
}

// Count gives the number of targets in a state.
func (j *Job) Count(s State) int {
	n := 0
	for i := range j.Results {
		if j.Results[i].State == s {
			n++
		}
	}
	return n
}

// RunOptions say how a job runs.
type RunOptions struct {
	// Report is told of every change, one after another, with a copy; the last report is the final one.
	Report func(Job)
	// Audit is told what is about to be done and what came of it; an error before the first request stops the job.
	Audit *Audit
	// Note is the technician's remark for the audit, a ticket number for example.
	Note string
	// Sleep waits; nil means a timer. Tests give their own.
	Sleep func(context.Context, time.Duration) error
}

// Run carries the plan out: every planned request once, however often it is called. It returns when every target has an
// outcome.
func (p *Plan) Run(ctx context.Context, c *unity.Client, o RunOptions) (*Job, error) {
	if p.Binding.Key != c.Key() || p.Binding.BaseURL != c.BaseURL() {
		return nil, errors.New("the plan was made for another console than the one in use")
	}
	if c.ReadOnly() {
		return nil, &unity.RefusedError{Reason: "read-only"}
	}
	if !p.ran.CompareAndSwap(0, 1) {
		return nil, errors.New("the plan has been carried out already")
	}
	r := newRunner(p, c, o)
	batches, err := r.refresh(ctx)
	if err == nil {
		err = o.Audit.begin(r.job, o.Note)
	}
	if err != nil {
		p.ran.Store(0) // nothing was sent
		return nil, err
	}
	group := errgroup.Group{}
	group.SetLimit(16)
	for _, b := range batches {
		group.Go(func() error { r.send(ctx, b); return nil })
	}
	_ = group.Wait() // send never fails: every failure is an outcome
	r.resolve(ctx)
	job := r.finish()
	return job, o.Audit.end(job, o.Note)
}

type runner struct {
	plan    *Plan
	client  *unity.Client
	options RunOptions
	telling sync.Mutex // held while a report is made and given, so that none overtakes another
	mu      sync.Mutex
	job     *Job
	spans   map[unity.EndpointID]span
	at      map[unity.EndpointID]int
}

func newRunner(p *Plan, c *unity.Client, o RunOptions) *runner {
	if o.Sleep == nil {
		o.Sleep = wait
	}
	r := &runner{plan: p, client: c, options: o, at: map[unity.EndpointID]int{}, spans: map[unity.EndpointID]span{},
		job: &Job{ID: newID(), Operation: p.Operation, Binding: p.Binding, Started: c.Now(), before: p.before}}
	for _, t := range p.Targets {
		r.at[t.ID] = len(r.job.Results)
		r.job.Results = append(r.job.Results, Result{Ref: t, State: Waiting})
	}
	for _, s := range p.Skipped {
		r.job.Results = append(r.job.Results, Result{Ref: s.Ref, State: Skipped, Reason: s.Reason})
	}
	return r
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// set changes the outcome of targets and reports.
func (r *runner) set(refs []fleet.Ref, s State, reason, requestID string) {
	r.change(func() {
		for _, ref := range refs {
			res := &r.job.Results[r.at[ref.ID]]
			res.State, res.Reason, res.RequestID = s, reason, requestID
		}
	})
}

// change alters the job under its lock and reports it.
func (r *runner) change(alter func()) Job {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	alter()
	copied := r.snapshot()
	r.mu.Unlock()
	if r.options.Report != nil {
		r.options.Report(copied)
	}
	return copied
}

func (r *runner) snapshot() Job {
	j := *r.job
	j.Results = append([]Result(nil), r.job.Results...)
	return j
}

func (r *runner) finish() *Job {
	j := r.change(func() { r.job.Finished = r.client.Now() })
	j.Results = append([]Result(nil), j.Results...) // the caller's own, whatever the receiver of the report does to its
	return &j
}

// send sends one request and sorts its outcome. A batch that the server refuses as a whole is split, so that one bad id
// does not hold up the others.
func (r *runner) send(ctx context.Context, b Batch) {
	if ctx.Err() != nil {
		r.set(b.Refs, Cancelled, "not sent", "")
		return
	}
	r.set(b.Refs, Running, "", "")
	from := r.client.Now()
	answer, err := r.client.Do(ctx, b.Request)
	r.under(b.Refs, span{from, r.client.Now()})
	if err == nil {
		if accepted(answer) {
			r.set(b.Refs, Sent, "", "")
			return
		}
		r.set(b.Refs, Unknown, fmt.Sprintf("it may have arrived: the answer (%d) is not the API's, a proxy or portal may have given it", answer.Status), "")
		return
	}
	var e *unity.Error
	switch {
	case !errors.As(err, &e):
		r.set(b.Refs, Failed, err.Error(), "")
	case !e.Sent && ctx.Err() != nil:
		r.set(b.Refs, Cancelled, "not sent", "")
	case !e.Definite():
		r.set(b.Refs, Unknown, "it may have arrived: "+e.Error(), e.RequestID)
	case len(b.Refs) > 1 && splittable(e.Status):
		r.split(ctx, b)
	default:
		r.set(b.Refs, Failed, e.Error(), e.RequestID)
	}
}

// accepted tells whether a 2xx answer can be the API's: documented is 204 without a body. A page that a proxy or portal
// gives instead says nothing about the command.
func accepted(answer *unity.Response) bool {
	body := bytes.TrimSpace(answer.Body)
	return len(body) == 0 || json.Valid(body)
}

// under notes when the request of targets was on its way.
func (r *runner) under(refs []fleet.Ref, s span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range refs {
		r.spans[ref.ID] = s
	}
}

func splittable(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusUnprocessableEntity
}

func (r *runner) split(ctx context.Context, b Batch) {
	half := len(b.Refs) / 2
	for _, refs := range [][]fleet.Ref{b.Refs[:half], b.Refs[half:]} {
		part, err := newBatch(r.client, r.plan.Operation, b.Targets.Site(), refs)
		if err != nil {
			r.set(refs, Failed, err.Error(), "")
			continue
		}
		r.send(ctx, part)
	}
}

// Words sums a job up: "3 sent", "2 sent, 1 failed".
func (j *Job) Words() string {
	text := ""
	for _, s := range []State{Sent, Failed, Unknown, Skipped, Cancelled} {
		if n := j.Count(s); n > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", n, s)
		}
	}
	if text == "" {
		return "nothing to do"
	}
	return text
}
