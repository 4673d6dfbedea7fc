package dispatch

import (
	"context"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// look is what came of reading a machine again while its job ran. Why it is left out is "" for a machine that is as it was
// confirmed.
type look struct {
	at    time.Time
	state State
	why   string
}

// current gives a request without those machines that are no longer as they were confirmed, which it names in the job. What was
// read longer ago than RereadAge is read again first: a job may be slow, or may have waited a night for a sign-in. A request
// without machines is left when none remains.
func (r *runner) current(ctx context.Context, b Batch) (Batch, error) {
	if r.plan.Object != nil {
		return r.currentObject(ctx, b)
	}
	site := b.Refs[0].Site
	if r.isOld(b) {
		if err := r.readSite(ctx, site, b); err != nil {
			return b, err
		}
	}
	// Another request may have read these machines with its own.
	var refs []fleet.Ref
	for _, ref := range b.Refs {
		seen := r.looked(ref.ID)
		if seen.why == "" {
			refs = append(refs, ref)
			continue
		}
		r.unsent([]fleet.Ref{ref}, seen.state, seen.why, "", seen.state == Skipped)
	}
	if len(refs) == len(b.Refs) || len(refs) == 0 {
		b.Refs = refs
		return b, nil
	}
	return newBatch(r.client, b.Op, site, refs)
}

// readSite reads the machines of a request again, unless another request of the site does so at the same time.
func (r *runner) readSite(ctx context.Context, site unity.SiteID, b Batch) error {
	reading := r.readingOf(site)
	if err := reading.take(ctx); err != nil {
		return err
	}
	defer reading.give()
	old := r.old(b.Refs)
	if len(old) == 0 {
		return nil
	}
	refs := append(old, r.waiting(site, b.Refs)...)
	m := maker{client: r.client, plan: &Plan{Operation: r.plan.Operation}, options: PlanOptions{Sites: r.plan.sites}}
	again, err := m.reread(ctx, refs)
	if err != nil {
		return err
	}
	r.remember(refs, again, m.plan.Unread)
	return nil
}

// isOld tells whether the targets of a request have to be read again before it leaves.
func (r *runner) isOld(b Batch) bool {
	if r.plan.Object != nil {
		return r.objectAge() > RereadAge*time.Second
	}
	return r.plan.Operation.Asks(len(r.plan.Targets)) >= Disrupt && len(r.old(b.Refs)) > 0
}

// objectAge is how long ago the object was looked at.
func (r *runner) objectAge() time.Duration {
	at := r.plan.MadeAt
	if r.objectAt.After(at) {
		at = r.objectAt
	}
	return age(at, r.client.Now())
}

// age is how long ago a time of this process was. The clock that is never set stands still while a computer sleeps, and the one on
// the wall can be set back: what either of them says to be old is.
func age(at, now time.Time) time.Duration {
	return max(now.Sub(at), now.Round(0).Sub(at.Round(0)))
}

// old gives those machines whose reading is no longer good.
func (r *runner) old(refs []fleet.Ref) []fleet.Ref {
	now := r.client.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []fleet.Ref
	for _, ref := range refs {
		at := ref.ReadAt
		if seen := r.looks[ref.ID].at; seen.After(at) {
			at = seen
		}
		if age(at, now) > RereadAge*time.Second {
			out = append(out, ref)
		}
	}
	return out
}

// waiting gives the other machines of a site that are still to be sent to: they are read with the first of them.
func (r *runner) waiting(site unity.SiteID, but []fleet.Ref) []fleet.Ref {
	named := map[unity.EndpointID]bool{}
	for _, ref := range but {
		named[ref.ID] = true
	}
	r.mu.Lock()
	var out []fleet.Ref
	for i := range r.job.Results {
		if res := &r.job.Results[i]; res.State == Waiting && res.Ref.Site == site && !named[res.Ref.ID] {
			out = append(out, res.Ref)
		}
	}
	r.mu.Unlock()
	return r.old(out)
}

func (r *runner) readingOf(site unity.SiteID) turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reading[site] == nil {
		r.reading[site] = make(turn, 1)
	}
	return r.reading[site]
}

func (r *runner) looked(id unity.EndpointID) look {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.looks[id]
}

// remember notes what came of reading machines again: those that could not be read are left for a resume, those that are not as
// they were confirmed are left out.
func (r *runner) remember(refs, again []fleet.Ref, unread []Skip) {
	now := map[unity.EndpointID]fleet.Ref{}
	for _, ref := range again {
		now[ref.ID] = ref
	}
	at := r.client.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range refs {
		r.looks[ref.ID] = look{at: now[ref.ID].ReadAt, state: Skipped, why: r.plan.changedSince(ref, now)}
	}
	for _, s := range unread {
		r.looks[s.Ref.ID] = look{at: at, state: Cancelled, why: notSent + ": " + s.Reason}
	}
}

// currentObject looks at an object again whose change was confirmed longer ago than RereadAge.
func (r *runner) currentObject(ctx context.Context, b Batch) (Batch, error) {
	why, err := r.objectNow(ctx)
	if err != nil || why == "" {
		return b, err
	}
	r.unsent(b.Refs, Failed, notSent+": "+why, "", true)
	return Batch{}, nil
}

// objectNow says why the change of an object may not go out any more, "" where it may. A young plan is not looked at; an old one
// that cannot be made again, since its journal is all that is left of it, does not go.
func (r *runner) objectNow(ctx context.Context) (string, error) {
	ch, now := r.plan.Object, r.client.Now()
	if r.objectAge() <= RereadAge*time.Second {
		return "", nil
	}
	confirmed := "it was confirmed " + AgeWords(age(r.plan.MadeAt, now)) + " ago"
	if ch.Again == nil {
		return confirmed + " and has to be planned anew", nil
	}
	again, err := ch.Again(ctx, r.client)
	if err != nil && endsPlan(ctx, err) {
		return "", err
	}
	why := ""
	if err != nil {
		why = err.Error()
	} else {
		why = ch.differs(again)
	}
	if why == "" {
		r.objectAt = now
		return "", nil
	}
	return confirmed + ", and now " + why, nil
}
