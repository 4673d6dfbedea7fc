package dispatch

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// like tells whether a command is the same as the operation, by whomever it was given.
func like(c *unity.Command, op Operation) bool {
	if !strings.EqualFold(c.Command.Raw(), op.Command) {
		return false
	}
	if key, err := unity.ParseKeycode(op.Parameters); err == nil && op.Command == unity.CommandChangeKeycode {
		// The server writes keycodes with and without dashes.
		is, err := unity.ParseKeycode(c.Parameters.Raw())
		return err == nil && is == key
	}
	return strings.EqualFold(c.Parameters.Raw(), op.Parameters)
}

// span is the time, by the server's clock, in which a request was on its way.
type span struct{ from, to time.Time }

// clockSlack is how far the date of a command may lie outside of its span: the server tells its time in whole seconds.
const clockSlack = 2 * time.Second

// crashWindow is how long after its intent a request may have gone out of which nobody knows more: the run ended.
const crashWindow = 3 * time.Second

// holds tells whether a command with that date can have come from the request. A date that cannot be read may be any.
func (s span) holds(at unity.Time) bool {
	return !at.Known() || !at.Before(s.from.Add(-clockSlack)) && !at.After(s.to.Add(clockSlack))
}

// readAgain is when the command list is read after an unknown outcome: it may lag.
func readAgain() []time.Duration {
	return []time.Duration{5 * time.Second, 10 * time.Second, 45 * time.Second}
}

// lastLook is how long after the answer the last of these looks is at least.
const lastLook = time.Minute

// resolve settles unknown outcomes by reading: one like command that was not there before and was requested while ours
// was on its way is ours, an object that is as it was asked for is changed. None, or several, stays unknown; nothing is
// ever sent again here.
func (r *runner) resolve(ctx context.Context) {
	if len(r.unknown()) == 0 {
		return
	}
	pauses := readAgain()
	for i, d := range pauses {
		open := r.unknown()
		if len(open) == 0 {
			break
		}
		r.note("reading again to find out about " + r.things(len(open)))
		if r.options.Sleep(ctx, d) != nil {
			break
		}
		r.look(ctx, open, i == len(pauses)-1)
	}
	r.note("")
}

// look reads once about what is unknown. Only the final look, a minute after every answer, tells that something is not there.
func (r *runner) look(ctx context.Context, open []fleet.Ref, final bool) {
	r.mu.Lock()
	r.final = final
	clear(r.absent)
	r.mu.Unlock()
	switch {
	case r.plan.Object != nil:
		r.settleObject(ctx, open)
	case r.plan.Operation.AgentCommand():
		r.settleCommands(ctx, open)
	default:
		r.settleEndpoints(ctx, open)
	}
}

func (r *runner) things(n int) string {
	if r.plan.Object != nil {
		return "the " + r.plan.Object.Kind
	}
	return Machines(n)
}

// settleCommands looks the commands up in the lists of their sites.
func (r *runner) settleCommands(ctx context.Context, open []fleet.Ref) {
	others, group := r.others(), errgroup.Group{}
	group.SetLimit(parallel)
	for site, refs := range bySite(open) {
		before, listed := r.plan.before[site]
		if !listed {
			continue
		}
		group.Go(func() error {
			commands, err := listCommands(ctx, r.client, site, refs, r.plan.Operation.Command, r.plan.MadeAt.Add(-lookBack))
			if err == nil {
				r.settle(refs, commands, before, others)
			}
			return nil // tried again at the next turn; what is not read stays unknown
		})
	}
	_ = group.Wait()
}

func (r *runner) settle(refs []fleet.Ref, commands []unity.Command, before known, others *Ledger) {
	fresh, other := map[unity.EndpointID]int{}, map[unity.EndpointID]int{}
	for id, list := range before.beyond(commands, r.plan.Operation) {
		for _, c := range list {
			if r.spanOf(id).holds(c.DateRequested) {
				fresh[id]++
			} else {
				other[id]++
			}
		}
	}
	half := r.halfSeen(refs, fresh)
	rivals := r.rivals(refs, others)
	r.found(refs, func(ref fleet.Ref) (State, string) {
		switch n := fresh[ref.ID]; {
		case n == 1 && half[ref.ID]:
			return Unknown, "a like command is there, but not for all machines of the request: somebody else may have given it"
		case n == 1 && rivals[ref.ID] != "":
			return Unknown, "a like command is there, and job " + rivals[ref.ID] + " may have given it"
		case n == 1:
			return Sent, "the answer was lost; the command is in the server's list"
		case n > 1:
			return Unknown, "several like commands appeared at once; ours may be one of them"
		case other[ref.ID] > 0:
			// Clocks are set, and the clock that dates commands need not be the one that dates answers.
			return Unknown, "a like command is there whose time does not fit; it may be ours all the same"
		default:
			return Unknown, notSeen
		}
	})
}

