// Package ui is the shell of the full-screen program: screens and their history, keys, overlays, confirmation, jobs, messages and
// the generic list. It knows nothing of what is listed: resources describe that as data.
package ui

import (
	"context"
	"os"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui/terminal"
)

// Root is the program's model. It routes messages; what they mean is known to screens, overlays, jobs and notes.
type Root struct {
	e     *env
	clock func() time.Time
	stack stack
	over  []overlay
	jobs  jobs
	notes notes
	saver saver

	w, h    int
	sized   bool
	blurred bool
	tips    bool
	auth    Auth
	network Connection
	// asked is true once the sign-in has opened by itself in this epoch.
	asked bool
	// lastKey is the time of the key before, locked is true when the pause between was too long for changes.
	lastKey time.Time
	locked  bool
	// cancelled is when ctrl+c was pressed last.
	cancelled time.Time
	held      func() tea.Cmd
	quitting  bool
}

// The rhythms of the shell.
const (
	// tickEvery is how often ages and lives in header and status lines are drawn again.
	tickEvery = 20 * time.Second
	// twice is how close two cancels have to be to quit.
	twice = 2 * time.Second
)

type (
	authMsg struct {
		auth  Auth
		epoch uint64
		ch    <-chan Auth
	}
	networkMsg struct {
		net   Connection
		epoch uint64
		ch    <-chan Connection
	}
	tickMsg  struct{}
	openMsg  struct{ o overlay }
	stampMsg struct {
		epoch uint64
		msg   tea.Msg
	}
)

// New makes the program's model. CheckKeys should have accepted the configuration.
func New(cfg Config) *Root {
	r := &Root{tips: len(cfg.Tips) > 0}
	r.use(newEnv(cfg, 1, nil))
	r.w, r.h = terminal.Size(0, 0)
	return r
}

// use makes an environment the one in force.
func (r *Root) use(e *env) {
	e.auth = func() Auth { return r.auth }
	e.live = r.jobs.machines
	e.unsigned = func() bool { return r.auth.Needed && e.cfg.SignIn != nil && r.fresh() }
	r.e = e
}

// Clock returns the clock in use; SetClock replaces it for good, for tests.
func (r *Root) Clock() func() time.Time { return r.e.clock }

// SetClock replaces the clock.
func (r *Root) SetClock(now func() time.Time) { r.clock, r.e.clock = now, now }

// Init implements tea.Model: it opens the first screen and those of the last session, and starts listening.
func (r *Root) Init() tea.Cmd {
	r.lastKey = r.e.now()
	cmds := []tea.Cmd{terminal.SyncCmd(r.e.cfg.SyncOutput, os.Environ()), r.begin()}
	cmds = append(cmds, r.restore())
	return r.stamp(tea.Batch(cmds...))
}

// begin starts an epoch: the slow clock, listeners and the first screen.
func (r *Root) begin() tea.Cmd {
	cmds := []tea.Cmd{after(tickEvery, tickMsg{}), r.readPast(true), r.followPast()}
	for _, text := range r.e.cfg.Warnings {
		cmds = append(cmds, send(toastMsg{level: Warn, text: clean(text), life: warnedFor}))
	}
	if r.e.cfg.Home != nil {
		cmds = append(cmds, r.open(r.e.cfg.Home()))
	}
	if ch := r.e.cfg.Auth; ch != nil {
		cmds = append(cmds, r.listenAuth(ch))
	}
	if ch := r.e.cfg.Network; ch != nil {
		cmds = append(cmds, r.listenNetwork(ch))
	}
	return tea.Batch(cmds...)
}

func (r *Root) listenAuth(ch <-chan Auth) tea.Cmd {
	ctx, epoch := r.e.ctx, r.e.epoch
	return waitFor(func() tea.Msg {
		select {
		case a, ok := <-ch:
			if ok {
				return authMsg{a, epoch, ch}
			}
		case <-ctx.Done():
		}
		return nil
	})
}

