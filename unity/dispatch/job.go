package dispatch

import (
	"fmt"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// State is the outcome of one target.
type State string

// The outcomes. Waiting and Running are not final.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Sent      State = "sent"
	Failed    State = "failed"
	Unknown   State = "unknown"
	Skipped   State = "skipped"
	Cancelled State = "cancelled"
)

// Result is what became of one target.
type Result struct {
	Ref       fleet.Ref
	State     State
	Reason    string
	RequestID string
	// At is when the outcome was known, by the server's clock; zero before.
	At time.Time
}

// Job is a plan being carried out, as a snapshot.
type Job struct {
	ID        string
	Operation Operation
	// Object is the change of an object; nil for operations on endpoints.
	Object  *ObjectChange
	Binding Binding
	// Profile and Note are what the job was started under and with.
	Profile string
	Remark  string
	// RetryOf and RevertOf are the job that this one repeats in part or takes back.
	RetryOf, RevertOf string
	// Link says which step of a combined action it is; nil for a job that stands alone.
	Link *Link
	// Warnings are those of the plan as it was confirmed.
	Warnings []string
	Results  []Result
	Started  time.Time
	Finished time.Time
	// Note is a line about the whole while it runs.
	Note string
	// Answer is the body of the server's answer to the change of an object; nil for everything else.
	Answer []byte
	// before holds the like commands that are older than the job.
	before map[unity.SiteID]known
	// spans are when the requests of the machines were on their way.
	spans map[unity.EndpointID]span
	// polls are when machines were heard of, as far as the journal says.
	polls map[unity.EndpointID][]time.Time
	// tracked is how far the sent commands were known to be.
	tracked map[unity.EndpointID]unity.CommandState
	// since is when this run of the job began, zero for the first one; earlier is how many targets had an outcome then, and rested
	// how long the run has waited for somebody to sign in.
	since   time.Time
	earlier int
	rested  time.Duration
}

// Count gives the number of targets in a state.
func (j *Job) Count(s State) int {
	n := 0
	for i := range j.Results {
		if j.Results[i].State == s {
			n++
		}
	}
	return n
}

// Words sums a job up: "3 sent", "2 sent, 1 failed".
func (j *Job) Words() string { return words(j.Count) }

func words(count func(State) int) string {
	text := ""
	for _, s := range []State{Sent, Failed, Unknown, Skipped, Cancelled} {
		if n := count(s); n > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", n, s)
		}
	}
	if text == "" {
		return "nothing to do"
	}
	return text
}

// Title is what the job does: "scan 3 machines", "suspend Harbour Dental".
func (j *Job) Title() string {
	if j.Object != nil {
		return j.Object.title()
	}
	n := len(j.Results) - j.Count(Skipped)
	if n == 0 {
		n = len(j.Results)
	}
	return fmt.Sprintf("%s %s", j.Operation.Words(), Machines(n))
}

// Tracked is how far a machine's agent was when the job was followed last; 0 is unknown.
func (j *Job) Tracked(id unity.EndpointID) unity.CommandState { return j.tracked[id] }

// Progress is how far a job is.
type Progress struct {
	// Done counts the targets with an outcome, Total all that are sent to.
	Done, Total int
	// PerSecond is how many outcomes come in a second; 0 while too few came to tell.
	PerSecond float64
	// Left is how long the rest takes at that rate; 0 while nobody knows.
	Left time.Duration
	// Sites is the same per site, in order of their first target.
	Sites []SiteProgress
}

// SiteProgress is how far a job is at one site.
type SiteProgress struct {
	Site        unity.SiteID
	Name        string
	Done, Total int
}

// Progress tells how far the job is. The estimate is made only when enough outcomes came to carry it: before that any
// number would be a guess. A run that goes on with a job counts by itself, without the time in which it was paused.
func (j *Job) Progress(now time.Time) Progress {
	const enough = 5
	var p Progress
	at := map[unity.SiteID]int{}
	for i := range j.Results {
		r := &j.Results[i]
		if r.State == Skipped {
			continue
		}
		k, there := at[r.Ref.Site]
		if !there {
			k = len(p.Sites)
			at[r.Ref.Site] = k
			p.Sites = append(p.Sites, SiteProgress{Site: r.Ref.Site, Name: siteLabel(r.Ref)})
		}
		p.Total++
		p.Sites[k].Total++
		if r.State != Waiting && r.State != Running {
			p.Done++
			p.Sites[k].Done++
		}
	}
	began, done := j.Started, p.Done-j.earlier
	if !j.since.IsZero() {
		began = j.since
	}
	took := now.Sub(began) - j.rested
	if done >= enough && took > time.Second && j.Finished.IsZero() {
		p.PerSecond = float64(done) / took.Seconds()
		p.Left = time.Duration(float64(p.Total-p.Done) / p.PerSecond * float64(time.Second)).Round(time.Second)
	}
	return p
}

// String words the progress: "120 of 900, 14 per second, about 1 min left".
func (p Progress) String() string {
	text := fmt.Sprintf("%d of %d", p.Done, p.Total)
	if p.PerSecond > 0 && p.Done < p.Total {
		text += fmt.Sprintf(", %.1f per second, about %s left", p.PerSecond, AgeWords(p.Left))
	}
	return text
}

// goesOn has the job's progress counted from now.
func (j *Job) goesOn(now time.Time) {
	j.since, j.earlier, j.rested = now, 0, 0
	for i := range j.Results {
		if s := j.Results[i].State; s != Skipped && s != Waiting && s != Running {
			j.earlier++
		}
	}
}

// clone copies what a receiver could otherwise change.
func (j *Job) clone() Job {
	c := *j
	c.Results = slices.Clone(j.Results)
	return c
}