// others tells what other jobs have sent, as their journals say now; nil where there are none, or they cannot be read.
func (r *runner) others() *Ledger {
	if r.options.Journal == nil {
		return nil
	}
	ledger := NewLedger(r.options.Journal, r.job.Binding)
	if ledger.Read() != nil {
		return nil
	}
	return ledger
}

// rivals names, of those machines to which another job sent a like command at the same time, that job. The one command in
// the list may be the other's, and ours may still come.
func (r *runner) rivals(refs []fleet.Ref, others *Ledger) map[unity.EndpointID]string {
	out := map[unity.EndpointID]string{}
	for _, ref := range refs {
		own := r.spanOf(ref.ID)
		for _, x := range others.changes(ref.ID) {
			if x.job != r.job.ID && x.op.alike(r.plan.Operation) && x.at.meets(own) {
				out[ref.ID] = x.job
			}
		}
	}
	return out
}

// alike tells whether two operations give commands that cannot be told apart.
func (op Operation) alike(other Operation) bool {
	return strings.EqualFold(op.Command, other.Command) && strings.EqualFold(op.Parameters, other.Parameters)
}

// meets tells whether one date can have come from both requests.
func (s span) meets(other span) bool {
	return !s.from.After(other.to.Add(2*clockSlack)) && !other.from.After(s.to.Add(2*clockSlack))
}

// settleEndpoints looks at the endpoints themselves.
func (r *runner) settleEndpoints(ctx context.Context, open []fleet.Ref) {
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for _, ref := range open {
		group.Go(func() error {
			e, err := r.client.Endpoint(ctx, ref.Site, ref.ID)
			switch {
			case errors.Is(err, unity.ErrNotFound):
				r.later(ref, Unknown, "the machine is no longer at its site")
			case err == nil:
				s, why := r.plan.seen(e)
				r.later(ref, s, why)
			}
			return nil
		})
	}
	_ = group.Wait()
}

// seen judges by the endpoint's own record whether the change arrived.
func (p *Plan) seen(e *unity.Endpoint) (State, string) {
	judge := func(field string, shown, as bool) (State, string) {
		switch {
		case !shown:
			return Unknown, notShown + field
		case as:
			return Sent, "the answer was lost; the machine is as it was asked for"
		default:
			return Unknown, notSeen
		}
	}
	args := p.argsOf(e.ID)
	switch p.Operation.ID {
	case "endpoint.move":
		if args.Get(ArgInheritance) == "1" {
			return Unknown, notShown + "whether the policy of the group was taken over"
		}
		return judge("GroupId", e.GroupID != "", strings.EqualFold(string(e.GroupID), args.Get(ArgGroup)))
	case "endpoint.set-policy":
		return judge("PolicyId", e.PolicyID != "", strings.EqualFold(string(e.PolicyID), args.Get(ArgPolicy)))
	case "endpoint.deactivate":
		return judge("Deactivated", e.Deactivated.Known, e.Deactivated.On)
	case "endpoint.reactivate":
		return judge("Deactivated", e.Deactivated.Known, !e.Deactivated.On)
	}
	return Unknown, "nothing that can be read tells"
}

func (r *runner) settleObject(ctx context.Context, open []fleet.Ref) {
	ch := r.plan.Object
	s, why := Unknown, "nothing that can be read tells"
	switch {
	case ch.Verify != nil:
		s, why = ch.Verify(ctx, r.client)
	case ch.Check != nil:
		s, why = ch.Check.ask(ctx, r.client)
	}
	if s != Sent {
		s = Unknown
	}
	for _, ref := range open {
		r.later(ref, s, why)
	}
}

// found notes what was found out by reading, for all machines of which the same is to be said in one record: a request that
// was lost has a hundred.
func (r *runner) found(refs []fleet.Ref, judge func(fleet.Ref) (State, string)) {
	var news []fleet.Ref
	said := map[unity.EndpointID]word{}
	for _, ref := range refs {
		s, why := judge(ref)
		r.mu.Lock()
		res := r.job.Results[r.at[ref.ID]]
		r.absent[ref.ID] = r.final && s == Unknown && strings.HasPrefix(why, notSeen)
		r.mu.Unlock()
		if why == notSeen {
			// The reason for the doubt stays; it is said once that the change was looked for.
			why = notSeen + strings.TrimPrefix(res.Reason, notSeen)
		}
		if res.State != s || res.Reason != why {
			news, said[ref.ID] = append(news, ref), word{s, why, res.RequestID}
		}
	}
	order, of := say(news, func(ref fleet.Ref) word { return said[ref.ID] })
	for _, w := range order {
		r.outcome(of[w], w.state, w.reason, w.requestID, true)
	}
}

// later notes what was found out by reading about one target.
func (r *runner) later(ref fleet.Ref, s State, reason string) {
	r.found([]fleet.Ref{ref}, func(fleet.Ref) (State, string) { return s, reason })
}

const notSeen = "not seen in what the server lists; "

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