func (r *Root) listenNetwork(ch <-chan Connection) tea.Cmd {
	ctx, epoch := r.e.ctx, r.e.epoch
	return waitFor(func() tea.Msg {
		select {
		case c, ok := <-ch:
			if ok {
				return networkMsg{c, epoch, ch}
			}
		case <-ctx.Done():
		}
		return nil
	})
}

// Update implements tea.Model.
func (r *Root) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := r.handle(msg)
	cmd = tea.Batch(cmd, r.sweep())
	return r, r.stamp(cmd)
}

// handle routes one message: terminal, time, shell, addressed, and at last whatever has no address.
func (r *Root) handle(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case Wait:
		if m.After > 0 {
			return sleep(r.e.ctx, m)
		}
		return m.Do
	case stampMsg:
		if m.epoch != r.e.epoch {
			return nil
		}
		return r.handle(m.msg)
	case tea.KeyPressMsg:
		return r.key(m)
	case tea.PasteMsg:
		return r.paste(m)
	case tea.WindowSizeMsg:
		r.w, r.h = terminal.Size(m.Width, m.Height)
		r.sized = true
		return r.broadcast(SizeMsg{r.w, r.h})
	case tea.FocusMsg:
		r.blurred = false
		return r.reveal()
	case tea.BlurMsg:
		r.blurred = true
		return r.reveal()
	case tea.MouseMsg:
		return r.mouse(m)
	case tickMsg:
		return after(tickEvery, tickMsg{})
	case To:
		return r.deliver(m)
	}
	if cmd, ok := r.shell(msg); ok {
		return cmd
	}
	return r.unaddressed(msg)
}

// sleep waits for a timer, but not beyond the epoch: nothing is left waiting after a switch of the profile or the end.
func sleep(ctx context.Context, w Wait) tea.Cmd {
	return func() tea.Msg {
		t := time.NewTimer(w.After)
		defer t.Stop()
		select {
		case <-t.C:
			return w.Do()
		case <-ctx.Done():
			return nil
		}
	}
}

// shell handles the messages of this package. The second result is false for all others.
func (r *Root) shell(msg tea.Msg) (tea.Cmd, bool) {
	switch m := msg.(type) {
	case pushMsg:
		return r.pushed(m), true
	case replaceMsg:
		return r.replace(m.screen), true
	case backMsg:
		return r.back(), true
	case homeMsg:
		return r.home(), true
	case shellMsg:
		if i := slices.IndexFunc(r.commands(), func(c Command) bool { return c.ID == m.id }); i >= 0 {
			return r.run(r.commands()[i]), true
		}
		return nil, true
	case openMsg:
		return r.openOver(m.o), true
	case toastMsg:
		return r.notes.add(r.e, m), true
	case fadeMsg:
		r.notes.fade(m.n)
		return nil, true
	case failMsg:
		p := r.e.explain(m.err)
		return r.notes.add(r.e, toastMsg{level: Bad, text: oneLine(p), problem: &p}), true
	case showMsg:
		return r.show(m.problem), true
	case proposeMsg:
		return r.propose(m), true
	case plannedMsg:
		return r.planned(m), true
	case prepareMsg:
		return r.prepare(m), true
	case preparedMsg:
		return r.prepared(m), true
	case jobMsg:
		return r.jobNews(m), true
	case pastMsg:
		return r.pastNews(m), true
	case openedMsg:
		return r.opened(m), true
	case pastTickMsg:
		return r.pastTick(), true
	case askMsg:
		return r.openOver(newAsk(r.e, m)), true
	case chooseMsg:
		return r.openOver(newChoose(r.e, m)), true
	case copyMsg:
		return r.copy(m), true
	case copiedMsg:
		return tea.Batch(m.cmd, r.notes.add(r.e, toastMsg{level: Good, text: m.text})), true
	case InvalidateMsg, ThemeMsg, ConnectionMsg, ProfileMsg, SizeMsg:
		return r.broadcast(msg), true
	case authMsg:
		return r.authNews(m), true
	case networkMsg:
		return r.networkNews(m), true
	case profilesMsg:
		return r.openOver(newProfiles(r.e, m.list)), true
	case signedInMsg:
		r.notes.dismiss() // what failed for lack of a sign-in is read again
		return tea.Batch(r.notes.add(r.e, toastMsg{level: Good, text: "signed in"}), r.readAgain(), r.moveOn()), true
	case switchedMsg:
		return r.switched(m), true
	}
	return nil, false
}

