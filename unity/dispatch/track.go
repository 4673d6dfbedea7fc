package dispatch

import (
	"context"
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
	return track(ctx, c, j, told, func() {})
}

// track is Track; read is called whenever all commands of a site have been told.
func track(ctx context.Context, c *unity.Client, j *Job, told func(Tracked), read func()) error {
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
			follow(commands, j, j.before[site], ids, told)
			read()
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
	return track(ctx, c, j, func(t Tracked) {
		if last[t.ID] != t.State {
			last[t.ID] = t.State
			news[t.State] = append(news[t.State], at[t.ID])
		}
		seen = append(seen, t)
	}, func() {
		// What cannot be written now, since another process holds the journal, is written after the next look. The rest is
		// written before it is told: whoever hears of an elapsed command can send it again at once.
		if len(news) > 0 && js.noteTracked(j.ID, news) == nil {
			clear(news)
		}
		for _, t := range seen {
			told(t)
		}
		seen = seen[:0]
	})
}

func (js *Jobs) noteTracked(id string, news map[unity.CommandState][]int) error {
	log, _, err := js.dir.Hold(id)
	if err != nil {
		return err
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

// follow looks up the newest like command of each machine, those left out that were there before the job: an older one
// that has been executed says nothing about ours.
func follow(commands []unity.Command, j *Job, before known, ids map[unity.EndpointID]bool, told func(Tracked)) {
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
		told(Tracked{ID: id, State: c.State, Requested: c.DateRequested, Until: c.EndDate})
		if !c.State.Open() {
			delete(ids, id)
		}
	}
}
