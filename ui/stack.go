package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// stack keeps the open screens, and those that were left and can be gone forward to.
type stack struct {
	open    []Screen
	forward []Screen
}

func (s *stack) top() Screen {
	if len(s.open) == 0 {
		return nil
	}
	return s.open[len(s.open)-1]
}

// each visits all open screens and their children, children of one that was left included.
func (s *stack) each(f func(Screen)) {
	for _, list := range [][]Screen{s.open, s.forward} {
		for _, x := range list {
			visit(x, f)
		}
	}
}

func visit(s Screen, f func(Screen)) {
	f(s)
	if p, ok := s.(Parent); ok {
		for _, k := range p.Children() {
			visit(k, f)
		}
	}
}

func (s *stack) find(id ScreenID) Screen {
	var found Screen
	s.each(func(x Screen) {
		if x.ID() == id {
			found = x
		}
	})
	return found
}

func closeScreens(list []Screen) {
	for _, x := range list {
		if c, ok := x.(Closer); ok {
			c.Close()
		}
	}
}

func (s *stack) closeAll() {
	closeScreens(s.open)
	closeScreens(s.forward)
	s.open, s.forward = nil, nil
}

func (r *Root) attach(s Screen) {
	if a, ok := s.(attacher); ok {
		a.attach(r.e)
	}
}

// open puts a screen on top without touching the way forward.
func (r *Root) open(s Screen) tea.Cmd {
	if s == nil {
		return nil
	}
	var cmds []tea.Cmd
	if old := r.stack.top(); old != nil {
		r.remember(old)
		cmds = append(cmds, cover(old, false))
	}
	r.attach(s)
	r.stack.open = append(r.stack.open, s)
	visit(s, func(x Screen) {
		if _, own := x.(attacher); !own {
			cmds = append(cmds, x.Update(ThemeMsg{r.e.th}), x.Update(SizeMsg{r.w, r.h}))
		}
	})
	return tea.Batch(append(cmds, s.Init())...)
}

func cover(s Screen, front bool) tea.Cmd {
	if v, ok := s.(Revealer); ok {
		return v.Reveal(front)
	}
	return nil
}

// pushed opens a screen, in the place of the one in front when that is of the same kind.
func (r *Root) pushed(m pushMsg) tea.Cmd {
	if p, ok := r.stack.top().(Pather); ok && m.like != "" && len(r.stack.open) > 1 && strings.HasPrefix(p.Path(), m.like) {
		return r.replace(m.screen)
	}
	return r.push(m.screen)
}

func (r *Root) push(s Screen) tea.Cmd {
	closeScreens(r.stack.forward)
	r.stack.forward = nil
	return tea.Batch(r.open(s), r.save())
}

func (r *Root) replace(s Screen) tea.Cmd {
	if n := len(r.stack.open); n > 0 && s != nil {
		old := r.stack.open[n-1]
		r.remember(old)
		r.stack.open = r.stack.open[:n-1]
		closeScreens([]Screen{old})
	}
	return tea.Batch(r.open(s), r.save())
}

// back leaves the top screen; it stays ready for going forward. The first screen is never left.
func (r *Root) back() tea.Cmd {
	n := len(r.stack.open)
	if n < 2 {
		return nil
	}
	old := r.stack.open[n-1]
	r.remember(old)
	r.stack.open = r.stack.open[:n-1]
	r.stack.forward = append(r.stack.forward, old)
	return tea.Batch(cover(old, false), cover(r.stack.top(), r.uncovered()), r.save())
}

func (r *Root) forth() tea.Cmd {
	n := len(r.stack.forward)
	if n == 0 {
		return nil
	}
	s := r.stack.forward[n-1]
	r.stack.forward = r.stack.forward[:n-1]
	cmd := cover(r.stack.top(), false)
	r.stack.open = append(r.stack.open, s)
	return tea.Batch(cmd, cover(s, r.uncovered()), r.save())
}

func (r *Root) home() tea.Cmd {
	var cmds []tea.Cmd
	for len(r.stack.open) > 1 {
		cmds = append(cmds, r.back())
	}
	return tea.Batch(cmds...)
}

// uncovered is true while the top screen can be seen: the list stops refreshing otherwise.
func (r *Root) uncovered() bool { return len(r.over) == 0 && !r.blurred }

func (r *Root) reveal() tea.Cmd {
	if s := r.stack.top(); s != nil {
		return cover(s, r.uncovered())
	}
	return nil
}

func (r *Root) top() overlay {
	if len(r.over) == 0 {
		return nil
	}
	return r.over[len(r.over)-1]
}

// openOver puts an overlay above everything.
func (r *Root) openOver(o overlay) tea.Cmd {
	if o == nil {
		return nil
	}
	r.over = append(r.over, o)
	r.held = nil
	return r.reveal()
}

// sweep takes closed overlays away.
func (r *Root) sweep() tea.Cmd {
	left := r.over[:0:0]
	for _, o := range r.over {
		if !o.closed() {
			left = append(left, o)
		}
	}
	if len(left) == len(r.over) {
		return nil
	}
	r.over = left
	return tea.Batch(r.reveal(), r.signInAlone())
}
