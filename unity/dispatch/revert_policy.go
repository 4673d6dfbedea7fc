package dispatch

import (
	"context"
	"fmt"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// GavePolicies tells that a job has moved machines and given them the policy of their new group (§3.7.5): the way back is two
// steps then, since no move gives machines several policies.
func (p *Past) GavePolicies() bool {
	return p.Operation.ID == "endpoint.move" && p.Operation.Args.Get(ArgInheritance) == "1"
}

// PoliciesBack plans the second step of taking back a job that GavePolicies: the machines get the policies that they had before
// it. Those that have them are skipped, and so are those of which that policy is not known. Where there is none else, the error is
// ErrNothingToDo.
func (js *Jobs) PoliciesBack(ctx context.Context, c *unity.Client, id string, b Binding, refs []fleet.Ref, o PlanOptions) (*Plan, error) {
	p, err := js.ToRevert(c, id, b)
	if err != nil {
		return nil, err
	}
	put := back{each: map[unity.EndpointID]Args{}}
	for _, ref := range refs {
		if had := p.story.plan.values[ref.ID].Policy; unity.IsGUID(string(had)) {
			put.refs, put.each[ref.ID] = append(put.refs, ref), Args{{ArgPolicy, string(had)}}
		} else {
			put.lost = append(put.lost, Skip{ref, noPolicyBefore})
		}
	}
	if len(put.refs) == 0 {
		return nil, fmt.Errorf("%w: no machine is known to have had a policy", ErrNothingToDo)
	}
	o.RevertOf, o.Binding = p.ID, b
	plan, err := put.plan(ctx, c, "endpoint.set-policy", o)
	if err != nil {
		return nil, err
	}
	p.warnOtherPolicies(ctx, c, plan)
	return plan, nil
}

// noPolicyBefore is said of machines whose record did not show a policy before the job.
const noPolicyBefore = "the policy it had is not known"

// warnOtherPolicies names machines that have got another policy than that of the group since the job moved them there.
func (p *Past) warnOtherPolicies(ctx context.Context, c *unity.Client, plan *Plan) {
	if len(plan.Targets) == 0 {
		return
	}
	g, err := c.Group(ctx, plan.Targets[0].Site, unity.GroupID(p.Operation.Args.Get(ArgGroup)))
	if err != nil || g.PolicyID == "" {
		return // nobody knows what the job gave them
	}
	p.warnChanged(plan, func(v Values) string { return string(v.Policy) }, string(g.PolicyID), "has another policy now than the group that the job put it in")
}
