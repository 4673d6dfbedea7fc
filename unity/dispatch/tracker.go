package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
)

// Tracker follows what agents make of the sent commands of any number of jobs. The commands of a site are read once for all of
// them, one site at a time and in the background, ever more rarely while nothing happens. It is safe for concurrent use.
type Tracker struct {
	jobs   *Jobs
	client *unity.Client
	ledger *Ledger

	// lead is taken by that follower which reads for all; wake has it look at the sites anew.
	lead chan struct{}
	wake chan struct{}

	mu       sync.Mutex
	followed map[*followed]bool
	sites    map[unity.SiteID]*watched

	// work is held while what was read is taken over, told and written down; it is taken before mu.
	work sync.Mutex
}

// watched is a site at which commands are waited for.
type watched struct {
	next  time.Time
	pause time.Duration
}

// The pace of looks at the lists of commands.
const (
	// firstLook is how long after the sending the lists are read first; where there are many sites, one more each spread.
	firstLook = 2 * time.Second
	spread    = 125 * time.Millisecond
	// longLook is the longest pause while a job is young. Later it is a part of the job's age, and oldLook at most: agents poll once
	// in a quarter of an hour to once a day, and who did not come for a day may be gone for weeks.
	longLook = 15 * time.Minute
	agePart  = 24
	oldLook  = 6 * time.Hour
	// siteLook is the least pause for each site that is looked at: however many there are, one list is read in that time.
	siteLook = time.Second
	// afterEnd is how long after the end of a command's time it is looked whether it has elapsed.
	afterEnd = 10 * time.Second
)

// NewTracker makes a tracker for the jobs of one console; jobs without a folder are followed and not written down.
func NewTracker(jobs *Jobs, c *unity.Client, b Binding) *Tracker {
	t := &Tracker{jobs: jobs, client: c, lead: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		followed: map[*followed]bool{}, sites: map[unity.SiteID]*watched{}}
	if jobs != nil && jobs.dir != nil {
		t.ledger = jobs.ledgerOf(b)
	}
	return t
}

// Follow follows the sent commands of a job until the agents have them, their time is over or ctx ends, and writes down how far they
// are, so that the next start knows. Told gets what was seen at one look; it may be called by any of those who follow, but never at
// the same time.
func (t *Tracker) Follow(ctx context.Context, j *Job, told func([]Tracked)) error {
	f := newFollowed(j, told)
	if len(f.sites) == 0 {
		return nil
	}
	t.add(f)
	defer t.remove(f)
	for {
		select {
		case <-f.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case t.lead <- struct{}{}:
		}
		err := t.read(ctx, f)
		<-t.lead
		if err != nil {
			return err
		}
	}
}

// Follows tells whether a job is followed.
func (t *Tracker) Follows(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.followed {
		if f.job.ID == id {
			return true
		}
	}
	return false
}

// add has a job's sites looked at, soon.
func (t *Tracker) add(f *followed) {
	t.mu.Lock()
	t.followed[f] = true
	next := time.Now().Add(firstLook)
	for site := range f.sites {
		t.sites[site] = &watched{next: next, pause: firstLook}
		next = next.Add(spread)
	}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// remove ends the following of a job, and writes down what was not yet.
func (t *Tracker) remove(f *followed) {
	t.mu.Lock()
	delete(t.followed, f)
	for site := range f.sites {
		if len(t.at(site)) == 0 {
			delete(t.sites, site)
		}
	}
	t.mu.Unlock()
	t.work.Lock()
	defer t.work.Unlock()
	t.note(f)
}

// at gives the jobs with commands that are waited for at a site. The lock must be held.
func (t *Tracker) at(site unity.SiteID) []*followed {
	var out []*followed
	for f := range t.followed {
		if len(f.sites[site]) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// read reads for all followers until one of them, who does it, needs nothing more.
func (t *Tracker) read(ctx context.Context, mine *followed) error {
	for {
		t.mu.Lock()
		site, next := t.due()
		t.mu.Unlock()
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-t.wake:
			timer.Stop()
			continue
		case <-timer.C:
		}
		if err := t.look(ctx, site); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-mine.done:
			return nil
		default:
		}
	}
}

// due gives the site that is looked at next. The lock must be held, and some site be there.
func (t *Tracker) due() (site unity.SiteID, next time.Time) {
	for id, s := range t.sites {
		if next.IsZero() || s.next.Before(next) {
			site, next = id, s.next
		}
	}
	return site, next
}

// look reads the commands of a site, and tells those who follow some of them. A site that cannot be read is looked at later.
func (t *Tracker) look(ctx context.Context, site unity.SiteID) error {
	t.mu.Lock()
	jobs := t.at(site)
	t.mu.Unlock()
	if len(jobs) == 0 {
		t.later(site, time.Time{})
		return nil
	}
	commands, err := unity.Collect(t.client.SiteCommands(unity.Background(ctx), site, queryFor(jobs)))
	var until time.Time
	if err == nil {
		_ = t.ledger.Read() // what cannot be read now was read before, or is read at the next look
		until = t.share(jobs, site, commands)
	}
	t.later(site, until)
	return err
}

// share has jobs find their commands among those of a site, and gives when the first of them elapses; zero where that is not known.
func (t *Tracker) share(jobs []*followed, site unity.SiteID, commands []unity.Command) (until time.Time) {
	t.work.Lock()
	defer t.work.Unlock()
	for _, f := range jobs {
		t.mu.Lock()
		there := t.followed[f]
		t.mu.Unlock()
		if !there {
			continue // nobody wants to know any more
		}
		if at := t.follow(f, site, commands); until.IsZero() || !at.IsZero() && at.Before(until) {
			until = at
		}
	}
	return until
}

// queryFor asks for the commands of some jobs.
func queryFor(jobs []*followed) unity.CommandQuery {
	q := unity.CommandQuery{Command: jobs[0].job.Operation.Command, Since: jobs[0].job.Started.Add(-trackBack)}
	for _, f := range jobs[1:] {
		if at := f.job.Started.Add(-trackBack); at.Before(q.Since) {
			q.Since = at
		}
		if f.job.Operation.Command != q.Command {
			q.Command = ""
		}
	}
	return q
}

// later says when a site is looked at again: until is when the first of its commands elapses, zero while none is known.
func (t *Tracker) later(site unity.SiteID, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, jobs := t.sites[site], t.at(site) // those of now: somebody may have come or gone since it was looked
	if s == nil {
		return
	}
	if len(jobs) == 0 {
		delete(t.sites, site)
		return
	}
	now := t.client.Now()
	young := jobs[0].job.Started
	for _, f := range jobs {
		if f.job.Started.After(young) {
			young = f.job.Started
		}
	}
	longest := min(max(longLook, now.Sub(young)/agePart), oldLook)
	s.pause = max(min(s.pause*3/2, longest), time.Duration(len(t.sites))*siteLook)
	pause := s.pause
	if end := until.Add(afterEnd).Sub(now); !until.IsZero() && end > 0 {
		pause = min(pause, max(end, siteLook))
	}
	s.next = time.Now().Add(pause)
}
