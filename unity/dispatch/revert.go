package dispatch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// inverses are the operations that take others back. A release has none: the API does not show which machines were isolated
// before it, and to isolate one that was not takes it off its network.
var inverses = map[string]string{"endpoint.isolate": "endpoint.release",
	"endpoint.deactivate": "endpoint.reactivate", "endpoint.reactivate": "endpoint.deactivate",
	"endpoint.move": "endpoint.move", "endpoint.set-policy": "endpoint.set-policy"}

// HasInverse tells that there is a change that takes the job back, as far as each machine allows it.
func (j *Job) HasInverse() bool { return hasInverse(j.Operation, j.Object) }

// HasInverse tells that there will be a change that takes the plan back, as Job.HasInverse does.
func (p *Plan) HasInverse() bool { return hasInverse(p.Operation, p.Object) }

func hasInverse(op Operation, object *ObjectChange) bool {
	if object != nil {
		return object.Revert != nil
	}
	return inverses[op.ID] != ""
}

// back is what takes a job back.
type back struct {
	refs []fleet.Ref
	lost []Skip
	// each holds what machines had before.
	each map[unity.EndpointID]Args
}

// Revert plans the inverse of a job, for the targets that it was sent to, from the values before. Targets of which the
// value before is not known, or was no other one, are skipped and named.
func (js *Jobs) Revert(ctx context.Context, c *unity.Client, id string, b Binding, o PlanOptions) (*Plan, error) {
	p, err := js.ToRevert(c, id, b)
	if err != nil {
		return nil, err
	}
	o.RevertOf, o.Binding = p.ID, b
	if p.Object != nil {
		return p.revertObject(ctx, c, o)
	}
	inverse, ok := inverses[p.Operation.ID]
	if !ok {
		return nil, fmt.Errorf("%s: %w", p.Operation.Name, ErrNoInverse)
	}
	put := back{each: map[unity.EndpointID]Args{}}
	if p.Operation.ID == "endpoint.isolate" {
		err = p.free(ctx, c, &put)
	} else {
		p.putBack(&put)
	}
	if err != nil {
		return nil, err
	}
	if len(put.refs) == 0 && len(put.lost) > 0 {
		return nil, fmt.Errorf("%s: %w: %s: %s", p.Operation.Name, ErrNoInverse, put.lost[0].Ref.Name(), put.lost[0].Reason)
	}
	plan, err := put.plan(ctx, c, inverse, o)
	if err != nil {
		return nil, err
	}
	p.warnBack(plan)
	return plan, nil
}

// plan plans the operation that puts back what machines had, and names those that it leaves out.
func (b *back) plan(ctx context.Context, c *unity.Client, operation string, o PlanOptions) (*Plan, error) {
	var args Args
	if len(b.each) > 0 {
		b.name(ctx, c)
		o.each, args = b.each, b.words()
	}
	op, err := OperationByID(operation, args)
	if err != nil {
		return nil, err
	}
	frozen, err := Freeze(o.Binding, b.refs)
	if err != nil {
		return nil, err
	}
	plan, err := Make(ctx, c, op, frozen, o)
	if err != nil {
		return nil, err
	}
	plan.Skipped = append(plan.Skipped, b.lost...)
	return plan, nil
}

// ToRevert gives a job that may be taken back with the client and binding in use: it is over, and something of it was or may
// have been sent.
func (js *Jobs) ToRevert(c *unity.Client, id string, b Binding) (*Past, error) {
	p, err := js.over(c, id, b)
	if err == nil && p.Count(Sent)+p.Count(Unknown) == 0 {
		err = ErrNothingToDo
	}
	return p, err
}

// over gives a job that no process runs, of the console and user in use.
func (js *Jobs) over(c *unity.Client, id string, b Binding) (*Past, error) {
	p, err := js.Load(id)
	if err != nil {
		return nil, err
	}
	if p.State == JobRunning {
		return nil, fmt.Errorf("job %s is still run by %s", p.ID, p.Holder)
	}
	return p, p.story.mayResume(c, b)
}

// putBack gives the targets with what each of them had before.
func (p *Past) putBack(put *back) {
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
				put.lost = append(put.lost, Skip{ref, "the group it was in is not known"})
				continue
			}
			put.each[ref.ID] = Args{{ArgGroup, string(v.Group)}}
		case "endpoint.set-policy":
			if !unity.IsGUID(string(v.Policy)) {
				put.lost = append(put.lost, Skip{ref, noPolicyBefore})
				continue
			}
			put.each[ref.ID] = Args{{ArgPolicy, string(v.Policy)}}
		case "endpoint.deactivate", "endpoint.reactivate":
			if !known || v.Inactive != (p.Operation.ID == "endpoint.reactivate") {
				put.lost = append(put.lost, Skip{ref, "it was so before"})
				continue
			}
			ref.Inactive = !v.Inactive // as the change has left it
		}
		put.refs = append(put.refs, ref)
	}
}

// free gives the isolated targets but those that others have isolated too, before the job or after it: they stay off their
// network.
func (p *Past) free(ctx context.Context, c *unity.Client, put *back) error {
	var refs []fleet.Ref
	for i := range p.Results {
		if r := &p.Results[i]; r.State == Sent || r.State == Unknown {
			refs = append(refs, r.Ref)
		}
	}
	by := bySite(refs)
	for _, site := range siteOrder(refs) {
		commands, err := unity.Collect(c.SiteCommands(ctx, site, unity.CommandQuery{Command: unity.CommandIsolate}))
		if err != nil && endsPlan(ctx, err) {
			return fmt.Errorf("the commands of %s cannot be read: %w", siteLabel(by[site][0]), err)
		}
		all := byMachine(commands)
		for _, ref := range by[site] {
			why := p.isolatedByOthers(ref, all[ref.ID])
			if err != nil {
				why = "whether it was isolated before cannot be read: " + err.Error()
			}
			if why != "" {
				put.lost = append(put.lost, Skip{ref, why})
				continue
			}
			put.refs = append(put.refs, ref)
		}
	}
	return nil
}

// isolateSlack is how far the date of our own command may lie outside of the time in which it was sent: the clock that dates
// commands need not be the one that dates answers.
const isolateSlack = time.Minute

// isolatedByOthers says that a machine is isolated by somebody else too, as far as the commands show that, "" where it is not.
// What its agent let elapse has changed nothing.
func (p *Past) isolatedByOthers(ref fleet.Ref, commands []*unity.Command) string {
	at, sent := p.spans[ref.ID]
	known := p.before[ref.Site]
	var before *unity.Command
	within, after := 0, false
	for _, cmd := range commands {
		if cmd.State == unity.StateElapsed || !strings.EqualFold(cmd.Command.Raw(), unity.CommandIsolate) {
			continue
		}
		on, asked := strings.EqualFold(cmd.Parameters.Raw(), "on"), cmd.DateRequested
		switch {
		case !sent || !asked.Known() || known[cmd.Key()] > 0 || asked.Before(at.from.Add(-isolateSlack)):
			if before == nil || asked.After(before.DateRequested.Time) {
				before = cmd
			}
		case asked.After(at.to.Add(isolateSlack)):
			after = after || on
		case on:
			within++
		}
	}
	switch {
	case before != nil && strings.EqualFold(before.Parameters.Raw(), "on"):
		return "it was isolated before the job"
	case after || within > 1:
		return "somebody else has isolated it, too"
	}
	return ""
}
