package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
)

// trackBack is how far before the start of a job a command may be dated and still count as the job's: the clock that
// dates commands need not be the one that dates answers.
const trackBack = time.Minute

// Tracked is how far the command of one machine was when it was looked up.
type Tracked struct {
	ID    unity.EndpointID
	State unity.CommandState
	// Requested is when the server noted the command, Until the end of the time in which the agent may fetch it.
	Requested, Until unity.Time
}

// Track follows the sent commands of a job until the agents have them, their time is over or ctx ends, and writes down how far they
// are, so that the next start knows. It asks only for sites that still have open ones, ever more rarely: after 2 seconds, later every
// 15 minutes and rarer. The journal is held for the writing only: whoever wants to go on with the job meanwhile can.
func (js *Jobs) Track(ctx context.Context, c *unity.Client, j *Job, told func(Tracked)) error {
	return NewTracker(js, c, j.Binding).Follow(ctx, j, func(all []Tracked) {
		for _, seen := range all {
			told(seen)
		}
	})
}

// follows tells whether a machine's command may still go on: not once it was seen at its end.
func (j *Job) follows(id unity.EndpointID) bool {
	s := j.tracked[id]
	return j.Operation.AgentCommand() && (s == 0 || s.Open())
}

// OpenCommands counts the sent commands of the job that were not seen at their end yet.
func (j *Job) OpenCommands() int {
	n := 0
	for i := range j.Results {
		if r := &j.Results[i]; r.State == Sent && j.follows(r.Ref.ID) {
			n++
		}
	}
	return n
}

// follow looks up the command of each machine: one that was not there before the job, and that no other job has sent. Others
// gives the like changes of other jobs; nil knows of none.
func follow(commands []unity.Command, j *Job, before known, ids map[unity.EndpointID]bool, others func(unity.EndpointID) []issued, told func(Tracked)) {
	by := map[unity.EndpointID][]*unity.Command{}
	for i := range commands {
		if c := &commands[i]; ids[c.EndpointID] && like(c, j.Operation) {
			by[c.EndpointID] = append(by[c.EndpointID], c)
		}
	}
	for id, list := range by {
		c := j.own(id, list, before, others)
		if c == nil {
			continue
		}
		told(Tracked{ID: id, State: c.State, Requested: c.DateRequested, Until: c.EndDate})
		if !c.State.Open() {
			delete(ids, id)
		}
	}
}

// own gives that one of the like commands of a machine which the job has sent, or nil.
func (j *Job) own(id unity.EndpointID, list []*unity.Command, before known, others func(unity.EndpointID) []issued) *unity.Command {
	at, timed := j.spans[id]
	if !timed {
		at = span{j.Started, j.Started}
	}
	changes := []issued{{job: j.ID, op: j.Operation, at: at, state: Sent, before: before}}
	if others != nil {
		for _, x := range others(id) {
			if x.job != j.ID && x.op.alike(j.Operation) {
				changes = append(changes, x)
			}
		}
		slices.SortFunc(changes, byTime)
	}
	s := share(list, changes)
	s.rest()
	if i := s.from[slices.IndexFunc(changes, func(x issued) bool { return x.job == j.ID })]; i >= 0 {
		return list[i]
	}
	return nil
}
