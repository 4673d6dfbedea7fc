package dispatch

import (
	"context"
	"time"

	"github.com/unitty/unitty/unity"
)

// trackBack is how far before the start of a job a command may be dated and still count as the job's: the clock that
// dates commands need not be the one that dates answers.
const trackBack = time.Minute

// Track follows the sent commands of a job until the agents have them, their time is over or ctx ends. It asks only for
// sites that still have open ones, ever more rarely: after 2 seconds, then up to every minute.
func Track(ctx context.Context, c *unity.Client, j *Job, told func(unity.EndpointID, unity.CommandState)) error {
	open := map[unity.SiteID]map[unity.EndpointID]bool{}
	for i := range j.Results {
		if r := &j.Results[i]; r.State == Sent && j.follows(r.Ref.ID) {
			if open[r.Ref.Site] == nil {
				open[r.Ref.Site] = map[unity.EndpointID]bool{}
			}
			open[r.Ref.Site][r.Ref.ID] = true
		}
	}
	for pause := 2 * time.Second; len(open) > 0; pause = min(pause*3/2, time.Minute) {
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
			follow(commands, j, j.before[site], ids, told)
			if len(ids) == 0 {
				delete(open, site)
			}
		}
	}
	return nil
}

// Track follows the sent commands of a job like the function of that name, and writes down how far they are, so that the
// next start knows. While another process holds the job it only follows.
func (js *Jobs) Track(ctx context.Context, c *unity.Client, j *Job, told func(unity.EndpointID, unity.CommandState)) error {
	if js == nil || js.dir == nil {
		return Track(ctx, c, j, told)
	}
	log, _, err := js.dir.Hold(j.ID)
	if err != nil {
		return Track(ctx, c, j, told)
	}
	defer func() { _ = log.Close() }()
	at := map[unity.EndpointID]int{}
	last := map[unity.EndpointID]unity.CommandState{}
	for i := range j.Results {
		at[j.Results[i].Ref.ID] = i
	}
	return Track(ctx, c, j, func(id unity.EndpointID, s unity.CommandState) {
		if last[id] != s {
			last[id] = s
			// What cannot be written is read again at the next start.
			_ = log.Append(recordTrack, trackRecord{[]int{at[id]}, s})
		}
		told(id, s)
	})
}

// follows tells whether a machine's command may still go on: not once it was seen at its end.
func (j *Job) follows(id unity.EndpointID) bool {
	s := j.tracked[id]
	return j.Operation.AgentCommand() && (s == 0 || s.Open())
}

// follow looks up the newest like command of each machine, those left out that were there before the job: an older one
// that has been executed says nothing about ours.
func follow(commands []unity.Command, j *Job, before known, ids map[unity.EndpointID]bool, told func(unity.EndpointID, unity.CommandState)) {
	newest := map[unity.EndpointID]*unity.Command{}
	for i := range commands {
		c := &commands[i]
		if !ids[c.EndpointID] || !like(c, j.Operation) || before[c.Key()] {
			continue
		}
		if old := newest[c.EndpointID]; old == nil || c.DateRequested.After(old.DateRequested.Time) {
			newest[c.EndpointID] = c
		}
	}
	for id, c := range newest {
		told(id, c.State)
		if !c.State.Open() {
			delete(ids, id)
		}
	}
}
