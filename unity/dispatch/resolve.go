package dispatch

import (
	"context"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// counts is the number of like commands per endpoint.
type counts map[unity.EndpointID]int

// window is how far before the plan a request date may lie and still count: clocks are not quite equal.
const window = 10 * time.Minute

// countLike counts commands equal to the operation that were requested around or after the plan.
func countLike(commands []unity.Command, op Operation, madeAt time.Time) counts {
	out := counts{}
	for i := range commands {
		c := &commands[i]
		if !strings.EqualFold(c.Command.Raw(), op.Command) || !strings.EqualFold(c.Parameters.Raw(), op.Parameters) {
			continue
		}
		if c.DateRequested.Known() && c.DateRequested.Before(madeAt.Add(-window)) {
			continue
		}
		out[c.EndpointID]++
	}
	return out
}

// readAgain is when the command list is read after an unknown outcome: it may lag.
func readAgain() []time.Duration {
	return []time.Duration{5 * time.Second, 10 * time.Second, 45 * time.Second}
}

// resolve settles unknown outcomes by reading: one more like command than before is ours. None more, or several more,
// stays unknown; nothing is ever sent again here.
func (r *runner) resolve(ctx context.Context) {
	for _, d := range readAgain() {
		open := r.unknown()
		if len(open) == 0 {
			return
		}
		r.note("reading the command list to find out about " + Machines(len(open)))
		if r.options.Sleep(ctx, d) != nil {
			break
		}
		for site, refs := range bySite(open) {
			before, counted := r.plan.before[site]
			if !counted {
				continue
			}
			commands, err := listCommands(ctx, r.client, site, refs, r.plan.Operation.Command, r.plan.MadeAt.Add(-lookBack))
			if err != nil {
				continue // tried again at the next turn; what is not read stays unknown
			}
			r.settle(refs, countLike(commands, r.plan.Operation, r.plan.MadeAt), before)
		}
	}
	r.note("")
}

func (r *runner) settle(refs []fleet.Ref, now, before counts) {
	for _, ref := range refs {
		switch more := now[ref.ID] - before[ref.ID]; {
		case more == 1:
			r.set([]fleet.Ref{ref}, Sent, "the answer was lost; the command is in the server's list", "")
		case more > 1:
			r.set([]fleet.Ref{ref}, Unknown, "several like commands appeared at once; ours may be one of them", "")
		default:
			r.mu.Lock()
			res := &r.job.Results[r.at[ref.ID]]
			if !strings.HasPrefix(res.Reason, notSeen) {
				res.Reason = notSeen + res.Reason
			}
			r.mu.Unlock()
		}
	}
}

const notSeen = "not seen in the command list; "

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

func (r *runner) note(text string) {
	r.mu.Lock()
	r.job.Note = text
	j := r.snapshot()
	r.mu.Unlock()
	if r.options.Report != nil {
		r.options.Report(j)
	}
}
