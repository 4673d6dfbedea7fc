package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
			out = append(out, r.Ref)
		}
	}
	return out
}

// Retry plans a new job of some targets of an old one, with everything looked at as for any plan.
func (js *Jobs) Retry(ctx context.Context, c *unity.Client, id string, b Binding, some Some, o PlanOptions) (*Plan, error) {
	p, err := js.Load(id)
	if err != nil {
		return nil, err
	}
	if p.State == JobRunning {
		return nil, fmt.Errorf("job %s is still run by %s", p.ID, p.Holder)
	}
	if err := p.story.mayResume(c, b); err != nil {
		return nil, err
	}
	if some == SomeElapsed {
		if err := p.look(ctx, c, js.ledgerOf(p.Binding)); err != nil {
			return nil, err
		}
	}
	if some == SomeUnseen {
		unseen, err := js.unseen(ctx, c, p.ID, b)
		if err != nil {
			return nil, err
		}
		if p, err = js.Load(p.ID); err != nil {
			return nil, err
		}
		p.unseen = unseen
	}
	refs := p.chosen(some)
	if len(refs) == 0 {
		return nil, ErrNothingToDo
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
	return Make(ctx, c, p.Operation, frozen, o)
}

// inverse are the operations that take others back without anything having to be known of before.
func inverse(id string) string {
	return map[string]string{"endpoint.isolate": "endpoint.release", "endpoint.release": "endpoint.isolate",
		"endpoint.deactivate": "endpoint.reactivate", "endpoint.reactivate": "endpoint.deactivate",
		"endpoint.move": "endpoint.move", "endpoint.set-policy": "endpoint.set-policy"}[id]
}

// Revert plans the inverse of a job, for the targets that it was sent to, from the values before. Targets of which the
// value before is not known are skipped and named.
func (js *Jobs) Revert(ctx context.Context, c *unity.Client, id string, b Binding, o PlanOptions) (*Plan, error) {
	p, err := js.Load(id)
	if err != nil {
		return nil, err
	}
	if p.State == JobRunning {
		return nil, fmt.Errorf("job %s is still run by %s", p.ID, p.Holder)
	}
	if err := p.story.mayResume(c, b); err != nil {
		return nil, err
	}
	o.RevertOf, o.Binding = p.ID, b
	if p.Count(Sent)+p.Count(Unknown) == 0 {
		return nil, ErrNothingToDo
	}
	if p.Object != nil {
		return p.revertObject(ctx, c, o)
	}
	op, ok := p.inverse()
	if !ok {
		return nil, fmt.Errorf("%s: %w", p.Operation.Name, ErrNoInverse)
	}
	refs, lost := p.putBack(&o)
	if len(refs) == 0 {
		return nil, fmt.Errorf("%s: %w: the values before are not known", p.Operation.Name, ErrNoInverse)
	}
	if len(op.Needs) > 0 {
		if op, err = op.With(o.each[refs[0].ID]); err != nil {
			return nil, err
		}
	}
	frozen, err := Freeze(b, refs)
	if err != nil {
		return nil, err
	}
	plan, err := Make(ctx, c, op, frozen, o)
	if err != nil {
		return nil, err
	}
	plan.Skipped = append(plan.Skipped, lost...)
	return plan, nil
}

func (p *Past) inverse() (Operation, bool) {
	id := inverse(p.Operation.ID)
	for _, op := range operations {
		if op.ID == id {
			return op, true
		}
	}
	return Operation{}, false
}

// putBack gives the targets with what each of them had before.
func (p *Past) putBack(o *PlanOptions) (refs []fleet.Ref, lost []Skip) {
	o.each = map[unity.EndpointID]Args{}
	for i := range p.Results {
		r := &p.Results[i]
		if r.State != Sent && r.State != Unknown {
			continue
		}
		ref := r.Ref
		v, known := p.story.plan.values[ref.ID]
		switch p.Operation.ID {
		case "endpoint.move":
			if !unity.IsGUID(string(v.Group)) {
				lost = append(lost, Skip{ref, "the group it was in is not known"})
				continue
			}
			o.each[ref.ID] = Args{{ArgGroup, string(v.Group)}}
		case "endpoint.set-policy":
			if !unity.IsGUID(string(v.Policy)) {
				lost = append(lost, Skip{ref, "the policy it had is not known"})
				continue
			}
			o.each[ref.ID] = Args{{ArgPolicy, string(v.Policy)}}
		case "endpoint.deactivate", "endpoint.reactivate":
			if !known || v.Inactive != (p.Operation.ID == "endpoint.reactivate") {
				lost = append(lost, Skip{ref, "it was so before"})
				continue
			}
			ref.Inactive = !v.Inactive // as the change has left it
		}
		refs = append(refs, ref)
	}
	if len(o.each) == 0 {
		o.each = nil
	}
	return refs, lost
}

func (p *Past) revertObject(ctx context.Context, c *unity.Client, o PlanOptions) (*Plan, error) {
	spec := p.Object.Revert
	if spec == nil {
		return nil, fmt.Errorf("%s: %w", p.Object.Verb, ErrNoInverse)
	}
	ch := *p.Object
	ch.ID, ch.Verb, ch.Risk, ch.Check, ch.Verify, ch.Revert, ch.Typed, ch.TypedLabel = spec.ID, spec.Verb, spec.Risk, spec.Check, nil, nil, "", ""
	ch.Before, ch.After, ch.Warnings, ch.Touches = p.Object.After, p.Object.Before, nil, spec.Machines
	ch.Diff = nil
	for _, d := range p.Object.Diff {
		ch.Diff = append(ch.Diff, FieldChange{d.Field, d.After, d.Before})
	}
	ch.Request = unity.Request{Method: spec.Method, Path: spec.Path, Body: spec.Body, Machines: spec.Machines, Counted: true}
	return MakeObject(ctx, c, ch, o)
}
