package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Changed gives those targets that are no longer as they were when they were chosen, as far as the plan has read them again, and
// what is different about each. Somebody has to agree to them: where nobody can be asked, WithoutChanged leaves them out.
func (p *Plan) Changed() []Skip {
	var out []Skip
	for _, ref := range p.Targets {
		if why := p.changed[ref.ID]; why != "" {
			out = append(out, Skip{ref, why})
		}
	}
	return out
}

// What is said of machines that are left out since they are not there any more, or not as they were confirmed.
const (
	goneBefore   = "it is no longer at this site"
	goneSince    = "it left this site after the plan was made"
	renamedSince = "it was renamed to "
	turnedSince  = "it was deactivated or reactivated after the plan was made"
	movedSince   = "it was moved to another group after the plan was made"
)

// Changed tells that a machine was skipped since it is gone, or is no longer as it was when it was chosen or confirmed: it did not
// get what it was meant to get.
func (r *Result) Changed() bool {
	return r.skippedAs(goneBefore, goneSince, turnedSince, movedSince) ||
		r.State == Skipped && (strings.HasPrefix(r.Reason, renamedSince) || strings.HasPrefix(r.Reason, notSent+": "))
}

// skippedAs tells that a machine was skipped for one of these reasons.
func (r *Result) skippedAs(reasons ...string) bool {
	return r.State == Skipped && slices.Contains(reasons, r.Reason)
}

// LeftOut gives the machines that WithoutChanged has left out.
func (p *Plan) LeftOut() []Skip { return slices.Clone(p.leftOut) }

// WithoutChanged leaves the machines of Changed out: they are skipped, with what is different as the reason.
func (p *Plan) WithoutChanged() error {
	changed := p.Changed()
	if len(changed) == 0 {
		return nil
	}
	left := map[unity.EndpointID]bool{}
	for i := range changed {
		left[changed[i].Ref.ID] = true
		changed[i].Reason = notSent + ": " + changed[i].Reason
	}
	batches, err := p.without(p.client, left)
	if err != nil {
		return err
	}
	p.Targets = slices.DeleteFunc(slices.Clone(p.Targets), func(r fleet.Ref) bool { return left[r.ID] })
	p.Batches, p.Skipped, p.leftOut = batches, append(p.Skipped, changed...), append(p.leftOut, changed...)
	return nil
}

// compare names what is no longer as it was when the machine was chosen.
func (m *maker) compare(ref fleet.Ref, e *unity.Endpoint) fleet.Ref {
	var changed []string
	if e.HostName != ref.HostName {
		m.warnAs(warnKind{many: "machines are called otherwise than when they were chosen"}, fmt.Sprintf("%s is now called %s", Named(ref), e.Name()),
			Named(ref)+" is "+e.Name())
		changed = append(changed, "it was called "+ref.Name()+" when it was chosen and is now called "+e.Name())
		ref.HostName = e.HostName
	}
	if e.Deactivated.On && !ref.Inactive && m.plan.Operation.ID != "endpoint.reactivate" { // which is for such machines
		m.warnOf(warnKind{"%s has been deactivated meanwhile", "machines have been deactivated meanwhile"}, Named(ref))
		changed = append(changed, "it has been deactivated since it was chosen")
	}
	if m.plan.moved(ref.ID, ref.Group, e.GroupID) {
		m.warnOf(warnKind{"%s has been moved to another group meanwhile", "machines have been moved to another group meanwhile"}, Named(ref))
		changed = append(changed, "it has been moved to another group since it was chosen")
	}
	if len(changed) > 0 {
		if m.plan.changed == nil {
			m.plan.changed = map[unity.EndpointID]string{}
		}
		m.plan.changed[ref.ID] = strings.Join(changed, "; ")
	}
	ref.Inactive, ref.Group = e.Deactivated.On, e.GroupID
	if e.LastSeen.After(ref.LastSeen) {
		ref.LastSeen = e.LastSeen.Time
	}
	return ref
}

// moved tells that a machine was in one group and is in another, where both are known: it may have been chosen by its group, and what
// is right for one group need not be for the other. To be where a move is to put it is no such thing.
func (p *Plan) moved(id unity.EndpointID, was, is unity.GroupID) bool {
	if was == "" || is == "" || was == is {
		return false
	}
	return p.Operation.ID != "endpoint.move" || !strings.EqualFold(p.argsOf(id).Get(ArgGroup), string(is))
}
