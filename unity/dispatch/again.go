package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// ErrNothingToDo is returned when a job has no target of the kind asked for.
var ErrNothingToDo = errors.New("nothing of the job is left to do")

// ErrNoInverse is returned for a change that nothing takes back.
var ErrNoInverse = errors.New("there is no way back")

// Some chooses targets of a job.
type Some int

// The choices.
const (
	// SomeFailed are those that the server refused.
	SomeFailed Some = iota
	// SomeUnseen are those too whose outcome is unknown and of whose change the server shows nothing now. What is sent to them
	// may be the second of its kind all the same.
	SomeUnseen
	// SomeElapsed are those whose agents let the command elapse.
	SomeElapsed
)

// chosen gives the targets of a job that are of the kind asked for.
func (p *Past) chosen(some Some) []fleet.Ref {
	var out []fleet.Ref
	for i := range p.Results {
		r := &p.Results[i]
		switch {
		case some == SomeElapsed && r.State == Sent && p.tracked[r.Ref.ID] == unity.StateElapsed,
			some != SomeElapsed && r.State == Failed,
			some == SomeUnseen && r.State == Unknown && p.unseen[r.Ref.ID]:
			ref := r.Ref
			ref.Group = p.story.plan.values[ref.ID].Group
			out = append(out, ref)
		}
	}
	return out
}

// Retry plans a new job of some targets of an old one, with everything looked at as for any plan. Those that another job has
// repeated already are skipped and named.
func (js *Jobs) Retry(ctx context.Context, c *unity.Client, id string, b Binding, some Some, o PlanOptions) (*Plan, error) {
	p, refs, left, err := js.toRetry(ctx, c, id, b, some)
	if err != nil {
		return nil, err
	}
	o.RetryOf, o.Binding = p.ID, b
	if p.Object != nil {
		return MakeObject(ctx, c, *p.Object, o)
	}
	frozen, err := Freeze(b, refs)
	if err != nil {
		return nil, err
	}
	if o.each = p.story.plan.each; len(o.each) == 0 {
		o.each = nil
	}
	plan, err := Make(ctx, c, p.Operation, frozen, o)
	if err != nil {
		return nil, err
	}
	plan.Skipped = append(plan.Skipped, left...)
	return plan, nil
}

// ToRetry gives a job of which something of the kind is to be repeated: it is over, and nobody has repeated all of it.
func (js *Jobs) ToRetry(ctx context.Context, c *unity.Client, id string, b Binding, some Some) (*Past, error) {
	p, _, _, err := js.toRetry(ctx, c, id, b, some)
	return p, err
}

func (js *Jobs) toRetry(ctx context.Context, c *unity.Client, id string, b Binding, some Some) (p *Past, refs []fleet.Ref, left []Skip, err error) {
	if p, err = js.over(c, id, b); err != nil {
		return nil, nil, nil, err
	}
	switch some {
	case SomeElapsed:
		err = p.look(ctx, c, js.ledgerOf(p.Binding))
	case SomeUnseen:
		var unseen map[unity.EndpointID]bool
		if unseen, err = js.unseen(ctx, c, p.ID, b); err == nil {
			if p, err = js.Load(p.ID); err == nil {
				p.unseen = unseen
			}
		}
	case SomeFailed:
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if refs = p.chosen(some); len(refs) == 0 {
		return nil, nil, nil, ErrNothingToDo
	}
	done, err := js.repeated(p.ID)
	if err != nil {
		return nil, nil, nil, err
	}
	if refs, left = notRepeated(refs, done); len(refs) == 0 {
		return nil, nil, nil, fmt.Errorf("%w: %s: %s", ErrNothingToDo, left[0].Ref.Name(), left[0].Reason)
	}
	return p, refs, left, nil
}

// RestPlan is Rest with the requests that a resume would send, as long as the machines are as they were confirmed: that is read
// when it sends.
func (p *Past) RestPlan(c *unity.Client) (*Plan, error) {
	if p.Binding.Key != c.Key() || p.Binding.BaseURL != c.BaseURL() {
		return nil, errors.New("the job was started on another console than the one in use")
	}
	rest := p.Rest()
	rest.Warnings = slices.Clone(rest.Warnings)
	m := maker{client: c, plan: rest, options: PlanOptions{BatchSize: p.story.head.Batch}}
	if n := p.Count(Unknown); n > 0 {
		m.warn("%s may have got it: that is found out by reading, and nothing is sent there again", Machines(n))
	}
	if rest.Object == nil {
		return rest, m.batches(rest.Targets)
	}
	if len(rest.Targets) > 0 {
		rest.Batches = []Batch{{Refs: rest.Targets, Op: rest.Operation, Request: rest.Object.Request}}
	}
	return rest, nil
}
