package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

// loading is where a list is with reading its rows.
type loading struct {
	gen    uint64
	cancel context.CancelFunc
	// active is true while rows come; ever is true once a load has ended well.
	active, ever bool
	total        int
	problems     []string
	notes        []string
	progress     string
	// readAt is when the shown rows were read from the server.
	readAt time.Time
	// failed is the error of the last load in one line, "" when it went well. It is quiet where nothing went wrong: nobody has
	// signed in yet.
	failed string
	quiet  bool
	// stale is set when something changed while the list was covered or busy.
	stale bool
}

func (s *loading) stop() {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
}

// pagesMsg carries what has come of a list since the last one.
type pagesMsg[T any] struct {
	pages []Page[T]
	box   *mailbox[Page[T]]
	done  bool
	err   error
}

// dueMsg comes when a list should be read again; gen is the load that set it up.
type dueMsg struct{ gen uint64 }

// pagePace keeps a long load from merging and drawing more often than anybody can see.
const pagePace = 150 * time.Millisecond

// Reload implements Reloader: it reads the list again and keeps cursor and marks. A load under way is given up for the new one.
func (l *List[T, K]) Reload() tea.Cmd {
	if l.e != nil && l.res.Live != nil {
		return l.refresh()
	}
	if l.e == nil || l.res.Load == nil {
		return nil
	}
	l.load.stop()
	ctx, cancel := context.WithCancel(l.e.ctx)
	s := &l.load
	s.gen++
	s.cancel, s.active, s.stale = cancel, true, false
	s.total, s.problems, s.notes, s.progress = -1, nil, nil, ""
	l.rows.Begin()
	box := newMailbox[Page[T]](false)
	load := l.res.Load
	run := func() tea.Msg {
		box.finish(load(ctx, box.put))
		return nil
	}
	return tea.Batch(run, l.next(ctx, box, 0))
}

// next waits for what comes next of the load that box belongs to.
func (l *List[T, K]) next(ctx context.Context, box *mailbox[Page[T]], pause time.Duration) tea.Cmd {
	id, gen := l.id, l.load.gen
	return func() tea.Msg {
		got, ok := box.take(ctx, pause)
		if !ok {
			return nil
		}
		return To{Screen: id, Gen: gen, Msg: pagesMsg[T]{got.items, box, got.done, got.err}}
	}
}

func (l *List[T, K]) received(m pagesMsg[T]) tea.Cmd {
	s := &l.load
	for _, p := range m.pages {
		l.rows.Merge(p.Items)
		if p.Total >= 0 {
			s.total = p.Total
		}
		s.problems = append(s.problems, p.Problems...)
		s.notes = append(s.notes, p.Notes...)
		s.progress = p.Progress
		s.readAt = p.Age
		if p.Age.IsZero() {
			s.readAt = l.e.now()
		}
	}
	l.settleWant()
	if !m.done {
		return tea.Batch(l.moved(), l.next(l.e.ctx, m.box, pagePace))
	}
	return tea.Batch(l.moved(), l.ended(m.err))
}

// settleWant puts the cursor on the row of the last session as soon as it is there.
func (l *List[T, K]) settleWant() {
	if l.want != "" && l.rows.MoveTo(K(l.want)) {
		l.want = ""
	}
}

// ended closes a load. After an error the old rows stay, and the status line says so.
func (l *List[T, K]) ended(err error) tea.Cmd {
	s := &l.load
	s.stop()
	s.active, s.progress = false, ""
	l.rows.Finish(err == nil)
	var cmds []tea.Cmd
	if err != nil {
		p := l.e.explain(err)
		if p.Retry == nil {
			p.Retry = l.again()
		}
		cmds = append(cmds, l.failedBy(p))
	} else {
		s.failed, s.ever = "", true
		if s.readAt.IsZero() {
			s.readAt = l.e.now()
		}
	}
	if l.res.Every > 0 {
		cmds = append(cmds, after(l.res.Every, To{Screen: l.id, Gen: s.gen, Msg: dueMsg{s.gen}}))
	}
	if s.stale && l.front {
		cmds = append(cmds, l.Reload())
	}
	return tea.Batch(cmds...)
}

// failedBy notes why the rows cannot be read, and says it. Before the first sign-in, when nobody was asked for them, that is no news.
func (l *List[T, K]) failedBy(p Problem) tea.Cmd {
	s := &l.load
	s.failed, s.quiet = oneLine(p), p.SignIn && p.Status == 0 && !s.ever
	if s.quiet {
		s.failed = "nothing is read before somebody signs in"
		if key := l.key("app.signin"); l.e.cfg.SignIn != nil && key != "" {
			s.failed = "nothing is read yet: " + key + " signs in"
		}
		return nil
	}
	return send(toastMsg{level: Bad, text: s.failed, problem: &p})
}

// again is a command that reloads this list when it is run, wherever it is started from.
func (l *List[T, K]) again() tea.Cmd { return send(To{Screen: l.id, Msg: dueMsg{}}) }

func (l *List[T, K]) due(m dueMsg) tea.Cmd {
	if m.gen != 0 && (m.gen != l.load.gen || l.load.active) {
		return nil
	}
	if !l.front && m.gen != 0 {
		l.load.stale = true
		return nil
	}
	return l.Reload()
}

// Stop implements Stopper: it gives up the load under way and keeps what has come.
func (l *List[T, K]) Stop() bool {
	if !l.load.active {
		return false
	}
	l.load.stop()
	l.load.gen++
	l.load.active = false
	l.load.failed = "loading was cancelled"
	l.rows.Finish(false)
	return true
}

// Depends implements Reloader.
func (l *List[T, K]) Depends(key string) bool {
	for _, d := range l.res.Depends {
		if d == key {
			return true
		}
	}
	return false
}

// invalidated reads again now or, when the list is covered or busy, as soon as that is over.
func (l *List[T, K]) invalidated() tea.Cmd {
	if l.front && !l.load.active {
		return l.Reload()
	}
	l.load.stale = true
	return nil
}

// Reveal implements Revealer: nothing is refreshed while the list cannot be seen; what was missed is made up for.
func (l *List[T, K]) Reveal(front bool) tea.Cmd {
	l.front = front
	if front && l.load.stale && l.res.Live != nil {
		l.load.stale = false
		return l.follow()
	}
	if front && l.load.stale && !l.load.active {
		return l.Reload()
	}
	return nil
}

func (l *List[T, K]) everLoaded() bool { return l.load.ever }

// missed reads again when the last load failed.
func (l *List[T, K]) missed() tea.Cmd {
	if l.load.active {
		return nil
	}
	if l.res.Live != nil && (len(l.load.problems) > 0 || l.live.source != "") {
		return l.refresh() // whoever keeps the data current may not try again for a while
	}
	if l.load.failed == "" {
		return nil
	}
	return l.invalidated()
}
