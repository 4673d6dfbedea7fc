package dispatch

import (
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
)

// maxPolls is how many polls of a machine are remembered; they tell its usual gap.
const maxPolls = 8

// Of fewer polls than knownPolls no gap is known that is worth writing down, and polls are written down once an hour at most:
// the gap changes slowly.
const (
	knownPolls = 3
	pollsPace  = time.Hour
)

// JoinPolls puts polls of an earlier run before those of this one; the latest eight stay. Nothing was heard between the two
// runs, which says nothing about the machine: the earlier polls are moved up to the first of this run, so that only gaps
// count which somebody saw.
func JoinPolls(earlier, now []time.Time) []time.Time {
	if len(earlier) == 0 || len(now) == 0 {
		return slices.Concat(earlier, now)
	}
	out := slices.Clone(earlier)
	if shift := now[0].Sub(out[len(out)-1]); shift > 0 {
		for i := range out {
			out[i] = out[i].Add(shift)
		}
	}
	out = append(out, now...)
	slices.SortFunc(out, time.Time.Compare)
	out = slices.CompactFunc(out, func(x, y time.Time) bool { return x.Unix() == y.Unix() })
	return out[max(0, len(out)-maxPolls):]
}

// laterPolls gives those of two records of one machine that reach further.
func laterPolls(a, b []time.Time) []time.Time {
	if len(a) == 0 || len(b) > 0 && b[len(b)-1].After(a[len(a)-1]) {
		return b
	}
	return a
}

// Hear has the ledger write down when machines were heard of, beside the commands that they were sent, so that the next start
// knows how often they poll. from gives the times for one machine, the latest last; it is called while commands are followed.
func (l *Ledger) Hear(from func(unity.EndpointID) []time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = from
}

// Polls are when a machine was heard of in earlier runs, the latest last.
func (l *Ledger) Polls(id unity.EndpointID) []time.Time {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.polls[id])
}

// newPolls gives what is worth writing down of machines that are still waited for: at are their places in the plan, noted by
// place the latest times that were written down already. A nil ledger has heard of none.
func (l *Ledger) newPolls(open map[unity.EndpointID]bool, at map[unity.EndpointID]int, noted map[int]time.Time) pollsRecord {
	var out pollsRecord
	if l == nil {
		return out
	}
	l.mu.Lock()
	heard := l.heard
	l.mu.Unlock()
	if heard == nil {
		return out
	}
	for id := range open {
		polls := JoinPolls(l.Polls(id), heard(id))
		if len(polls) < knownPolls || polls[len(polls)-1].Sub(noted[at[id]]) < pollsPace {
			continue
		}
		seconds := make([]int64, len(polls))
		for k, t := range polls {
			seconds[k] = t.Unix()
		}
		out.Targets, out.Seen = append(out.Targets, at[id]), append(out.Seen, seconds)
	}
	return out
}