// unaddressed goes to the top overlay, else to the top screen.
func (r *Root) unaddressed(msg tea.Msg) tea.Cmd {
	if o := r.top(); o != nil {
		return o.update(msg)
	}
	if s := r.stack.top(); s != nil {
		return s.Update(msg)
	}
	return nil
}

// deliver hands an addressed result over, or drops it when its screen is gone or has asked again since.
func (r *Root) deliver(m To) tea.Cmd {
	for _, o := range r.over {
		if o.ident() == m.Screen {
			if ripe, ok := m.Msg.(ripeMsg); ok {
				return r.ripe(o, ripe)
			}
			return o.update(m.Msg)
		}
	}
	s := r.stack.find(m.Screen)
	if s == nil {
		return nil
	}
	if g, ok := s.(Generational); ok && m.Gen != 0 && g.Generation() != m.Gen {
		return nil
	}
	return s.Update(m.Msg)
}

// broadcast reaches all screens; an invalidation reaches those that depend on it.
func (r *Root) broadcast(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	inv, isInv := msg.(InvalidateMsg)
	if isInv && r.e.cfg.Touched != nil {
		r.e.cfg.Touched(inv.Keys)
	}
	r.stack.each(func(s Screen) {
		switch {
		case isInv:
			cmds = append(cmds, invalidate(s, inv.Keys))
		default:
			if _, parent := s.(Parent); !parent {
				cmds = append(cmds, s.Update(msg))
			}
		}
	})
	return tea.Batch(cmds...)
}

func invalidate(s Screen, keys []string) tea.Cmd {
	d, ok := s.(Reloader)
	if !ok {
		return nil
	}
	for _, k := range keys {
		if !d.Depends(k) {
			continue
		}
		if l, ok := s.(interface{ invalidated() tea.Cmd }); ok {
			return l.invalidated()
		}
		return d.Reload()
	}
	return nil
}

// stamp marks what a command brings with the epoch in which it was started, so that a screen or question made for one profile
// never opens in another. Results of jobs are not among them: they are never dropped.
func (r *Root) stamp(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	epoch := r.e.epoch
	return func() tea.Msg { return stamped(epoch, cmd()) }
}

func stamped(epoch uint64, msg tea.Msg) tea.Msg {
	switch m := msg.(type) {
	case tea.BatchMsg:
		out := make(tea.BatchMsg, 0, len(m))
		for _, c := range m {
			if c != nil {
				out = append(out, func() tea.Msg { return stamped(epoch, c()) })
			}
		}
		return out
	case Wait:
		do := m.Do
		m.Do = func() tea.Msg { return stamped(epoch, do()) }
		return m
	case pushMsg, replaceMsg, backMsg, homeMsg, shellMsg, proposeMsg, plannedMsg, prepareMsg, preparedMsg, askMsg, chooseMsg, showMsg, failMsg, openMsg, InvalidateMsg:
		return stampMsg{epoch, msg}
	}
	return msg
}

// Close ends everything that runs and waits for the jobs to write down what they know, at most until ctx ends. It is called after the
// program has ended.
func (r *Root) Close(ctx context.Context) error {
	for _, o := range r.over {
		o.shut()
	}
	r.stack.closeAll()
	r.e.cancel()
	return r.jobs.close(ctx)
}
