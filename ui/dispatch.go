package ui

import (
	tea "charm.land/bubbletea/v2"
)

// key routes a key: the top overlay first, which hides everything else; then an entry that takes text; then the actions of the
// screen and of the shell. Cancel works everywhere.
func (r *Root) key(m tea.KeyPressMsg) tea.Cmd {
	now := r.e.now()
	idle := now.Sub(r.lastKey)
	r.lastKey = now
	if lock := r.e.cfg.IdleLock; lock > 0 && idle >= lock {
		r.locked = true
		// A question that somebody left open is not answered by whoever comes along.
		if o, ok := r.top().(armed); ok {
			return tea.Batch(o.lapse(), Toast(Warn, "no key for "+span(idle)+": the question was closed, nothing was sent"))
		}
	}
	r.notes.passed()
	name := keyName(m)
	if r.e.keys.has(r.e.keys.builtin("app.cancel"), name) {
		return r.cancel()
	}
	if o := r.top(); o != nil {
		return r.overlayKey(o, m, name)
	}
	if r.tips {
		r.tips = false
	}
	s := r.stack.top()
	if c, ok := s.(Capturer); ok && c.Capturing() {
		if cmd, ok := r.e.keys.find(append(r.screenCommands(), r.search()), name); ok && m.Text == "" {
			return r.run(cmd)
		}
		return s.Update(m)
	}
	if cmd, ok := r.e.keys.find(r.reachable(), name); ok {
		return r.run(cmd)
	}
	return nil
}

// run starts a command, or says why it is not available.
func (r *Root) run(c Command) tea.Cmd {
	if reason := r.e.reason(c); reason != "" {
		return Remark(c.Title + " is not available: " + reason)
	}
	if c.Do == nil {
		return nil
	}
	return c.Do()
}

func (r *Root) overlayKey(o overlay, m tea.KeyPressMsg, name string) tea.Cmd {
	a, isArmed := o.(armed)
	if isArmed {
		r.held = nil
		if !a.sentry().accept(r.e.now()) {
			a.rushed()
			return nil
		}
	}
	text := o.capturing() && m.Text != ""
	cmd, found := r.e.keys.find(o.commands(), name)
	if !text && !found {
		if cmd, found := r.e.keys.find(r.within(o), name); found {
			return r.run(cmd)
		}
	}
	switch {
	case text || !found:
		return o.update(m)
	case !isArmed:
		return r.run(cmd)
	}
	// A question is answered only when no further key follows at once.
	r.held = func() tea.Cmd { return r.run(cmd) }
	return after(apart, To{Screen: o.ident(), Msg: ripeMsg{n: a.sentry().held, key: name}})
}

// yields tells that an overlay may be left for the search without anything being lost: there is no question in it and no form.
func yields(o overlay) bool {
	switch o.(type) {
	case *picker, *jobsPanel, *problemView:
		return true
	}
	return false
}

// within are what the shell itself can do while an overlay is open, with keys that the overlay has no use for.
func (r *Root) within(o overlay) []Command {
	if !yields(o) {
		return nil
	}
	search := r.search()
	open := search.Do
	search.Do = func() tea.Cmd { o.shut(); return open() }
	p, ok := o.(*jobsPanel)
	if !ok {
		return []Command{search}
	}
	return []Command{search, r.e.command("app.help", func() tea.Cmd { return r.panelHelp(p) }), r.problem(), r.dismissal()}
}

// inForce tells that the key of one of the shell's actions does what it says, whatever is open.
func (r *Root) inForce(id string) bool {
	spec := r.e.keys.builtin(id)
	o := r.top()
	if o == nil {
		c, ok := r.stack.top().(Capturer)
		return !ok || !c.Capturing()
	}
	cmd, found := r.e.keys.find(append(o.commands(), r.within(o)...), r.e.keys.label(spec))
	return !o.capturing() && found && cmd.ID == id
}

// ripe carries out a key that was held back, unless another came close behind it.
func (r *Root) ripe(o overlay, m ripeMsg) tea.Cmd {
	a, ok := o.(armed)
	if !ok || r.held == nil || a.sentry().held != m.n || r.top() != o {
		return nil
	}
	do := r.held
	r.held = nil
	return do()
}

// paste is text for entries; it is never a key, so it confirms nothing.
func (r *Root) paste(m tea.PasteMsg) tea.Cmd {
	if o := r.top(); o != nil {
		r.held = nil
		return o.update(m)
	}
	if c, ok := r.stack.top().(Capturer); ok && c.Capturing() {
		return r.stack.top().Update(m)
	}
	return nil
}

// screenCommands are what the screen in front offers.
func (r *Root) screenCommands() []Command {
	if a, ok := r.stack.top().(Actor); ok {
		return a.Commands()
	}
	return nil
}

// reachable are all commands in force while no overlay is open, the screen's own first.
func (r *Root) reachable() []Command {
	out := append([]Command{}, r.screenCommands()...)
	out = append(out, r.e.cfg.Commands...)
	return append(out, r.commands()...)
}

