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

// Track follows the sent commands of a job until the agents have them, their time is over or ctx ends. It asks only for
// sites that still have open ones, ever more rarely: after 2 seconds, then up to every minute.
func Track(ctx context.Context, c *unity.Client, j *Job, told func(Tracked)) error {
	return track(ctx, c, j, nil, told, func(map[unity.EndpointID]bool) {})
}

// track is Track; read is called whenever all commands of a site have been told, with the machines that are still waited for.
func track(ctx context.Context, c *unity.Client, j *Job, ledger *Ledger, told func(Tracked), read func(open map[unity.EndpointID]bool)) error {
	open := map[unity.SiteID]map[unity.EndpointID]bool{}
	for i := range j.Results {
		if r := &j.Results[i]; r.State == Sent && j.follows(r.Ref.ID) {
			if open[r.Ref.Site] == nil {
				open[r.Ref.Site] = map[unity.EndpointID]bool{}
			}
			open[r.Ref.Site][r.Ref.ID] = true
		}
	}
	for pause := firstLook; len(open) > 0; pause = nextLook(pause) {
		if err := wait(ctx, pause); err != nil {
			return err
		}
		for site, ids := range open {
			q := unity.CommandQuery{Command: j.Operation.Command, Since: j.Started.Add(-trackBack)}
			commands, err := unity.Collect(c.SiteCommands(ctx, site, q))
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				continue
			}
			_ = ledger.Read() // what cannot be read now was read before, or is read at the next look
			follow(commands, j, j.before[site], ids, ledger.changes, told)
			read(ids)
			if len(ids) == 0 {
				delete(open, site)
			}
		}
	}
	return nil
}

// firstLook is how long after the sending the lists are read first.
const firstLook = 2 * time.Second

// nextLook is the pause after a pause: agents poll once an hour or rarer, so the looks become rare too.
func nextLook(pause time.Duration) time.Duration { return min(pause*3/2, time.Minute) }

// Track follows the sent commands of a job like the function of that name, and writes down how far they are, so that the
// next start knows. The journal is held for the writing only: whoever wants to go on with the job meanwhile can.
func (js *Jobs) Track(ctx context.Context, c *unity.Client, j *Job, told func(Tracked)) error {
	if js == nil || js.dir == nil {
		return Track(ctx, c, j, told)
	}
	at := map[unity.EndpointID]int{}
	last := map[unity.EndpointID]unity.CommandState{}
	for i := range j.Results {
		at[j.Results[i].Ref.ID] = i
	}
	for id, s := range j.tracked {
		last[id] = s
	}
	news := map[unity.CommandState][]int{}
	var seen []Tracked
	ledger, noted := js.ledgerOf(j.Binding), map[unity.EndpointID]time.Time{}
	return track(ctx, c, j, ledger, func(t Tracked) {
		if last[t.ID] != t.State {
			last[t.ID] = t.State
			news[t.State] = append(news[t.State], at[t.ID])
		}
		seen = append(seen, t)
	}, func(open map[unity.EndpointID]bool) {
		polls := ledger.newPolls(open, at, noted)
		// What cannot be written now, since another process holds the journal, is written after the next look. The rest is
		// written before it is told: whoever hears of an elapsed command can send it again at once.
		if (len(news) > 0 || len(polls.Targets) > 0) && js.noteTracked(j.ID, news, polls) == nil {
			clear(news)
			for k, i := range polls.Targets {
				noted[j.Results[i].Ref.ID] = time.Unix(polls.Seen[k][len(polls.Seen[k])-1], 0)
			}
		}
		for _, t := range seen {
			told(t)
		}
		seen = seen[:0]
	})
}

func (js *Jobs) noteTracked(id string, news map[unity.CommandState][]int, polls pollsRecord) error {
	log, _, err := js.dir.Hold(id)
	if err != nil {
		return err
	}
	if len(polls.Targets) > 0 {
		if err := log.Append(recordPolls, polls); err != nil {
			_ = log.Close()
			return err
		}
	}
	for state, targets := range news {
		if err := log.Append(recordTrack, trackRecord{targets, state}); err != nil {
			_ = log.Close()
			return err
		}
	}
	return log.Close()
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
