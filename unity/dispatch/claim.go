package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
)

// known counts, by their keys, the like commands that were in the server's list when the plan was made. Two commands of one
// second can have the same key.
type known map[string]int

func knownOf(commands []unity.Command, op Operation) known {
	out := known{}
	for i := range commands {
		if like(&commands[i], op) {
			out[commands[i].Key()]++
		}
	}
	return out
}

// beyond gives the like commands of a list that were not there before, machine by machine.
func (k known) beyond(commands []unity.Command, op Operation) map[unity.EndpointID][]*unity.Command {
	out, met := map[unity.EndpointID][]*unity.Command{}, known{}
	for i := range commands {
		c := &commands[i]
		if !like(c, op) {
			continue
		}
		key := c.Key()
		if met[key]++; met[key] > k[key] {
			out[c.EndpointID] = append(out[c.EndpointID], c)
		}
	}
	return out
}

// Claim tells who gave a command: one of the words ByUnitty, ByPerhaps and ByOthers, and the job where it was one.
type Claim struct{ Who, Job string }

// sharing is the commands of one machine as they are shared out among the changes that may have given them: each command
// goes to one change at most, and each change gets one command at most. The order of the changes decides where dates do
// not, so it has to be the same for everybody who asks.
type sharing struct {
	commands []*unity.Command
	// twin counts, for each command, those up to it that have the same key.
	twin    []int
	changes []issued
	// to gives for each command the place of its change, or -1; from the same the other way round.
	to, from []int
}

// share shares commands out. Changes that arrived for certain come before those of which nobody knows, and dates within the
// time in which the request was on its way before those that a clock may have put beside it.
func share(commands []*unity.Command, changes []issued) *sharing {
	s := &sharing{commands: commands, changes: changes, twin: make([]int, len(commands)),
		to: slices.Repeat([]int{-1}, len(commands)), from: slices.Repeat([]int{-1}, len(changes))}
	met := known{}
	for i, c := range commands {
		met[c.Key()]++
		s.twin[i] = met[c.Key()]
	}
	order := make([]int, len(commands))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return commands[a].DateRequested.Compare(commands[b].DateRequested.Time)
	})
	for _, state := range []State{Sent, Unknown} {
		for _, fits := range []func(span, unity.Time) bool{span.within, span.holds} {
			s.pass(order, state, fits)
		}
	}
	return s
}

// pass gives each command that is left to that fitting change whose time ends first. Commands that are gone through in the
// order of their dates are so shared out to as many changes as can be.
func (s *sharing) pass(order []int, state State, fits func(span, unity.Time) bool) {
	for _, i := range order {
		if s.to[i] >= 0 {
			continue
		}
		best := -1
		for k := range s.changes {
			x := &s.changes[k]
			if x.state == state && s.may(k, i) && fits(x.at, s.commands[i].DateRequested) && (best < 0 || x.at.to.Before(s.changes[best].at.to)) {
				best = k
			}
		}
		if best >= 0 {
			s.to[i], s.from[best] = best, i
		}
	}
}

// may tells whether a free change can have given a command, whatever its date.
func (s *sharing) may(change, command int) bool {
	x, c := &s.changes[change], s.commands[command]
	return s.from[change] < 0 && s.to[command] < 0 && s.twin[command] > x.before[c.Key()] && like(c, x.op)
}

// rest gives changes that arrived and got nothing the nearest of what is left: the clock that dates commands need not be the
// one that dates answers.
func (s *sharing) rest() {
	for k := range s.changes {
		x := &s.changes[k]
		if x.state != Sent || s.from[k] >= 0 {
			continue
		}
		best, distance := -1, time.Duration(0)
		for i, c := range s.commands {
			far := c.DateRequested.Sub(x.at.from)
			if s.may(k, i) && far >= -trackBack && (best < 0 || far.Abs() < distance) {
				best, distance = i, far.Abs()
			}
		}
		if best >= 0 {
			s.to[best], s.from[k] = k, best
		}
	}
}

// within tells whether a command was dated while the request was on its way. The server tells its time in whole seconds.
func (s span) within(at unity.Time) bool {
	return at.Known() && !at.Before(s.from.Truncate(time.Second)) && !at.After(s.to)
}

// byTime puts changes into an order that does not depend on where they were read.
func byTime(a, b issued) int {
	return cmp.Or(a.at.from.Compare(b.at.from), a.at.to.Compare(b.at.to), cmp.Compare(a.job, b.job))
}
