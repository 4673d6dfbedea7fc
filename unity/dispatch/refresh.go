package dispatch

import (
	"context"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// refresh reads those targets of a plan again whose reading is no longer good, because the plan was looked at for long or
// took long to make. Whatever is no longer as it was confirmed is left out, named in the job, and not sent to. It returns
// the requests that remain. An object that is not as it was confirmed is an error.
func (r *runner) refresh(ctx context.Context) ([]Batch, error) {
	p := r.plan
	if p.Object != nil {
		why, err := r.objectNow(ctx)
		if err == nil && why != "" {
			err = &unity.RefusedError{Reason: p.Object.title() + ": " + why + "; nothing was sent"}
		}
		return p.Batches, err
	}
	if p.Operation.Asks(len(p.Targets)) < Disrupt {
		return p.Batches, nil
	}
	old := r.old(p.Targets)
	if len(old) == 0 {
		return p.Batches, nil
	}
	m := maker{client: r.client, plan: &Plan{Operation: p.Operation}, options: PlanOptions{Sites: p.sites}}
	again, err := m.reread(ctx, old)
	if err == nil && len(m.plan.Unread) == len(p.Targets) {
		err = m.nothingRead(len(again))
	}
	if err != nil {
		return nil, err
	}
	r.remember(old, again, m.plan.Unread)
	left := map[unity.EndpointID]bool{}
	for _, ref := range old {
		if seen := r.looked(ref.ID); seen.why != "" {
			left[ref.ID] = true
			r.set([]fleet.Ref{ref}, seen.state, seen.why, "")
		}
	}
	return p.without(r.client, left)
}

// changedSince says what is different from what was confirmed, or "". The group that was confirmed is the one that the plan has read:
// references that come from a journal have none.
func (p *Plan) changedSince(ref fleet.Ref, now map[unity.EndpointID]fleet.Ref) string {
	is, there := now[ref.ID]
	switch {
	case !there:
		return goneSince
	case is.HostName != ref.HostName:
		return renamedSince + is.Name() + " after the plan was made"
	case is.Inactive != ref.Inactive:
		return turnedSince
	case p.moved(ref.ID, p.values[ref.ID].Group, is.Group):
		return movedSince
	default:
		return ""
	}
}

// without gives the plan's requests, those rebuilt that named a machine which is left out.
func (p *Plan) without(c *unity.Client, left map[unity.EndpointID]bool) ([]Batch, error) {
	var out []Batch
	for _, b := range p.Batches {
		var refs []fleet.Ref
		for _, ref := range b.Refs {
			if !left[ref.ID] {
				refs = append(refs, ref)
			}
		}
		switch len(refs) {
		case 0:
			continue
		case len(b.Refs):
			out = append(out, b)
			continue
		}
		smaller, err := newBatch(c, b.Op, b.Targets.Site(), refs)
		if err != nil {
			return nil, err
		}
		out = append(out, smaller)
	}
	return out, nil
}

// batchesOf gives requests of the plan's kind for some of its targets.
func (r *runner) batchesOf(refs []fleet.Ref) ([]Batch, error) {
	if r.plan.Object != nil {
		if len(refs) == 0 {
			return nil, nil
		}
		return []Batch{{Refs: refs, Op: r.plan.Operation, Request: r.plan.Object.Request}}, nil
	}
	part := &Plan{Operation: r.plan.Operation, each: r.plan.each}
	m := maker{client: r.client, plan: part, options: PlanOptions{BatchSize: r.plan.batch()}}
	err := m.batches(refs)
	return part.Batches, err
}

// batch is the size of the plan's requests; 0 is that of its risk.
func (p *Plan) batch() int {
	n := 0
	for _, b := range p.Batches {
		n = max(n, len(b.Refs))
	}
	return n
}
