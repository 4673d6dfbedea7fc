package change

import (
	"context"
	"fmt"
	"slices"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// Step is one part of a combined action.
type Step struct {
	// Title names the step: "reactivate".
	Title string
	Risk  dispatch.Risk
	// Requests are what is sent when every machine comes through the steps before.
	Requests []unity.Request
	// Plan makes the plan for the machines that came through.
	Plan func(ctx context.Context, refs []fleet.Ref) (*dispatch.Plan, error)
	// Warnings are what speaks against the step, as far as it is known before the machines came through those before it.
	Warnings []string
	// Lenient lets machines go on that this step skipped because they were as it would leave them; others that were skipped do not.
	Lenient bool
	// Whole wants every machine to have come through the steps before.
	Whole bool
	// Next is the step as a journal holds it, without Title, Whole and Lenient.
	Next dispatch.NextStep
}

// Chain is several changes of the same machines that a person confirms as one: each step goes only to the machines that came
// through the one before, and nothing is sent to a machine whose outcome is not known.
type Chain struct {
	// ID is the action's id, Name the action in words.
	ID, Name string
	Steps    []Step
	// First is the plan of the first step, as it is confirmed.
	First *dispatch.Plan
	// done are the steps that were carried out before this chain was made, previous is the job of the last of them, and lost
	// are the machines that did not come through them.
	done, lost int
	previous   string
}

// NewChain plans the first step for the machines. The whole is asked about as its gravest step is.
func NewChain(ctx context.Context, id, name string, refs []fleet.Ref, steps ...Step) (*Chain, error) {
	ch := &Chain{ID: id, Name: name, Steps: steps}
	return ch, ch.begin(ctx, refs)
}

// begin plans the first step.
func (ch *Chain) begin(ctx context.Context, refs []fleet.Ref) error {
	first, err := ch.Steps[0].Plan(ctx, refs)
	if err != nil {
		return err
	}
	first.Operation.Risk = max(first.Operation.Risk, ch.Risk())
	for i, s := range ch.Steps[1:] {
		first.Warnings = append(first.Warnings, fmt.Sprintf("step %d of %d is %s, for the machines that came through", ch.done+i+2, ch.done+len(ch.Steps), s.Title))
		first.Warnings = append(first.Warnings, s.Warnings...)
	}
	ch.First = first
	ch.link(0, first)
	return nil
}

// link has the journal of a step name the steps that follow.
func (ch *Chain) link(step int, plan *dispatch.Plan) {
	l := &dispatch.Link{ID: ch.ID, Name: ch.Name, Step: ch.done + step + 1, Of: ch.done + len(ch.Steps), Previous: ch.previous, Lost: ch.lost,
		Lenient: ch.Steps[step].Lenient}
	for _, s := range ch.Steps[step+1:] {
		next := s.Next
		next.Title, next.Whole, next.Lenient = s.Title, s.Whole, s.Lenient
		l.Next = append(l.Next, next)
	}
	plan.Link = l
}

// Risk is that of the gravest step.
func (ch *Chain) Risk() dispatch.Risk {
	risk := dispatch.Change
	for _, s := range ch.Steps {
		risk = max(risk, s.Risk)
	}
	return risk
}

// Later are the requests of all steps but the first.
func (ch *Chain) Later() []unity.Request {
	var out []unity.Request
	for _, s := range ch.Steps[1:] {
		out = append(out, s.Requests...)
	}
	return out
}

// Run carries the steps out, one after another. run runs one plan; a nil job ends the chain with its error.
func (ch *Chain) Run(ctx context.Context, run func(step int, plan *dispatch.Plan) (*dispatch.Job, error)) error {
	plan := ch.First
	for i := range ch.Steps {
		targets := plan.Targets
		skipped := slices.Concat(plan.Skipped, plan.Unread)
		job, err := run(i, plan)
		if job == nil || err != nil || i == len(ch.Steps)-1 {
			return err
		}
		refs, lost := through(job, targets, skipped, ch.Steps[i].Lenient)
		ch.lost, ch.previous = ch.lost+lost, job.ID
		next := ch.Steps[i+1]
		if err := goesOn(next.Title, ch.Steps[i].Title, next.Whole, len(refs), ch.lost); err != nil {
			return err
		}
		if plan, err = next.Plan(ctx, refs); err != nil {
			return fmt.Errorf("%s: %w", next.Title, err)
		}
		// Nobody is asked about this step, so it goes to none that is not as it was any more.
		if err := plan.WithoutChanged(); err != nil {
			return fmt.Errorf("%s: %w", next.Title, err)
		}
		ch.link(i+1, plan)
	}
	return nil
}

// goesOn refuses a step for which too few machines came through.
func goesOn(next, before string, whole bool, came, lost int) error {
	switch {
	case whole && lost > 0:
		return &StateError{fmt.Sprintf("%s was not done: %s did not come through %s", next, dispatch.Machines(lost), before)}
	case came == 0 && !whole:
		return &StateError{fmt.Sprintf("%s was not done: no machine came through %s", next, before)}
	}
	return nil
}

// through gives the machines that may go on, and how many were lost.
func through(job *dispatch.Job, targets []fleet.Ref, skipped []dispatch.Skip, lenient bool) (refs []fleet.Ref, lost int) {
	results := map[unity.EndpointID]*dispatch.Result{}
	for i := range job.Results {
		results[job.Results[i].Ref.ID] = &job.Results[i]
	}
	all := append([]fleet.Ref(nil), targets...)
	for _, s := range skipped {
		all = append(all, s.Ref)
	}
	seen := map[unity.EndpointID]bool{}
	for _, r := range all {
		if seen[r.ID] {
			continue
		}
		seen[r.ID] = true
		switch res := results[r.ID]; {
		case res == nil: // nothing was done about it
		case res.State == dispatch.Sent, lenient && res.AlreadySo():
			if job.Operation.ID == "endpoint.move" {
				r.Group = "" // it is no longer where it was when it was chosen, and the server may take a while to say so
			}
			refs = append(refs, r)
		case res.State != dispatch.Skipped:
			lost++
		}
	}
	return refs, lost
}

// stepOf is a step that is one operation on the machines.
func stepOf(ctx context.Context, c *unity.Client, b dispatch.Binding, sites []unity.Site, op dispatch.Operation, refs []fleet.Ref, lenient bool) (Step, error) {
	risk, warnings, err := dispatch.Aim(ctx, c, op, refs)
	if err != nil {
		return Step{}, err
	}
	heavy := op
	heavy.Risk = risk
	requests, err := requestsOf(c, heavy, refs)
	if err != nil {
		return Step{}, err
	}
	return Step{Title: op.Words(), Risk: risk, Warnings: warnings, Requests: requests, Lenient: lenient, Next: dispatch.NextStep{Action: op.ID, Args: op.Args}, Plan: func(ctx context.Context, refs []fleet.Ref) (*dispatch.Plan, error) {
		frozen, err := dispatch.Freeze(b, refs)
		if err != nil {
			return nil, err
		}
		return dispatch.Make(ctx, c, op, frozen, dispatch.PlanOptions{Sites: sites})
	}}, nil
}

// requestsOf builds the requests of an operation for machines of any number of sites.
func requestsOf(c *unity.Client, op dispatch.Operation, refs []fleet.Ref) ([]unity.Request, error) {
	by := map[unity.SiteID][]unity.EndpointID{}
	var order []unity.SiteID
	for _, r := range refs {
		if by[r.Site] == nil {
			order = append(order, r.Site)
		}
		by[r.Site] = append(by[r.Site], r.ID)
	}
	size := 100
	if op.Risk == dispatch.Destroy {
		size = 25
	}
	var out []unity.Request
	for _, site := range order {
		for ids := by[site]; len(ids) > 0; ids = ids[min(size, len(ids)):] {
			t, err := unity.NewTargets(site, ids[:min(size, len(ids))])
			if err != nil {
				return nil, err
			}
			r, err := requestOf(c, op, t)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func requestOf(c *unity.Client, op dispatch.Operation, t unity.Targets) (unity.Request, error) {
	switch op.ID {
	case "endpoint.move":
		how := unity.InheritKeep
		if op.Args.Get(dispatch.ArgInheritance) == "1" {
			how = unity.InheritTarget
		}
		return c.MoveRequest(t, unity.GroupID(op.Args.Get(dispatch.ArgGroup)), how)
	case "endpoint.set-policy":
		return c.PolicyRequest(t, unity.PolicyID(op.Args.Get(dispatch.ArgPolicy)))
	case "endpoint.deactivate":
		return c.DeactivateRequest(t)
	case "endpoint.reactivate":
		return c.ReactivateRequest(t)
	}
	return unity.Request{}, fmt.Errorf("%s is no part of a combined action", op.ID)
}

// MoveAndPolicy moves machines to a group and gives them a policy (§3.7.5, §3.7.6).
func MoveAndPolicy(ctx context.Context, c *unity.Client, b dispatch.Binding, sites []unity.Site, refs []fleet.Ref, move, policy dispatch.Operation) (*Chain, error) {
	first, err := stepOf(ctx, c, b, sites, move, refs, true)
	if err != nil {
		return nil, err
	}
	second, err := stepOf(ctx, c, b, sites, policy, refs, false)
	if err != nil {
		return nil, err
	}
	return NewChain(ctx, "endpoint.move-policy", "move and set policy", refs, first, second)
}

// Rebill reactivates machines and deactivates them again, which is the vendor's way to end the billing of machines that are
// deactivated and still report in (§3.7.7).
func Rebill(ctx context.Context, c *unity.Client, b dispatch.Binding, sites []unity.Site, refs []fleet.Ref) (*Chain, error) {
	var steps []Step
	for _, id := range []string{"endpoint.reactivate", "endpoint.deactivate"} {
		op, err := dispatch.OperationByID(id, nil)
		if err != nil {
			return nil, err
		}
		step, err := stepOf(ctx, c, b, sites, op, refs, false)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return NewChain(ctx, "endpoint.rebill", "reactivate and deactivate again", refs, steps...)
}
