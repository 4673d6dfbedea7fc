package dispatch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
)

// recall takes over what the journal tells of a job that goes on.
func (r *runner) recall(s *story, log *journal.Log) {
	r.log = log
	maps.Copy(r.requests, s.requests)
	for i, at := range s.spans {
		r.spans[s.job.Results[i].Ref.ID] = at
	}
}

// resume sends what was never sent, and then finds out about what was on its way when the job was left.
func (r *runner) resume(ctx context.Context, size int) (*Job, error) {
	r.job.goesOn(r.client.Now())
	batches, err := r.rest(ctx, size)
	if err != nil && ctx.Err() != nil {
		return r.carryOut(ctx, []Batch{{Refs: r.unbegun(), Op: r.plan.Operation}}) // each is cancelled, which is an end of the job
	}
	if err != nil {
		_ = r.log.Close()
		return nil, err
	}
	r.plan.Batches = batches
	r.job.goesOn(r.client.Now())
	return r.carryOut(ctx, batches)
}

// unbegun are the targets that nothing was sent to.
func (r *runner) unbegun() []fleet.Ref {
	r.mu.Lock()
	defer r.mu.Unlock()
	var refs []fleet.Ref
	for i := range r.job.Results {
		if r.job.Results[i].State == Waiting {
			refs = append(refs, r.job.Results[i].Ref)
		}
	}
	return refs
}

// rest gives the requests for what was never sent.
func (r *runner) rest(ctx context.Context, size int) ([]Batch, error) {
	refs := r.unbegun()
	if len(refs) == 0 {
		return nil, nil
	}
	r.set(refs, Waiting, "", "")
	if r.plan.Object != nil {
		return []Batch{{Refs: refs, Op: r.plan.Operation, Request: r.plan.Object.Request}}, nil
	}
	refs, err := r.notGiven(ctx, refs)
	if err == nil {
		// The machines are read after the commands, as when the plan was made.
		refs, err = r.stillThere(ctx, refs)
	}
	if err != nil {
		return nil, err
	}
	part := &Plan{Operation: r.plan.Operation, each: r.plan.each}
	m := maker{client: r.client, plan: part, options: PlanOptions{BatchSize: size}}
	err = m.batches(refs)
	return part.Batches, err
}

// stillThere reads the rest again, since the plan is old: whatever is no longer as it was confirmed is left out.
func (r *runner) stillThere(ctx context.Context, refs []fleet.Ref) ([]fleet.Ref, error) {
	if len(refs) == 0 {
		return refs, nil
	}
	m := maker{client: r.client, plan: &Plan{Operation: r.plan.Operation}, told: func(done int) {
		r.note(NoteReading(done, len(refs)))
	}}
	again, err := m.reread(ctx, refs)
	r.note("")
	if err == nil {
		err = m.nothingRead(len(again))
	}
	if err != nil {
		return nil, err
	}
	r.remember(refs, again, m.plan.Unread)
	return r.leaveOut(refs, func(ref fleet.Ref) (State, string) {
		seen := r.looked(ref.ID)
		return seen.state, seen.why
	}), nil
}

// noteReading begins the note of a job that reads machines again before it sends to them.
const noteReading = "reading "

// NoteReading is the note of a job that reads machines again before it sends to them, and has read so many.
func NoteReading(done, of int) string {
	return fmt.Sprintf("%s%s first, %d done", noteReading, Machines(of), done)
}

// ReadsFirst tells that the job's note is one of NoteReading.
func (j *Job) ReadsFirst() bool { return strings.HasPrefix(j.Note, noteReading) }

// leaveOut names those machines of which a reason is given, and gives the others.
func (r *runner) leaveOut(refs []fleet.Ref, why func(fleet.Ref) (State, string)) []fleet.Ref {
	var out, left []fleet.Ref
	said := map[unity.EndpointID]word{}
	for _, ref := range refs {
		if s, reason := why(ref); reason != "" {
			left, said[ref.ID] = append(left, ref), word{state: s, reason: reason}
		} else {
			out = append(out, ref)
		}
	}
	order, of := say(left, func(ref fleet.Ref) word { return said[ref.ID] })
	for _, w := range order {
		if w.state == Skipped {
			r.outcome(of[w], w.state, w.reason, "", true)
		} else {
			r.set(of[w], w.state, w.reason, "") // the next resume tries again
		}
	}
	return out
}

