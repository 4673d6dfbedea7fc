package dispatch

import (
	"context"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// word is what is said of a target: its outcome and why.
type word struct {
	state             State
	reason, requestID string
}

// say groups targets of which the same is to be said, in order: a request that was lost has a hundred, and they are one record.
func say(refs []fleet.Ref, judge func(fleet.Ref) word) (order []word, of map[word][]fleet.Ref) {
	of = map[word][]fleet.Ref{}
	for _, ref := range refs {
		w := judge(ref)
		if of[w] == nil {
			order = append(order, w)
		}
		of[w] = append(of[w], ref)
	}
	return order, of
}

// unsent gives targets the outcome of a request that was certainly not carried out. Those that are being sent to once more stay
// unknown all the same: what was sent first may have arrived, and a resume must not take them for untouched. Written tells that
// the outcome goes into the journal.
func (r *runner) unsent(refs []fleet.Ref, s State, reason, requestID string, written bool) {
	order, of := say(refs, func(ref fleet.Ref) word {
		r.mu.Lock()
		defer r.mu.Unlock()
		first, twice := r.earlier[ref.ID]
		switch {
		case !twice:
			return word{s, reason, requestID}
		case s == Failed || s == Skipped:
			return word{Unknown, first.Reason + "; sending it once more: " + reason, first.RequestID}
		default:
			return word{Unknown, first.Reason, first.RequestID}
		}
	})
	for _, w := range order {
		if written {
			r.outcome(of[w], w.state, w.reason, w.requestID, w.state != s)
		} else {
			r.set(of[w], w.state, w.reason, w.requestID)
		}
	}
}

// resend sends once more to those machines for which the last look, a minute after the answer, read the whole list and found no
// like command but those that were there before, whatever its date. Nothing goes out once the job is stopped.
func (r *runner) resend(ctx context.Context) {
	if ctx.Err() != nil || r.stopErr() != nil {
		return
	}
	var refs []fleet.Ref
	r.mu.Lock()
	for i := range r.job.Results {
		if res := r.job.Results[i]; res.State == Unknown && r.absent[res.Ref.ID] {
			refs = append(refs, res.Ref)
			r.earlier[res.Ref.ID] = res
		}
	}
	r.mu.Unlock()
	batches, err := r.batchesOf(refs)
	if err != nil || len(batches) == 0 {
		return
	}
	r.sendAll(ctx, batches)
	r.resolve(ctx)
}

// under notes when the request of targets was on its way. What is sent once more has been on its way since the first time.
func (r *runner) under(refs []fleet.Ref, s span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range refs {
		at := s
		if _, twice := r.earlier[ref.ID]; twice {
			at.from = r.spans[ref.ID].from
		}
		r.spans[ref.ID] = at
	}
}

// together notes which targets, by their places in the plan, one request names.
func (r *runner) together(places []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range places {
		r.requests[i] = places
	}
}

// halfSeen finds the machines of requests of which only some machines have a like command: one request reaches all its machines
// or none. Machines that were settled before count as seen.
func (r *runner) halfSeen(refs []fleet.Ref, fresh map[unity.EndpointID]int) map[unity.EndpointID]bool {
	out := map[unity.EndpointID]bool{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range refs {
		for _, i := range r.requests[r.at[ref.ID]] {
			if res := &r.job.Results[i]; fresh[res.Ref.ID] == 0 && res.State != Sent {
				out[ref.ID] = true
			}
		}
	}
	return out
}
