package dispatch

import (
	"maps"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

// noteEvery is how often at most it is written down how far the agents of a job are: the journal is held for each time.
const noteEvery = 30 * time.Second

// followed is a job whose commands are followed, with what is needed for that of those machines only that are waited for. Its sites
// are guarded by the tracker's mu, the rest is used with work held.
type followed struct {
	job *Job
	// sites are the machines that are waited for.
	sites map[unity.SiteID]map[unity.EndpointID]bool
	// at are their places in the plan, last how far they were when that was told last, noted when they were heard of as far as it is
	// written down.
	at    map[unity.EndpointID]int
	last  map[unity.EndpointID]unity.CommandState
	noted map[int]time.Time
	told  func([]Tracked)
	// news and polls are what is not written down yet. Sent counts the machines that it was sent to; open and elapsed count as a
	// digest does.
	news                map[int]unity.CommandState
	polls               pollsRecord
	sent, open, elapsed int
	written             time.Time
	// done is closed when nothing is waited for any more.
	done chan struct{}
}

func newFollowed(j *Job, told func([]Tracked)) *followed {
	f := &followed{told: told, sites: map[unity.SiteID]map[unity.EndpointID]bool{}, at: map[unity.EndpointID]int{}, last: map[unity.EndpointID]unity.CommandState{},
		noted: map[int]time.Time{}, news: map[int]unity.CommandState{}, done: make(chan struct{})}
	f.job = &Job{ID: j.ID, Operation: j.Operation, Started: j.Started, spans: map[unity.EndpointID]span{}, before: map[unity.SiteID]known{}}
	for i := range j.Results {
		r := &j.Results[i]
		if r.State != Sent {
			continue
		}
		id := r.Ref.ID
		f.sent++
		if j.tracked[id] == unity.StateElapsed {
			f.elapsed++
		}
		if !j.follows(id) {
			continue
		}
		if f.sites[r.Ref.Site] == nil {
			f.sites[r.Ref.Site] = map[unity.EndpointID]bool{}
		}
		f.sites[r.Ref.Site][id] = true
		f.at[id], f.open = i, f.open+1
		if s := j.tracked[id]; s != 0 {
			f.last[id] = s
		}
		if at, went := j.spans[id]; went {
			f.job.spans[id] = at
		}
	}
	for site, ids := range f.sites {
		f.job.before[site] = known{}
		for key, n := range j.before[site] {
			if id, _, _ := strings.Cut(key, "\x00"); ids[unity.EndpointID(id)] {
				f.job.before[site][key] = n
			}
		}
	}
	return f
}

// follow finds the job's commands among those of a site, writes down what is new, and tells of them. It gives when the first of those
// that are still waited for elapses; zero where that is not known.
func (t *Tracker) follow(f *followed, site unity.SiteID, commands []unity.Command) (until time.Time) {
	var seen []Tracked
	ids := maps.Clone(f.sites[site]) // others look at the map meanwhile
	follow(commands, f.job, f.job.before[site], ids, t.ledger.changes, func(s Tracked) {
		seen = append(seen, s)
		if s.State.Open() && s.Until.Known() && (until.IsZero() || s.Until.Before(until)) {
			until = s.Until.Time
		}
	})
	for _, s := range seen {
		if f.last[s.ID] == s.State {
			continue
		}
		f.last[s.ID], f.news[f.at[s.ID]] = s.State, s.State
		if !s.State.Open() {
			f.open--
		}
		if s.State == unity.StateElapsed {
			f.elapsed++
		}
	}
	f.hear(t.ledger, ids)
	t.mu.Lock()
	if f.sites[site] = ids; len(ids) == 0 {
		delete(f.sites, site)
	}
	over := len(f.sites) == 0
	t.mu.Unlock()
	if over || time.Since(f.written) >= noteEvery {
		t.note(f)
	}
	if len(seen) > 0 {
		f.told(seen)
	}
	if over {
		close(f.done)
	}
	return until
}

// hear takes over when machines were heard of, as far as that is worth writing down.
func (f *followed) hear(ledger *Ledger, ids map[unity.EndpointID]bool) {
	polls := ledger.newPolls(ids, f.at, f.noted)
	for k, i := range polls.Targets {
		f.polls.Targets, f.polls.Seen = append(f.polls.Targets, i), append(f.polls.Seen, polls.Seen[k])
		f.noted[i] = time.Unix(polls.Seen[k][len(polls.Seen[k])-1], 0)
	}
}

// note writes down what is new. What cannot be written now, since a process holds the journal, is written later.
func (t *Tracker) note(f *followed) {
	if t.jobs == nil || t.jobs.dir == nil || len(f.news) == 0 && len(f.polls.Targets) == 0 {
		return
	}
	var last lastDigest
	err := t.jobs.dir.Note(f.job.ID, last.take, func() []journal.Entry { return f.entries(last.found) })
	if err != nil {
		return
	}
	clear(f.news)
	f.polls, f.written = pollsRecord{}, time.Now()
}

// entries are the records of what is new; digest is the one that the journal ends with, nil for a job that has no end.
func (f *followed) entries(digest *digestRecord) []journal.Entry {
	var out []journal.Entry
	if len(f.polls.Targets) > 0 {
		out = append(out, journal.Entry{Kind: recordPolls, Data: f.polls})
	}
	by := map[unity.CommandState][]int{}
	for i, s := range f.news {
		by[s] = append(by[s], i)
	}
	for s, targets := range by {
		out = append(out, journal.Entry{Kind: recordTrack, Data: trackRecord{targets, s}})
	}
	if digest != nil && len(f.news) > 0 {
		next := *digest
		// Of machines that another process has sent to meanwhile nothing is known here: they wait.
		next.Open, next.Elapsed = f.open+max(0, digest.Counts[Sent]-f.sent), f.elapsed
		out = append(out, journal.Entry{Kind: recordDigest, Data: next})
	}
	return out
}
