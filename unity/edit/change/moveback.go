package change

import (
	"context"
	"errors"
	"slices"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// policiesAction is the action of the step that gives machines the policies back which they had before a job, and argJob the
// argument that names the job.
const (
	policiesAction = "endpoint.policies-back"
	argJob         = "JobId"
)

// withPolicies makes a chain of the way back to the groups and of a second step that gives the machines their policies back. Where
// one of the two has nothing to do, the other one is all there is.
func withPolicies(ctx context.Context, c *unity.Client, jobs *dispatch.Jobs, id string, b dispatch.Binding, o dispatch.PlanOptions, move *dispatch.Plan) (Way, error) {
	refs := slices.Clone(move.Targets)
	for _, s := range move.Skipped {
		if r := (dispatch.Result{State: dispatch.Skipped, Reason: s.Reason}); r.AlreadySo() {
			refs = append(refs, s.Ref)
		}
	}
	if len(refs) == 0 {
		return Way{Plan: move}, nil
	}
	second, policies, err := policiesStep(ctx, c, jobs, id, b, o, refs)
	switch {
	case errors.Is(err, dispatch.ErrNothingToDo):
		return Way{Plan: move}, nil
	case err != nil:
		return Way{}, err
	case len(policies.Targets) == 0:
		return Way{Plan: move}, nil
	case len(move.Targets) == 0:
		return Way{Plan: policies}, nil
	}
	second.Warnings = slices.DeleteFunc(second.Warnings, func(w string) bool { return slices.Contains(move.Warnings, w) })
	first := Step{Title: move.Operation.Words(), Risk: move.Operation.Risk, Requests: requestsIn(move), Lenient: true,
		Plan: func(context.Context, []fleet.Ref) (*dispatch.Plan, error) { return move, nil }}
	ch, err := NewChain(ctx, "endpoint.move-back", "move back and give the policies back", refs, first, second)
	return Way{Chain: ch}, err
}

// policiesStep gives machines back the policies that they had before a job, with the plan that it would have now.
func policiesStep(ctx context.Context, c *unity.Client, jobs *dispatch.Jobs, id string, b dispatch.Binding, o dispatch.PlanOptions, refs []fleet.Ref) (Step, *dispatch.Plan, error) {
	plan := func(ctx context.Context, refs []fleet.Ref) (*dispatch.Plan, error) {
		return jobs.PoliciesBack(ctx, c, id, b, refs, o)
	}
	now, err := plan(ctx, refs)
	if err != nil {
		return Step{}, nil, err
	}
	warnings := append(slices.Clone(now.Warnings), "a machine that had its policy from its group or site has it as its own afterwards: which ones do, the API does not show")
	return Step{Title: now.Operation.Words(), Risk: now.Operation.Risk, Requests: requestsIn(now), Warnings: warnings, Plan: plan,
		Next: dispatch.NextStep{Action: policiesAction, Args: dispatch.Args{{Name: argJob, Value: id}}}}, now, nil
}

// requestsIn are the requests of a plan.
func requestsIn(p *dispatch.Plan) []unity.Request {
	out := make([]unity.Request, 0, len(p.Batches))
	for _, b := range p.Batches {
		out = append(out, b.Request)
	}
	return out
}
