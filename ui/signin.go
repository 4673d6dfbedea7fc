package ui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/form"
)

// signIn is the overlay with the form and the steps of signing in.
type signIn struct {
	frame
	e      *env
	spec   *SignIn
	model  *form.Model
	steps  []Step
	fault  string
	busy   bool
	gen    uint64
	cancel context.CancelFunc
}

type (
	stepsMsg struct {
		gen  uint64
		all  [][]Step
		box  *mailbox[[]Step]
		done bool
	}
	faultsMsg struct {
		gen    uint64
		faults []string
		err    error
	}
)

func (r *Root) signIn() tea.Cmd {
	r.asked = true
	spec := r.e.cfg.SignIn
	model := form.New(spec.Fields, r.e.th)
	if spec.Focus != "" {
		model.Focus(spec.Focus)
	}
	return r.openOver(&signIn{frame: newFrame(clean(spec.Title)), e: r.e, spec: spec, model: model})
}

func (s *signIn) capturing() bool { return true }
func (s *signIn) width() int      { return 76 }

func (s *signIn) shut() {
	if s.cancel != nil {
		s.cancel()
	}
	s.model.ForgetSecrets()
	s.gone = true
}

func (s *signIn) commands() []Command {
	if s.busy {
		stop := s.e.command("form.leave", func() tea.Cmd { s.giveUp(); return nil })
		stop.Title = "give up"
		return []Command{stop}
	}
	return append(formCommands(s.e, s.model, "sign in", func(k tea.KeyPressMsg) tea.Cmd { return s.update(k) }),
		s.e.command("form.leave", func() tea.Cmd { s.shut(); return nil }))
}

// giveUp stops the attempt and leaves the form as it is.
func (s *signIn) giveUp() {
	s.cancel()
	s.gen++
	s.busy = false
	s.model.SetBusy(false)
	s.fault = "given up"
}

func (s *signIn) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case stepsMsg:
		if m.gen != s.gen {
			return nil
		}
		if len(m.all) > 0 {
			s.steps = m.all[len(m.all)-1]
		}
		if m.done {
			return nil
		}
		return s.next(m.box, jobPace)
	case faultsMsg:
		return s.ended(m)
	}
	if s.busy {
		return nil
	}
	cmd, sent := s.model.Update(msg)
	if sent {
		return tea.Batch(cmd, s.try())
	}
	return cmd
}

func (s *signIn) next(box *mailbox[[]Step], pause time.Duration) tea.Cmd {
	id, gen, ctx := s.id, s.gen, s.e.ctx
	return func() tea.Msg {
		got, ok := box.take(ctx, pause)
		if !ok {
			return nil
		}
		return To{Screen: id, Msg: stepsMsg{gen, got.items, box, got.done}}
	}
}

func (s *signIn) try() tea.Cmd {
	if s.spec.Run == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(s.e.ctx)
	s.gen++
	s.cancel, s.busy, s.fault, s.steps = cancel, true, "", nil
	s.model.SetBusy(true)
	id, gen, values, run := s.id, s.gen, s.model.Values(), s.spec.Run
	box := newMailbox[[]Step](true)
	work := func() tea.Msg {
		faults, err := run(ctx, values, box.put)
		box.finish(err)
		return To{Screen: id, Msg: faultsMsg{gen, faults, err}}
	}
	return tea.Batch(work, s.next(box, 0))
}

// ended closes the form after success; else it marks the fields at fault and keeps the others as they are.
func (s *signIn) ended(m faultsMsg) tea.Cmd {
	if m.gen != s.gen {
		return nil
	}
	s.cancel()
	s.busy = false
	s.model.SetBusy(false)
	if m.err == nil {
		s.shut()
		return send(signedInMsg{})
	}
	p := s.e.explain(m.err)
	s.fault = oneLine(p)
	for i, id := range m.faults {
		s.model.SetFault(id, "check this")
		if i == 0 {
			s.model.Focus(id)
		}
	}
	return nil
}

// signedInMsg comes after the form has signed in; what waits on the screen is read again.
type signedInMsg struct{}