// notGiven leaves out machines to which the same command, or the opposite one, was given by anybody after the job was planned:
// whoever confirmed the job did not know of it. Where the commands could be read for the plan and cannot now, nothing goes out.
func (r *runner) notGiven(ctx context.Context, refs []fleet.Ref) ([]fleet.Ref, error) {
	if !r.plan.Operation.AgentCommand() {
		return refs, nil
	}
	var (
		mu   sync.Mutex
		said = map[unity.EndpointID]word{}
		now  = map[unity.SiteID]known{}
	)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for site, of := range bySite(refs) {
		group.Go(func() error {
			commands, err := listCommands(ctx, r.client, site, of, r.plan.Operation.Command, r.plan.MadeAt.Add(-lookBack))
			if err != nil && endsPlan(ctx, err) {
				return fmt.Errorf("commands under way cannot be read: %w", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				now[site] = knownOf(commands, r.plan.Operation)
			}
			fresh, all := r.plan.before[site].beyond(commands, r.plan.Operation), byMachine(commands)
			for _, ref := range of {
				said[ref.ID] = r.given(ref, all[ref.ID], fresh[ref.ID], err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	refs = r.leaveOut(refs, func(ref fleet.Ref) (State, string) { return said[ref.ID].state, said[ref.ID].reason })
	r.knowing(refs, now)
	return refs, nil
}

// byMachine sorts the commands of a site.
func byMachine(commands []unity.Command) map[unity.EndpointID][]*unity.Command {
	out := map[unity.EndpointID][]*unity.Command{}
	for i := range commands {
		out[commands[i].EndpointID] = append(out[commands[i].EndpointID], &commands[i])
	}
	return out
}

// given says why a machine is left out on account of its commands; fresh are the like ones that it did not have at the plan, and err
// tells that they cannot be read.
func (r *runner) given(ref fleet.Ref, commands, fresh []*unity.Command, err error) word {
	_, listed := r.plan.before[ref.Site]
	if err != nil {
		if !listed {
			return word{} // that was so when the plan was made and confirmed, too
		}
		return word{state: Cancelled, reason: notSent + ": the commands under way cannot be read: " + err.Error()}
	}
	for _, c := range fresh {
		if c.State.Open() {
			return word{state: Skipped, reason: "the same command is already waiting for it"}
		}
	}
	if listed && len(fresh) > 0 {
		return word{state: Skipped, reason: "the same command was given to it after the job was planned"}
	}
	for _, c := range commands {
		if c.State.Open() && strings.EqualFold(c.Command.Raw(), r.plan.Operation.Command) && !like(c, r.plan.Operation) &&
			c.DateRequested.After(r.plan.MadeAt) {
			return word{state: Skipped, reason: c.Words() + ", which does the opposite, was given to it after the job was planned"}
		}
	}
	return word{}
}

// knowing takes the commands that machines have before they are sent to for those that were there already. Of other machines,
// whose outcome may be unknown, what was there at the plan stays.
func (r *runner) knowing(refs []fleet.Ref, now map[unity.SiteID]known) {
	before := maps.Clone(r.plan.before)
	for site, of := range bySite(refs) {
		if now[site] == nil {
			continue
		}
		ids := map[string]bool{}
		for _, ref := range of {
			ids[string(ref.ID)] = true
		}
		theirs := func(key string) bool {
			id, _, _ := strings.Cut(key, "\x00")
			return ids[id]
		}
		merged := known{}
		for key, n := range before[site] {
			if !theirs(key) {
				merged[key] = n
			}
		}
		for key, n := range now[site] {
			if theirs(key) {
				merged[key] = n
			}
		}
		before[site] = merged
	}
	r.change(func() { r.plan.before, r.job.before = before, before })
}

// unseen settles by one reading what is unknown of a job, writes down what it finds, and gives those targets of which the whole
// list of the server holds nothing like the command that was not there before. A second process that runs the job is an error.
func (js *Jobs) unseen(ctx context.Context, c *unity.Client, id string, b Binding) (map[unity.EndpointID]bool, error) {
	log, records, err := js.dir.Hold(id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	s, err := readStory(records)
	if err == nil {
		err = s.mayResume(c, b)
	}
	if err != nil {
		return nil, err
	}
	r := runnerOf(s.plan, s.job, c, RunOptions{Journal: js.dir})
	r.recall(s, log)
	open := r.unknown()
	r.look(ctx, open, true)
	if err := errors.Join(ctx.Err(), r.stopErr()); err != nil {
		return nil, err
	}
	out := map[unity.EndpointID]bool{}
	for _, ref := range open {
		// The command may still appear within a minute of the answer.
		if r.absent[ref.ID] && c.Now().Sub(r.spanOf(ref.ID).to) >= lastLook {
			out[ref.ID] = true
		}
	}
	return out, nil
}
