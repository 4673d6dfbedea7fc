package dispatch

import (
	"context"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// known holds the keys of like commands that were in the server's list when the plan was made.
type known map[string]bool

// like tells whether a command is the same as the operation, by whomever it was given.
func like(c *unity.Command, op Operation) bool {
	return strings.EqualFold(c.Command.Raw(), op.Command) && strings.EqualFold(c.Parameters.Raw(), op.Parameters)
}

func knownOf(commands []unity.Command, op Operation) known {
	out := known{}
	for i := range commands {
		if like(&commands[i], op) {
			out[commands[i].Key()] = true
		}
	}
	return out
}

// span is the time, by the server's clock, in which a request was on its way.
type span struct{ from, to time.Time }

// clockSlack is how far the date of a command may lie outside of its span: the server tells its time in whole seconds.
const clockSlack = 2 * time.Second

// holds tells whether a command with that date can have come from the request. A date that cannot be read may be any.
func (s span) holds(at unity.Time) bool {
	return !at.Known() || !at.Before(s.from.Add(-clockSlack)) && !at.After(s.to.Add(clockSlack))
}

// readAgain is when the command list is read after an unknown outcome: it may lag.
func readAgain() []time.Duration {
	return []time.Duration{5 * time.Second, 10 * time.Second, 45 * time.Second}
}

// resolve settles unknown outcomes by reading: one like command that was not there before and was requested while ours
// was on its way is ours. None, or several, stays unknown; nothing is ever sent again here.
func (r *runner) resolve(ctx context.Context) {
	if len(r.unknown()) == 0 {
		return
	}
	for _, d := range readAgain() {
		open := r.unknown()
		if len(open) == 0 {
			break
		}
		r.note("reading the command list to find out about " + Machines(len(open)))
		if r.options.Sleep(ctx, d) != nil {
			break
		}
		for site, refs := range bySite(open) {
			before, listed := r.plan.before[site]
			if !listed {
				continue
			}
			commands, err := listCommands(ctx, r.client, site, refs, r.plan.Operation.Command, r.plan.MadeAt.Add(-lookBack))
			if err != nil {
				continue // tried again at the next turn; what is not read stays unknown
			}
			r.settle(refs, commands, before)
		}
	}
	r.note("")
}

func (r *runner) settle(refs []fleet.Ref, commands []unity.Command, before known) {
	fresh := map[unity.EndpointID]int{}
	for i := range commands {
		c := &commands[i]
		if like(c, r.plan.Operation) && !before[c.Key()] && r.spanOf(c.EndpointID).holds(c.DateRequested) {
			fresh[c.EndpointID]++
		}
	}
	r.change(func() {
		for _, ref := range refs {
			res := &r.job.Results[r.at[ref.ID]]
			switch n := fresh[ref.ID]; {
			case n == 1:
				res.State, res.Reason = Sent, "the answer was lost; the command is in the server's list"
			case n > 1:
				res.Reason = "several like commands appeared at once; ours may be one of them"
			case !strings.HasPrefix(res.Reason, notSeen):
				res.Reason = notSeen + res.Reason
			}
		}
	})
}

const notSeen = "not seen in the command list; "

func (r *runner) spanOf(id unity.EndpointID) span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans[id]
}

func (r *runner) unknown() []fleet.Ref {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []fleet.Ref
	for i := range r.job.Results {
		if r.job.Results[i].State == Unknown {
			out = append(out, r.job.Results[i].Ref)
		}
	}
	return out
}

func (r *runner) note(text string) { r.change(func() { r.job.Note = text }) }
