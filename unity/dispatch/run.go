package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

// RunOptions say how a job runs.
type RunOptions struct {
	// Report is told of changes, one after another, with a copy; the last report is the final one. Of large jobs it is
	// told ten times a second at most.
	Report func(Job)
	// Audit is told what is about to be done and what came of it; an error before the first request stops the job.
	Audit *Audit
	// Journal is where the job is written down, so that it can be gone on with after a crash; nil writes nothing.
	Journal *journal.Dir
	// Profile is the name of the profile, for lists of jobs.
	Profile string
	// Note is the technician's remark for the audit, a ticket number for example.
	Note string
	// Pause is called when the sign-in is lost: it returns when the job may go on, or an error when it has to stop with
	// what is not sent unsent. Nil stops.
	Pause func(ctx context.Context, lost error) error
	// ResendUnknown sends once more to machines whose outcome is unknown, where the whole list of the server, read a minute
	// later, holds no like command that is new. The first one may still arrive.
	ResendUnknown bool
	// Sleep waits; nil means a timer. Tests give their own.
	Sleep func(context.Context, time.Duration) error
	// Edge is called between the steps of a request. It is for tests of crashes only.
	Edge func(Edge)
}

// Edge is a moment between two steps of a request.
type Edge string

// The edges, in order. Between EdgeIntended and EdgeAnswered the bytes go out.
const (
	EdgeBegun    Edge = "before-intent"
	EdgeIntended Edge = "after-intent"
	EdgeAnswered Edge = "after-answer"
	EdgeOutcome  Edge = "before-outcome"
)

// Run carries the plan out: every planned request once, however often it is called. It returns when every target has an
// outcome, or with an error that answers to unity.ErrUnauthenticated when the sign-in was lost and nobody came back.
func (p *Plan) Run(ctx context.Context, c *unity.Client, o RunOptions) (*Job, error) {
	if err := p.Binding.check(c); err != nil {
		return nil, err
	}
	if !p.ran.CompareAndSwap(0, 1) {
		return nil, errors.New("the plan has been carried out already")
	}
	r := newRunner(p, c, o)
	batches, err := r.refresh(ctx)
	if err == nil {
		err = r.begin()
	}
	if err != nil {
		p.ran.Store(0) // nothing was sent
		return nil, err
	}
	return r.carryOut(ctx, batches)
}

// check refuses another console than the plan was made for, and one that may only be read.
func (b Binding) check(c *unity.Client) error {
	if b.Key != c.Key() || b.BaseURL != c.BaseURL() {
		return errors.New("the plan was made for another console than the one in use")
	}
	if c.ReadOnly() {
		return &unity.RefusedError{Reason: "read-only"}
	}
	return nil
}

// begin writes down what is about to be done. Nothing was sent when it fails.
func (r *runner) begin() error {
	if err := r.options.Audit.ready(); err != nil {
		return err
	}
	created := false
	if r.options.Journal != nil && r.log == nil {
		release, err := r.plan.precede(r.options.Journal)
		if err != nil {
			return err
		}
		defer release()
		log, err := r.options.Journal.Create(r.job.ID, recordPlan, r.record())
		if err != nil {
			return err
		}
		r.log, created = log, true
	}
	if err := r.options.Audit.begin(r.job, r.options.Note); err != nil {
		_ = r.log.Close()
		if created { // the journal of a job that goes on holds what was sent
			_ = r.options.Journal.Remove(r.job.ID)
		}
		r.log = nil
		return err
	}
	return nil
}

// carryOut sends, finds out about what is unknown, and writes down the end.
func (r *runner) carryOut(ctx context.Context, batches []Batch) (*Job, error) {
	defer func() { _ = r.log.Close() }()
	r.sendAll(ctx, batches)
	r.resolve(ctx)
	if r.options.ResendUnknown {
		r.resend(ctx)
	}
	r.dropped()
	job := r.finish()
	err := r.stopErr()
	if err == nil {
		err = r.log.Append(recordEnd, endRecord{job.Words(), job.digest()})
	}
	return job, errors.Join(err, r.options.Audit.end(job, r.options.Note))
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
