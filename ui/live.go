package ui

import (
	"cmp"
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Live makes a list follow data that somebody else keeps current, instead of loading them itself.
type Live[T any] struct {
	// Read gives what differs from the Delta before; the first one gives everything. It runs off the update loop and never
	// twice at once, and nothing of what it gave is lost, so it may remember what it gave.
	Read func(ctx context.Context) (Delta[T], error)
	// Changed gives a channel that is closed as soon as there is more to read.
	Changed func() <-chan struct{}
	// Refresh asks the server for what is new; it is what reload does. It runs off the update loop.
	Refresh func(ctx context.Context) error
}

// Delta is what has changed in a live list.
type Delta[T any] struct {
	// Items are new rows and newer values of rows. Given in the order of the list they are merged without sorting.
	Items []*T
	// Gone are rows, by whatever value of theirs, that are not in the list any more.
	Gone []*T
	// Merged is called inside the update loop once the rows are in, before the filter is asked again; it must not block.
	Merged func()
	// Total, Problems, Notes and Age are those of a Page and replace those of before.
	Total           int
	Problems, Notes []string
	Age             time.Time
	// Progress is what is going on at the moment ("searched 12 of 40 sites"), "" for nothing.
	Progress string
	// Source is said when the rows do not come from the server ("from disk"); "" when they do.
	Source string
	// Empty replaces the resource's word for a list without rows; "" leaves it.
	Empty string
}

const (
	// livePace is the least time between two reads of a live list: nobody sees more, and a sync publishes often.
	livePace = 200 * time.Millisecond
	// readingPace is where the time between two reads grows to while a sync goes on: rows come in all over the list, and a screen
	// that is drawn anew five times a second cannot be read.
	readingPace = time.Second
	// mergeMost is how many rows go into a table between two keys.
	mergeMost = 6000
	// shareOfTime is how much longer the pause after a read is than the read.
	shareOfTime = 5
	// currentFor is how old the rows of a live list may be to be called current.
	currentFor = 30 * time.Minute
	// filterEvery is how often a filter is asked again although no row has changed, since it may look at the clock.
	filterEvery = time.Minute
)

// following is where a live list is with what it follows.
type following struct {
	on bool
	// reading is true from the start of a Read until all its rows are merged; behind when more has come since then.
	reading, behind bool
	wait            vigil
	// last is when the last Read was started, pace how far apart reads are: a slow one is not repeated at once.
	last time.Time
	pace time.Duration
	// asked is when the filter was asked of all rows last.
	asked time.Time
	// source is where the rows come from when that is not the server.
	source string
	cancel context.CancelFunc
}

type (
	// deltaMsg brings a delta, or what is left of it; more is closed when there is something newer.
	deltaMsg[T any] struct {
		delta Delta[T]
		more  <-chan struct{}
		err   error
		took  time.Duration
		// rest marks what is left of a delta, some one that changed rows.
		rest, some bool
	}
	// moreRowsMsg comes when a live list has something to read; refreshedMsg when a refresh is over.
	moreRowsMsg  struct{ wait uint64 }
	refreshedMsg struct {
		gen uint64
		err error
	}
)

// vigil is a wait for news, of which there is one at a time: a later one ends it.
type vigil struct {
	n      uint64
	cancel context.CancelFunc
}

// end gives up what is waited for.
func (v *vigil) end() {
	v.n++
	if v.cancel != nil {
		v.cancel()
		v.cancel = nil
	}
}

// news is delivered once the channel is closed, unless the wait ended before.
func (v *vigil) news(ctx context.Context, more <-chan struct{}, news tea.Msg) tea.Cmd {
	ctx, v.cancel = context.WithCancel(ctx)
	return waitFor(func() tea.Msg {
		select {
		case <-more:
			return news
		case <-ctx.Done():
			return nil
		}
	})
}

// follow starts reading what has changed, unless that is under way.
func (l *List[T, K]) follow() tea.Cmd {
	f := &l.live
	if f.reading {
		f.behind = true
		return nil
	}
	if !f.on {
		f.on = true
		l.load.active, l.load.total = true, -1
	}
	if f.cancel != nil {
		f.cancel()
	}
	ctx, cancel := context.WithCancel(l.e.ctx)
	f.reading, f.behind, f.last, f.cancel = true, false, l.e.now(), cancel
	f.wait.end()
	id, live := l.id, l.res.Live
	return func() tea.Msg {
		more := live.Changed() // before the read, so that nothing falls between the two
		start := time.Now()
		d, err := live.Read(ctx)
		return To{Screen: id, Msg: deltaMsg[T]{delta: d, more: more, err: err, took: time.Since(start)}}
	}
}

// mergedDelta takes a delta in, a part at a time, so that a key never waits for all of a large one.
func (l *List[T, K]) mergedDelta(m deltaMsg[T]) tea.Cmd {
	f, s := &l.live, &l.load
	if m.err != nil {
		f.reading, s.active = false, false
		_ = l.failedBy(l.e.explain(m.err)) // whoever keeps the rows current tries again by itself
		return l.await(m.more)
	}
	d := &m.delta
	if !m.rest {
		least := livePace
		if d.Progress != "" {
			least = min(max(livePace, 2*f.pace), readingPace)
		}
		f.pace, m.some = max(least, shareOfTime*m.took), len(d.Items)+len(d.Gone) > 0
	}
	if !m.rest && m.some {
		l.rows.Begin()
		for _, row := range d.Gone {
			l.rows.Remove(l.res.Key(row))
		}
	}
	n := min(len(d.Items), mergeMost)
	l.rows.Merge(d.Items[:n])
	d.Items = d.Items[n:]
	l.settleWant()
	if len(d.Items) > 0 {
		m.rest = true
		return tea.Batch(l.moved(), send(To{Screen: l.id, Msg: m}))
	}
	l.rows.Finish(false)
	f.reading, f.source = false, d.Source
	s.active, s.ever, s.failed = false, true, ""
	s.total, s.problems, s.notes, s.progress, s.readAt = d.Total, d.Problems, d.Notes, d.Progress, d.Age
	if d.Empty != "" {
		l.res.Empty = d.Empty
	}
	if d.Merged != nil {
		d.Merged()
	}
	if l.filter != "" && (m.some || l.e.now().Sub(f.asked) >= filterEvery) {
		f.asked = l.e.now()
		fault := l.fault
		l.applyFilter(l.filter)          // the filter was compiled for the rows of before
		l.fault = cmp.Or(fault, l.fault) // what stands on the line is as wrong as before
	}
	return tea.Batch(l.moved(), l.await(m.more))
}

// await reads again when there is more, but not more often than livePace and not while nobody can see it.
func (l *List[T, K]) await(more <-chan struct{}) tea.Cmd {
	if l.live.behind {
		return l.follow()
	}
	v := &l.live.wait
	v.end()
	return v.news(l.e.ctx, more, To{Screen: l.id, Msg: moreRowsMsg{v.n}})
}

func (l *List[T, K]) moreRows(m moreRowsMsg) tea.Cmd {
	if m.wait != l.live.wait.n {
		return nil
	}
	if !l.front {
		l.load.stale = true
		return nil
	}
	if wait := l.live.pace - l.e.now().Sub(l.live.last); wait > 0 {
		return after(wait, To{Screen: l.id, Msg: m})
	}
	return l.follow()
}

// refresh asks the server for what is new; the rows come by way of follow.
func (l *List[T, K]) refresh() tea.Cmd {
	if l.res.Live.Refresh == nil {
		return l.follow()
	}
	l.load.stop()
	ctx, cancel := context.WithCancel(l.e.ctx)
	s := &l.load
	s.gen++
	s.cancel, s.active = cancel, true
	id, gen, ask := l.id, s.gen, l.res.Live.Refresh
	return func() tea.Msg {
		return To{Screen: id, Gen: gen, Msg: refreshedMsg{gen, ask(ctx)}}
	}
}

func (l *List[T, K]) refreshed(m refreshedMsg) tea.Cmd {
	s := &l.load
	s.stop()
	s.active = false
	if m.err == nil {
		s.failed = ""
		return l.follow()
	}
	p := l.e.explain(m.err)
	if p.Retry == nil {
		p.Retry = l.again()
	}
	return tea.Batch(l.failedBy(p), l.follow())
}

// isCurrent tells that the rows are those of a moment ago, as far as this machine can know: after it has slept they are not, nor while
// the server is out of reach, whatever was said of them before.
func (l *List[T, K]) isCurrent() bool {
	f, s := &l.live, &l.load
	if !f.on || l.e.away || f.source != "" || s.progress != "" || s.active && l.rows.Total() == 0 {
		return false
	}
	return s.readAt.IsZero() || l.e.now().Sub(s.readAt) < currentFor
}
