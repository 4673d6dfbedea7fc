package picture

import (
	"context"
	"time"

	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// Class is a choice of machines that people look at every day.
type Class string

// The classes.
const (
	Everything   Class = "everything"
	Infected     Class = "infected"
	Attention    Class = "attention"
	Stale        Class = "stale"
	DeadButSeen  Class = "deactivated-but-seen"
	Duplicates   Class = "duplicates"
	Outdated     Class = "outdated"
	PolicyDrift  Class = "policy-drift"
	recentlySeen       = 30 * 24 * time.Hour
)

// Classes are all classes, in the order in which they are shown.
func Classes() []Class {
	return []Class{Infected, Attention, Stale, DeadButSeen, Duplicates, Outdated, PolicyDrift, Everything}
}

// Class chooses the machines of a class; staleAfter 0 means fleet.DefaultStaleAfter. An unknown class is empty.
//
//   - Infected, Attention: what the agent reported, whatever else holds; deactivated machines are left out, and machines
//     without a report are counted as left out.
//   - Stale: active machines that have been silent for longer than staleAfter; it takes no report.
//   - DeadButSeen: deactivated machines that were seen within 30 days.
//   - Duplicates: see Picture.Duplicates.
//   - Outdated: active machines whose agent is older than what at least one in fifty active machines of its type (PC or
//     Mac) in the console already has, so that one odd version does not make all others old. Machines without a
//     known type, or with a version that is no dotted number, are counted as left out.
//   - PolicyDrift: active machines whose policy is not the one that more than half of the active machines of their group
//     have, or where the group has no such policy of their site; and machines that are unmanaged, by the name of their
//     policy or by what the agent reports. Machines without a policy are counted as left out.
//   - Everything: all machines.
func (p *Picture) Class(ctx context.Context, class Class, now time.Time, staleAfter time.Duration) *Set {
	switch class {
	case Infected, Stale:
		return p.choose(ctx, func() chooser {
			t := newHealthTable(now, staleAfter, func(h fleet.Health, silent bool) selector.Answer { return judgeHealth(class, h, silent) })
			var unknown bitmap
			return func(c *Chunk, into bitmap) int {
				unknown = append(unknown[:0], into...)
				paintHealth(t, c, into, unknown)
				return unknown.count()
			}
		})
	case DeadButSeen:
		return p.chooseRows(ctx, func(r Row) selector.Answer {
			return answer(r.Deactivated() && !r.Seen().IsZero() && now.Sub(r.Seen()) <= recentlySeen)
		})
	case Attention:
		return p.chooseRows(ctx, func(r Row) selector.Answer {
			on, known := r.Attention()
			switch {
			case r.Deactivated():
				return selector.No
			case !known:
				return selector.Unknown
			}
			return answer(on)
		})
	case Everything:
		return p.choose(ctx, func() chooser { return func(c *Chunk, into bitmap) int { into.fill(c.n); return 0 } })
	case Duplicates:
		return p.duplicateSet(ctx)
	case Outdated:
		return p.outdated(ctx)
	case PolicyDrift:
		return p.drifted(ctx)
	default:
		return p.chooseRows(ctx, func(Row) selector.Answer { return selector.No })
	}
}

// judgeHealth answers for Stale and Infected.
func judgeHealth(class Class, h fleet.Health, silent bool) selector.Answer {
	switch {
	case h.Deactivated:
		return selector.No
	case class == Stale:
		return answer(silent)
	case !h.Joined:
		return selector.Unknown
	case h.Infected.On, h.Threats > 0:
		return selector.Yes
	case !h.Infected.Known:
		return selector.Unknown
	}
	return selector.No
}

func answer(yes bool) selector.Answer {
	if yes {
		return selector.Yes
	}
	return selector.No
}
