package live

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// ChangeKind says what became of a machine.
type ChangeKind string

// Kinds of changes.
const (
	ChangeInfected  ChangeKind = "infected"  // its agent reports an infection that was not there
	ChangeRecovered ChangeKind = "recovered" // the infection is over, or a silent machine was seen again
	ChangeStale     ChangeKind = "stale"     // it has been silent for too long
	ChangeNew       ChangeKind = "new"       // it is in a site in which it was not
	ChangeGone      ChangeKind = "gone"      // it is in no site any more
	// ChangeDeactivated means that its record is there still, without a seat.
	ChangeDeactivated ChangeKind = "deactivated"
)

// Change is something that happened to a machine, as far as the pictures tell.
type Change struct {
	Kind ChangeKind
	// Name is the machine's name, sanitised.
	Name     string
	ID       unity.EndpointID
	Site     unity.SiteID
	SiteName unity.Text
	// At is when it was noticed, Fact when it happened as far as the server says; zero where it does not.
	At, Fact time.Time
}

// Changes are kept for keepChanges, and not more than maxChanges of them.
const (
	keepChanges = 30 * 24 * time.Hour
	maxChanges  = 20_000
)

// Changes are what happened in the last 30 days, the latest first. What was there at the first reading of a site is no
// change.
func (f *Fleet) Changes() []Change {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.changes)
	slices.Reverse(out)
	return out
}

// marked is how things stood before a reading.
type marked struct {
	pic *picture.Picture
	// whole are the sites that had been read to the end.
	whole map[unity.SiteID]bool
}

func (f *Fleet) mark() marked {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := marked{pic: f.pic.Load(), whole: make(map[unity.SiteID]bool, len(f.counts))}
	for id := range f.counts {
		m.whole[id] = true
	}
	return m
}

// extent is how much of the console a reading is about.
type extent int

const (
	someSites extent = iota
	whatChanged
	wholeConsole
)

// finish ends a reading: it notes what changed, shows the result and keeps it on disk. A reading that was given up, because
// somebody goes first or nobody waits for it any more, says nothing of the server.
func (f *Fleet) finish(ctx context.Context, before marked, err error, of extent) {
	f.mu.Lock()
	f.state.Phase = PhaseIdle
	switch {
	case err == nil:
		f.finished(of)
	case !errors.Is(ctx.Err(), context.Canceled):
		if f.state.Err == nil {
			f.state.Since = f.client.Now()
		}
		f.state.Err = err
	}
	f.publish(true)
	f.compare(before, f.pic.Load())
	f.mu.Unlock()
	f.tell()
	if err == nil && ctx.Err() == nil {
		f.save(ctx)
	}
}

// finished notes that a reading came to its end. That a few sites were read does not mean that anybody knows what changed at the
// others. The lock must be held.
func (f *Fleet) finished(of extent) {
	if of == someSites {
		if len(f.meta.Failed) == 0 {
			f.state.Err = nil
		}
		return
	}
	f.state.Err = nil
	f.state.LastDelta = f.client.Now()
	if of == wholeConsole {
		f.state.LastFull, f.full = f.state.LastDelta, f.o.Now()
		if f.watched.IsZero() {
			f.watched = f.state.LastFull
		}
	}
}

// compare notes what changed between two pictures. The lock must be held.
func (f *Fleet) compare(before marked, now *picture.Picture) {
	at := f.client.Now()
	d := &differ{before: before, now: now, at: at, staleAfter: f.o.StaleAfter, checked: f.checked, watched: f.watched, infectedAt: f.infectedAt}
	for _, c := range now.Chunks() {
		d.chunk(c)
	}
	for id := range before.whole {
		if old := before.pic.Chunk(id); old != nil && old != now.Chunk(id) {
			d.gone(old)
		}
	}
	f.checked = at
	f.changes = append(f.changes, d.out...)
	keep := func(c Change) bool { return at.Sub(c.At) < keepChanges }
	f.changes = slices.DeleteFunc(f.changes, func(c Change) bool { return !keep(c) })
	f.changes = f.changes[max(0, len(f.changes)-maxChanges):]
}

// differ compares two pictures site by site.
type differ struct {
	before      marked
	now         *picture.Picture
	at, checked time.Time
	// watched is since when what happens is a change.
	watched time.Time
	// infectedAt is when the console last knew machines infected, where it was asked.
	infectedAt map[unity.EndpointID]time.Time
	staleAfter time.Duration
	out        []Change
}

func (d *differ) add(kind ChangeKind, r picture.Row, fact time.Time) {
	d.out = append(d.out, Change{Kind: kind, Name: r.Name(), ID: r.Ref().ID, Site: r.SiteID(), SiteName: r.SiteName(), At: d.at, Fact: fact})
}

func (d *differ) chunk(c *picture.Chunk) {
	site := c.Site().ID
	old := d.before.pic.Chunk(site)
	if !d.before.whole[site] || old == nil {
		return
	}
	var rows map[unity.EndpointID]picture.Row
	if old != c {
		rows = make(map[unity.EndpointID]picture.Row, old.Len())
		for i := range old.Len() {
			rows[old.Row(i).ID()] = old.Row(i)
		}
	}
	for i := range c.Len() {
		row := c.Row(i)
		was, ok := row, true
		if old != c {
			was, ok = rows[row.ID()]
		}
		if !ok {
			if was, ok = d.before.pic.Get(row.ID()); !ok {
				d.add(ChangeNew, row, row.FirstSeen().Time)
				continue
			}
		}
		d.row(was, row)
	}
}

// row compares a machine with itself.
func (d *differ) row(was, row picture.Row) {
	if row.Deactivated() {
		if !was.Deactivated() {
			d.add(ChangeDeactivated, row, time.Time{})
		}
		return
	}
	if was != row && was.Deactivated() {
		d.add(ChangeNew, row, row.Seen())
	}
	switch bad := sick(row); {
	case bad && !sick(was):
		fact := row.LastInfected().Time
		if at := d.infectedAt[row.ID()]; at.After(fact) {
			fact = at
		}
		if d.learned(was, fact) {
			break
		}
		if fact.IsZero() {
			fact = row.Seen()
		}
		d.add(ChangeInfected, row, fact)
	case !bad && sick(was) && row.Joined():
		d.add(ChangeRecovered, row, row.Seen())
	}
	stale := row.Stale(d.at, d.staleAfter)
	switch wasStale := was.Stale(d.checked, d.staleAfter); {
	case d.checked.IsZero() || stale == wasStale:
	case stale && !row.Seen().IsZero():
		d.add(ChangeStale, row, row.Seen().Add(d.staleAfter))
	case !stale && !d.learned(was, row.Seen()):
		d.add(ChangeRecovered, row, row.Seen())
	}
}

// learned tells that a fact comes with the first report of a machine and was so before anybody looked, which is no change.
func (d *differ) learned(was picture.Row, fact time.Time) bool {
	return !was.Joined() && (d.watched.IsZero() || !fact.After(d.watched))
}

// gone notes the machines of a site that are nowhere any more. A machine that was deactivated had left before.
func (d *differ) gone(old *picture.Chunk) {
	for i := range old.Len() {
		row := old.Row(i)
		if row.ID() == "" || row.Deactivated() {
			continue
		}
		if _, there := d.now.Get(row.ID()); !there {
			d.add(ChangeGone, row, time.Time{})
		}
	}
}

func encodeChanges(c []Change) json.RawMessage {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	return raw
}

func decodeChanges(raw json.RawMessage) []Change {
	var out []Change
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}
