//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

// edgeBytes is the moment between EdgeIntended and EdgeAnswered: the request is out and the answer is not in.
const edgeBytes dispatch.Edge = "bytes-out"

// death is a way in which a process ends.
type death string

const (
	killed death = "SIGKILL"
	hungUp death = "SIGHUP"
	closed death = "closed PTY"
)

// trial is one job that is killed and resumed.
type trial struct {
	n         int
	edge      dispatch.Edge
	death     death
	lag       time.Duration
	colleague bool
	// lost tells, at edgeBytes, that the request does not reach the server.
	lost     bool
	resumers int
	// nth is the how-manieth time the edge is passed when the process dies.
	nth int
}

func edges() []dispatch.Edge {
	return []dispatch.Edge{dispatch.EdgeBegun, dispatch.EdgeIntended, edgeBytes, dispatch.EdgeAnswered, dispatch.EdgeOutcome}
}

// trialOf spreads the trials evenly over the edges, and over the combinations of everything else.
func trialOf(i int) trial {
	k := i / len(edges())
	return trial{n: i, edge: edges()[i%len(edges())], nth: 1 + k/2%3, resumers: 1 + k/3%2, colleague: k/2%2 == 1, lost: k/4%2 == 0,
		death: []death{killed, hungUp, killed, closed}[k%4], lag: []time.Duration{0, 10 * time.Second, 120 * time.Second}[k%3]}
}

func (t trial) String() string {
	return fmt.Sprintf("trial %d (%s at %s, %d, list lags %s, colleague %v, lost %v, %d resuming)", t.n, t.death, t.edge, t.nth, t.lag, t.colleague, t.lost, t.resumers)
}

// targets is how many machines the job has; they make requests of batchOf each.
const (
	targets = 12
	batchOf = 3
)

// run kills a job at the trial's edge, resumes it and compares what it says with what the proxy saw.
func (t trial) run(ctx context.Context) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "unitty-killtest-")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l, err := newLab(t) //nolint:contextcheck // the proxy lives until it is closed
	if err != nil {
		return result{}, err
	}
	defer l.close()
	order := l.order(filepath.Join(dir, "jobs"))
	order.Edge, order.Nth = t.edge, t.nth
	if err := t.kill(ctx, l, order); err != nil {
		return result{}, err
	}
	if t.colleague {
		l.sim.Advance(10 * time.Second)
		if err := l.sim.AddCommand(string(order.Targets[0].ID), unity.CommandScan, "", time.Time{}); err != nil {
			return result{}, err
		}
	}
	l.sim.Advance(5 * time.Second)
	jobs := dispatch.NewJobs(journal.At(order.Dir))
	list, unreadable, err := jobs.List()
	if err != nil || len(list) != 1 || len(unreadable) != 0 {
		return result{}, fmt.Errorf("after the death there are %d jobs and %d unreadable ones: %w", len(list), len(unreadable), errors.Join(err, errNotOne))
	}
	after := list[0].State
	order.Resume, order.Edge = list[0].ID, ""
	busy, err := resumeAll(ctx, order, t.resumers)
	if err != nil {
		return result{}, err
	}
	past, err := jobs.Load(order.Resume)
	if err != nil {
		return result{}, err
	}
	r := judge(past, l.proxy.DeliveredIDs(unity.CommandScan))
	r.busy, r.stateAfter = busy, after
	return r, nil
}

var errNotOne = errors.New("not one job")

// result is what a trial came to.
type result struct {
	twice, unnamed, open, sent, unknown, other int
	busy                                       int
	stateAfter                                 dispatch.JobState
}

// judge compares the job's word with the proxy's.
func judge(p *dispatch.Past, delivered map[string]int) result {
	var r result
	if len(p.Results) != targets {
		r.unnamed += targets - len(p.Results)
	}
	for i := range p.Results {
		got := delivered[string(p.Results[i].Ref.ID)]
		if got > 1 {
			r.twice++
		}
		switch p.Results[i].State {
		case dispatch.Sent:
			r.sent++
			if got == 0 {
				r.unnamed++
			}
		case dispatch.Unknown:
			r.unknown++
		case dispatch.Waiting, dispatch.Running:
			r.open++
		default:
			r.other++
			if got > 0 {
				r.unnamed++ // called not sent, though it was
			}
		}
	}
	return r
}

func (r result) good() bool { return r.twice == 0 && r.unnamed == 0 && r.open == 0 }

func (r result) String() string {
	return fmt.Sprintf("%d twice, %d missing unnamed, %d without outcome, %d sent, %d unknown, %d failed or cancelled, %d refused as busy, was %s", r.twice, r.unnamed,
		r.open, r.sent, r.unknown, r.other, r.busy, r.stateAfter)
}

// tally sums trials up per edge.
type tally struct {
	total map[dispatch.Edge]result
	n     map[dispatch.Edge]int
}

func (s *tally) add(t trial, r result) {
	if s.total == nil {
		s.total, s.n = map[dispatch.Edge]result{}, map[dispatch.Edge]int{}
	}
	sum := s.total[t.edge]
	sum.twice += r.twice
	sum.unnamed += r.unnamed
	sum.open += r.open
	sum.sent += r.sent
	sum.unknown += r.unknown
	sum.other += r.other
	sum.busy += r.busy
	s.total[t.edge] = sum
	s.n[t.edge]++
}

func (s *tally) good() bool {
	for _, r := range s.total {
		if !r.good() {
			return false
		}
	}
	return len(s.total) > 0
}

func (s *tally) String() string {
	text := fmt.Sprintf("%-16s %6s %9s %6s %8s %8s %8s %6s %6s\n", "edge", "trials", "machines", "twice", "unnamed", "no end", "unknown", "sent", "busy")
	for _, e := range edges() {
		r := s.total[e]
		text += fmt.Sprintf("%-16s %6d %9d %6d %8d %8d %8d %6d %6d\n", e, s.n[e], s.n[e]*targets, r.twice, r.unnamed, r.open, r.unknown, r.sent, r.busy)
	}
	return text
}
