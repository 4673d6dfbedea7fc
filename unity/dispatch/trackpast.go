package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/unitty/unitty/unity/dispatch/journal"
)

// pastPace is how often it is looked whether other processes have sent commands that can be followed.
const pastPace = time.Minute

// pastFollowed is a job of the past that is followed, or that had nothing to follow when its journal was read.
type pastFollowed struct {
	cancel context.CancelFunc
	// sent is how many machines it had sent to, version what was known of it.
	sent    int
	version string
}

// FollowPast follows the commands of all jobs of a console that were written down, by whichever process, until ctx ends. How far
// they are stands in the journals. Only jobs with commands that may still be fetched are read.
func (t *Tracker) FollowPast(ctx context.Context, b Binding) {
	if t.jobs == nil || t.jobs.dir == nil {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	past := map[string]*pastFollowed{}
	for {
		all, _, _ := t.jobs.Digests() // without the list nothing new is followed, until the next one
		now := t.client.Now()
		for i := range all {
			if d := &all[i]; d.Is(b) && d.followed(now) && d.OpenCommands > 0 && d.State != JobRunning {
				t.takeUp(ctx, d, past, &wg)
			}
		}
		if wait(ctx, pastPace) != nil {
			return
		}
	}
}

// takeUp follows a job, unless that is done already.
func (t *Tracker) takeUp(ctx context.Context, d *Digest, past map[string]*pastFollowed, wg *sync.WaitGroup) {
	old := past[d.ID]
	switch {
	case old == nil && t.Follows(d.ID): // by whoever runs it
		return
	case old != nil && old.cancel != nil && old.sent == d.Count(Sent):
		return
	case old != nil && old.cancel == nil && old.version == d.Version():
		return // it was read, and there was nothing to follow
	case old != nil && old.cancel != nil: // another process has gone on with it
		old.cancel()
	}
	next := &pastFollowed{sent: d.Count(Sent), version: d.Version()}
	past[d.ID] = next
	p, err := t.jobs.Load(d.ID)
	if err != nil {
		return // its list says why it cannot be read
	}
	if p.OpenCommands() != d.OpenCommands {
		t.correct(&p.Job)
	}
	if p.OpenCommands() == 0 {
		return
	}
	var own context.Context
	own, next.cancel = context.WithCancel(ctx)
	wg.Go(func() {
		defer next.cancel()
		_ = t.Follow(own, &p.Job, func([]Tracked) {}) // it ends with the commands, or with ctx
	})
}

// correct has the digest of a job count its open commands as its records of tracking do: of two processes that follow a job each
// knows only what it has seen itself.
func (t *Tracker) correct(j *Job) {
	var last lastDigest
	// What cannot be written now is found again at the next start.
	_ = t.jobs.dir.Note(j.ID, last.take, func() []journal.Entry {
		d := j.digest()
		if last.found == nil || last.found.Counts[Sent] != d.Counts[Sent] {
			return nil
		}
		next := *last.found
		next.Open, next.Elapsed = d.Open, d.Elapsed
		return []journal.Entry{{Kind: recordDigest, Data: next}}
	})
}
