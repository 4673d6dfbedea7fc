package dispatch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
)

// ledgerJob is what a ledger knows of one journal; it has no machines for journals of other consoles and of changes that are no
// agent commands. Of a machine it keeps a few numbers, since a month of daily jobs is remembered.
type ledgerJob struct {
	size int64
	id   string
	op   Operation
	// counts are how many targets were in each state when the job came to its end at finished; while both stay the same, the same
	// commands were sent.
	counts   map[State]int
	finished time.Time
	// spans are the times of its requests, each once.
	spans []span
	// sent are the machines that it sent to, or may have, in the order of their numbers.
	sent []sentTo
	// before are the numbers of the keys of like commands that were there already, machine by machine.
	before []uint32
	polls  map[unity.EndpointID][]time.Time
}

// sentTo is a machine with the place of its time in spans and the piece of before that is about it.
type sentTo struct {
	machine, span uint32
	from, to      uint32
	unknown       bool
}

// numbers gives each text a number, so that it is held once.
type numbers struct {
	of    map[string]uint32
	texts []string
}

func (n *numbers) number(text string) uint32 {
	if i, there := n.of[text]; there {
		return i
	}
	if n.of == nil {
		n.of = map[string]uint32{}
	}
	i := uint32(len(n.texts)) //nolint:gosec // a console has millions of machines at most
	text = strings.Clone(text)
	n.of[text], n.texts = i, append(n.texts, text)
	return i
}

// take takes over what a job has sent.
func (l *ledgerJob) take(s *story, machines, keys *numbers) {
	l.polls = maps.Clone(s.job.polls)
	theirs := map[string][]string{}
	for _, of := range s.plan.before {
		for key, n := range of {
			id, _, _ := strings.Cut(key, "\x00")
			theirs[id] = append(theirs[id], slices.Repeat([]string{key}, n)...)
		}
	}
	spans := map[span]uint32{}
	for i := range s.job.Results {
		r := &s.job.Results[i]
		at, went := s.spans[i]
		if !went || r.State != Sent && r.State != Unknown {
			continue
		}
		k, there := spans[at]
		if !there {
			k = uint32(len(l.spans)) //nolint:gosec // fewer than machines
			spans[at], l.spans = k, append(l.spans, at)
		}
		to := sentTo{machine: machines.number(string(r.Ref.ID)), span: k, unknown: r.State == Unknown, from: uint32(len(l.before))} //nolint:gosec // some dozens for each machine
		for _, key := range theirs[string(r.Ref.ID)] {
			l.before = append(l.before, keys.number(key))
		}
		to.to = uint32(len(l.before)) //nolint:gosec // as above
		l.sent = append(l.sent, to)
	}
	slices.SortFunc(l.sent, func(a, b sentTo) int { return cmp.Compare(a.machine, b.machine) })
	l.spans, l.sent, l.before = slices.Clip(l.spans), slices.Clip(l.sent), slices.Clip(l.before)
}

// to gives what the job has sent to a machine.
func (l *ledgerJob) to(machine uint32, keys *numbers) (issued, bool) {
	i, there := slices.BinarySearchFunc(l.sent, machine, func(s sentTo, m uint32) int { return cmp.Compare(s.machine, m) })
	if !there {
		return issued{}, false
	}
	s := l.sent[i]
	out := issued{job: l.id, op: l.op, at: l.spans[s.span], state: Sent, before: known{}}
	if s.unknown {
		out.state = Unknown
	}
	for _, k := range l.before[s.from:s.to] {
		out.before[keys.texts[k]]++
	}
	return out, true
}