func (s *signIn) view(w, h int) ([]string, int, int) {
	th := s.e.th
	var head, tail []string
	if s.spec.Intro != "" && h > 14 {
		for _, l := range wrap(clean(s.spec.Intro), w) {
			head = append(head, th.Paint(theme.Muted, l))
		}
		head = append(head, "")
	}
	for _, st := range s.steps {
		tail = append(tail, s.stepLine(st, w))
	}
	if s.fault != "" {
		for _, l := range wrap(s.fault, w) {
			tail = append(tail, th.Paint(theme.Error, l))
		}
	}
	room := max(h-len(head)-len(tail), min(h, 4))
	body, cx, cy := formLines(s.model, w, room)
	lines := append(append(head, body...), tail...)
	if cx >= 0 {
		cy += len(head)
	}
	return lines, cx, cy
}

func (s *signIn) stepLine(st Step, w int) string {
	th := s.e.th
	sign, tone := th.Glyphs.Dot, theme.Muted
	switch st.State {
	case StepRunning:
		sign, tone = th.Glyphs.Run, theme.Info
	case StepDone:
		sign, tone = th.Glyphs.Tick, theme.Good
	case StepFailed:
		sign, tone = th.Glyphs.Cross, theme.Bad
	}
	text := sign + " " + clean(st.Name)
	if st.Note != "" {
		text += ": " + strings.ReplaceAll(clean(st.Note), "\n", " ")
	}
	return th.Paint(tone, ansi.Truncate(text, w, th.Glyphs.Ellipsis))
}

// authNews takes a change of the sign-in over. The form opens by itself only while nothing else is open and nobody types.
func (r *Root) authNews(m authMsg) tea.Cmd {
	if m.epoch != r.e.epoch {
		return nil
	}
	before := r.auth
	r.auth = m.auth
	cmds := []tea.Cmd{r.listenAuth(m.ch)}
	if m.auth.SignedIn && !before.SignedIn && before.Needed {
		r.asked = false
		cmds = append(cmds, r.readAgain())
	}
	return tea.Batch(append(cmds, r.signInAlone())...)
}

// signInAlone opens the form when a person has to sign in and nothing is in the way: no overlay, no entry, and nobody has gone
// anywhere yet. Later only the banner calls for it.
func (r *Root) signInAlone() tea.Cmd {
	c, ok := r.stack.top().(Capturer)
	if !r.auth.Needed || r.asked || r.e.cfg.SignIn == nil || r.top() != nil || ok && c.Capturing() || r.quitting {
		return nil
	}
	r.asked = true
	if !r.fresh() {
		return nil
	}
	return r.signIn()
}

// readAgain makes up for what could not be read without a sign-in.
func (r *Root) readAgain() tea.Cmd {
	var cmds []tea.Cmd
	r.stack.each(func(s Screen) {
		if l, ok := s.(interface{ missed() tea.Cmd }); ok {
			cmds = append(cmds, l.missed())
		}
	})
	return tea.Batch(cmds...)
}

// fresh is true while nothing has been read yet, as at a start without credentials.
func (r *Root) fresh() bool {
	fresh := true
	r.stack.each(func(s Screen) {
		if l, ok := s.(interface{ everLoaded() bool }); ok && l.everLoaded() {
			fresh = false
		}
	})
	return fresh
}

func (r *Root) networkNews(m networkMsg) tea.Cmd {
	if m.epoch != r.e.epoch {
		return nil
	}
	r.network, r.e.away = m.net, m.net.Level == Bad
	return tea.Batch(r.listenNetwork(m.ch), r.broadcast(ConnectionMsg{m.net}))
}

// moveOn asks aside whether the sign-in was for another account, and goes on with its configuration then.
func (r *Root) moveOn() tea.Cmd {
	next, epoch := r.e.cfg.SignIn.Next, r.e.epoch
	if next == nil {
		return nil
	}
	return func() tea.Msg {
		cfg, err := next()
		if cfg == nil && err == nil {
			return nil
		}
		name := ""
		if cfg != nil && cfg.Header != nil {
			name = cfg.Header().Profile
		}
		return switchedMsg{name, cfg, err, epoch}
	}
}