// commands are those of the shell itself.
func (r *Root) commands() []Command {
	do := func(id string, f func() tea.Cmd) Command { return r.e.command(id, f) }
	need := func(id, reason string, has bool, f func() tea.Cmd) Command {
		return r.e.guarded(id, func() string {
			if has {
				return ""
			}
			return reason
		}, f)
	}
	cfg := &r.e.cfg
	return []Command{
		do("app.help", r.help), do("app.palette", r.palette),
		r.search(),
		do("app.back", r.escape), do("app.leave", r.leave),
		need("app.previous", "this is the first screen", len(r.stack.open) > 1, r.back),
		need("app.next", "there is no later screen", len(r.stack.forward) > 0, r.forth),
		do("app.home", r.home), do("app.reload", r.reload),
		do("app.jobs", r.openJobs),
		need("app.profile", "there is one profile only", cfg.Profiles != nil && cfg.UseProfile != nil, r.profiles),
		do("app.messages", r.messages),
		r.problem(), r.dismissal(),
		need("app.calls", "calls are not recorded", cfg.Calls != nil, func() tea.Cmd { return r.openCalls() }),
		need("app.signin", "this program signs in by other means", cfg.SignIn != nil, r.signIn),
		do("app.redraw", func() tea.Cmd { return tea.ClearScreen }),
		do("app.cancel", r.cancel), do("app.suspend", func() tea.Cmd { return tea.Suspend }),
		do("app.quit", r.quit),
	}
}

// problem shows the details of the latest problem.
func (r *Root) problem() Command {
	return r.e.guarded("app.problem", func() string {
		if r.notes.latest() == nil {
			return "there was no problem"
		}
		return ""
	}, func() tea.Cmd { return r.show(*r.notes.latest()) })
}

// dismissal takes the messages off the screen.
func (r *Root) dismissal() Command {
	return r.e.command("app.dismiss", func() tea.Cmd { r.notes.dismiss(); return nil })
}

// search opens the search, which is within reach from nearly everywhere.
func (r *Root) search() Command {
	return r.e.guarded("app.find", func() string {
		if r.e.cfg.Find == nil {
			return "there is no search"
		}
		return ""
	}, func() tea.Cmd { return r.openOver(newFind(r.e)) })
}

// escape clears what narrows the screen, else goes back.
func (r *Root) escape() tea.Cmd {
	if b, ok := r.stack.top().(Backer); ok && b.Back() {
		return nil
	}
	return r.back()
}

// leave goes back and quits from the first screen.
func (r *Root) leave() tea.Cmd {
	if len(r.stack.open) > 1 {
		return r.back()
	}
	return r.quit()
}

func (r *Root) reload() tea.Cmd {
	if s, ok := r.stack.top().(Reloader); ok {
		return s.Reload()
	}
	return Toast(Info, "there is nothing to read again here")
}

// cancel stops the nearest thing that runs: the overlay, what the screen loads, else the latest job. Twice quits.
func (r *Root) cancel() tea.Cmd {
	now := r.e.now()
	again := !r.cancelled.IsZero() && now.Sub(r.cancelled) <= twice
	r.cancelled = now
	if again {
		return r.end()
	}
	if o := r.top(); o != nil {
		o.shut()
		return nil
	}
	if s, ok := r.stack.top().(Stopper); ok && s.Stop() {
		return Toast(Info, "loading was cancelled; ctrl+c again quits")
	}
	if j := r.jobs.latestLive(); j != nil {
		j.cancel()
		return Toast(Warn, "cancelling "+clean(j.job.Title)+": what is sent stays sent; ctrl+c again quits")
	}
	return Toast(Info, "ctrl+c again quits")
}

// quit ends the program, after a question while a job is live.
func (r *Root) quit() tea.Cmd {
	live := r.jobs.live()
	if len(live) == 0 {
		return r.end()
	}
	d := newDialog(r.e, "Quit while a job runs?", func(w int) []string {
		var out []string
		for _, j := range live {
			out = append(out, wrap(clean(j.job.Title)+": "+j.summary(), w)...)
		}
		return append(append(out, ""), wrap("Quitting stops sending. What is sent stays sent, and the job can be taken up again later.", w)...)
	})
	d.ok, d.danger = "Quit", true
	d.yes = r.end
	return r.openOver(d)
}

// end saves the session aside and then quits.
func (r *Root) end() tea.Cmd {
	r.quitting = true
	if save := r.save(); save != nil {
		return tea.Sequence(save, tea.Quit)
	}
	return tea.Quit
}

func (r *Root) mouse(m tea.MouseMsg) tea.Cmd {
	if !r.e.cfg.Mouse {
		return nil
	}
	mouse := m.Mouse()
	delta := 0
	switch mouse.Button {
	case tea.MouseWheelUp:
		delta = -3
	case tea.MouseWheelDown:
		delta = 3
	}
	if p, ok := r.top().(*picker); ok {
		p.move(delta)
		return nil
	}
	s, ok := r.stack.top().(Pointer)
	if !ok || r.top() != nil {
		return nil
	}
	if _, click := m.(tea.MouseClickMsg); click && mouse.Button == tea.MouseLeft {
		return s.Click(mouse.X, mouse.Y-r.bodyTop())
	}
	if delta != 0 {
		return s.Wheel(delta)
	}
	return nil
}
