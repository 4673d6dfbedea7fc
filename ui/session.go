package ui

import (
	"maps"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// remember keeps the state of the lists of a screen.
func (r *Root) remember(s Screen) {
	visit(s, func(x Screen) {
		if l, ok := x.(stateful); ok && l.stateKey() != "" {
			r.e.lists[l.stateKey()] = l.state()
		}
	})
}

// Session is what to restore at the next start.
func (r *Root) Session() Session {
	s := Session{Lists: map[string]ListState{}}
	for _, x := range r.stack.open {
		r.remember(x)
	}
	maps.Copy(s.Lists, r.e.lists)
	for _, x := range r.stack.open {
		p, ok := x.(Pather)
		if !ok || p.Path() == "" {
			break
		}
		s.Stack = append(s.Stack, p.Path())
	}
	return s
}

// saver writes sessions one after another and never an older one over a newer.
type saver struct {
	asked uint64
	done  *saved
}

type saved struct {
	mu sync.Mutex
	n  uint64
}

// save writes the session aside.
func (r *Root) save() tea.Cmd {
	write := r.e.cfg.SaveSession
	if write == nil {
		return nil
	}
	if r.saver.done == nil {
		r.saver.done = &saved{}
	}
	r.saver.asked++
	s, n, done := r.Session(), r.saver.asked, r.saver.done
	return func() tea.Msg {
		done.mu.Lock()
		defer done.mu.Unlock()
		if n > done.n {
			done.n = n
			write(s)
		}
		return nil
	}
}

// restore opens the screens of the last session above the first one.
func (r *Root) restore() tea.Cmd {
	if r.e.cfg.Restore == nil || len(r.e.cfg.Session.Stack) < 2 {
		return nil
	}
	var cmds []tea.Cmd
	for _, path := range r.e.cfg.Session.Stack[1:] {
		s := r.e.cfg.Restore(path)
		if s == nil {
			break
		}
		cmds = append(cmds, r.open(s))
	}
	return tea.Batch(cmds...)
}
