package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/terminal"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/views"
)

// screenPossible refuses a full screen where there is no terminal for it.
func (a *app) screenPossible() error {
	in, _ := a.in.(*os.File)
	out, _ := a.out.(*os.File)
	if err := terminal.Refuse(os.Environ(), in, out); err != nil {
		return usagef("%v", err)
	}
	return nil
}

// console opens the full-screen console on the profile in use, or with the sign-in steps when there is none.
func (a *app) console(ctx context.Context) error {
	if err := a.screenPossible(); err != nil {
		return err
	}
	a.newProfile = true
	s, err := a.settings()
	if err != nil {
		return err
	}
	if err := checkKeys(s); err != nil {
		return err
	}
	screen := &screenOf{}
	if s.ClientID != "" && s.Username != "" && s.Key != "" {
		if screen.session, err = a.open(ctx, s); err != nil {
			return err
		}
	} else if screen.session, err = a.unnamed(ctx, s); err != nil {
		return err
	}
	return a.screen(ctx, screen)
}

// checkKeys refuses a configuration whose keys clash, before anything is asked or opened.
func checkKeys(s *settings) error {
	err := ui.CheckKeys(ui.Config{Catalog: s.config.catalog(), Commands: (&views.Env{Saved: s.config.savedViews()}).Places(), Keys: s.config.Keys})
	if err != nil {
		return usagef("%s: %v", s.paths.configFile(), err)
	}
	return nil
}

// catalog are the specs of all actions on rows, the programs of the configuration included.
func (c *config) catalog() []ui.Spec {
	return append(views.Catalog(), views.UserSpecs(c.userCommands())...)
}

// unnamed is a session before anybody signed in: the store is chosen already, since that may take a passphrase, and
// every call says that a sign-in is needed.
func (a *app) unnamed(ctx context.Context, s *settings) (*session, error) {
	store, err := a.openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	sess := &session{settings: s, store: store, calls: newCallLog()}
	sess.client, err = unity.New(unity.Options{BaseURL: s.BaseURL, GSMKey: s.Key, Tokens: signedOut{}, Version: version, ReadOnly: s.ReadOnly, Observe: sess.calls.add})
	return sess, err
}

type signedOut struct{}

func (signedOut) Token(context.Context) (string, error) { return "", auth.ErrNeedsLogin }
func (signedOut) Reject(string)                         {}

// screenOf is what a full screen runs on. Switching the profile replaces the session; the old one is kept open until the
// end, because jobs may still run on it.
type screenOf struct {
	session     *session
	demo        bool
	credentials auth.Credentials // of the demo, to sign in with again

	mu  sync.Mutex
	old []*session
	// stopFleet ends the keeping of the picture of the session in use, flush waits until its favourite customers are saved.
	stopFleet func()
	flush     func()
}

func (s *screenOf) use(next *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old = append(s.old, s.session)
	s.session = next
}

func (s *screenOf) current() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

func (s *screenOf) close() {
	for _, old := range s.old {
		old.close()
	}
	s.current().close()
}

// screen runs the full-screen program.
func (a *app) screen(ctx context.Context, s *screenOf) error {
	if !s.demo {
		defer s.close()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cfg, err := a.uiConfig(ctx, s)
	if err != nil {
		return err
	}
	root := ui.New(*cfg)
	suspend := make(chan struct{}, 1)
	inner, beat := terminal.Filter(os.Environ(), cfg.SyncOutput), &terminal.Beat{}
	defer beat.Stop()
	options := append(terminal.Options(os.Environ(), cfg.SyncOutput, s.current().settings.config.UI.WholeFrames), tea.WithFilter(func(m tea.Model, msg tea.Msg) tea.Msg {
		if _, ok := msg.(tea.SuspendMsg); ok {
			select {
			case suspend <- struct{}{}:
			default:
			}
			return nil
		}
		return inner(m, msg)
	}))
	a.fullScreen = true
	program := tea.NewProgram(beat.Pace(root), options...)
	beat.Adopt(program)
	stop := handleSignals(ctx, program, suspend)
	_, err = program.Run()
	interrupted, left := stop(), time.Now()
	terminal.ShowCursor(os.Stdout)
	// Requests that are out are waited for: their outcome belongs into the audit. A second signal ends the waiting.
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer done()
	closing, undo := signal.NotifyContext(closing, os.Interrupt, syscall.SIGTERM)
	defer undo()
	if cfg.SaveSession != nil {
		cfg.SaveSession(root.Session())
	}
	_ = root.Close(closing)
	s.flushed(nil)
	if !s.demo {
		a.nameUnsent(s.current().jobs(), left)
	}
	switch {
	case errors.Is(err, tea.ErrProgramPanic):
		return errors.New("this is a defect in unitty; the terminal is restored")
	case err != nil && !errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrInterrupted):
		return fmt.Errorf("terminal: %w", err)
	case interrupted:
		return &codeError{code: exitInterrupted}
	}
	return nil
}

// uiConfig maps a session to what the shell shows.
func (a *app) uiConfig(ctx context.Context, s *screenOf) (*ui.Config, error) {
	sess := s.current()
	set := sess.settings
	noColor := a.env("NO_COLOR") != "" || a.flags.color == "never"
	th, err := theme.New(set.config.UI.Theme, set.config.UI.Glyphs, noColor)
	if err != nil {
		return nil, usagef("%s: %v", set.paths.configFile(), err)
	}
	env := sess.env()
	env.Saved, env.Book = set.config.savedViews(), openBook(set)
	s.flushed(env.Book.Flush)
	cfg := &ui.Config{Version: version, Theme: th, Mouse: set.config.UI.Mouse, SyncOutput: firstOf(set.config.UI.SyncOutput, terminal.SyncAuto), IdleLock: set.IdleLock,
		Header:  func() ui.Header { return header(sess, env, s.demo) },
		Home:    env.Home,
		Touched: env.Touched, Warnings: append(viewWarnings(set), leftJobs(sess.jobs(), set)...),
		Restore: env.Restore, Commands: env.Places(), Catalog: set.config.catalog(), Keys: set.config.Keys,
		Network: sess.calls.network(), Calls: sess.calls.show(set.BaseURL), Find: env.Find, Explain: views.Explain,
		Jobs:    env.JobBook(),
		Session: loadSession(set), SaveSession: func(x ui.Session) { saveSession(set, x) }, ExportDir: set.paths.exports()}
	if sess.engine != nil {
		cfg.Auth = authUpdates(ctx, sess.engine, set.fromEnvironment())
		s.keepFleet(ctx, sess, env)
	} else {
		cfg.Auth = alwaysSignedOut()
	}
	cfg.SignIn = a.signInForm(ctx, s)
	if s.demo {
		cfg.Tips = []string{
			"Try this: enter opens a site; space marks machines; s scans them; J shows how",
			"it went. f finds any machine: type the end of a host name, enter, s, y.",
			": is every command, ? every key. Machines poll within 15 s; nothing is real.",
		}
		return cfg, nil
	}
	cfg.Profiles = func() []ui.Profile { return profilesOf(set) }
	cfg.UseProfile = func(name string) (*ui.Config, error) { return a.switchTo(ctx, s, name) }
	return cfg, nil
}

func header(sess *session, env *views.Env, demo bool) ui.Header {
	h := ui.Header{Profile: sess.settings.Profile, Console: env.ConsoleName(), User: sess.settings.Username, ReadOnly: sess.settings.ReadOnly, Demo: demo}
	switch strings.ToLower(sess.settings.Colour) {
	case "red":
		h.Tone = theme.BadgeBad
	case "yellow":
		h.Tone = theme.BadgeWarn
	case "":
	default:
		h.Tone = theme.Badge
	}
	return h
}

func profilesOf(set *settings) []ui.Profile {
	var out []ui.Profile
	for _, name := range set.config.profileNames() {
		p := set.config.Profiles[name]
		out = append(out, ui.Profile{Name: name, Detail: unity.Clean(p.Username + "  " + p.GSMKey), Current: name == set.Profile})
	}
	return out
}

// switchTo opens another profile. It runs off the update loop.
func (a *app) switchTo(ctx context.Context, s *screenOf, name string) (*ui.Config, error) {
	b := *a
	// Nobody can be asked while the full screen has the terminal.
	b.terminal, b.flags.profile, b.flags.baseURL, b.flags.gsmKey = false, name, "", ""
	set, err := b.settings()
	if err != nil {
		return nil, err
	}
	next, err := b.open(ctx, set)
	if err != nil {
		return nil, err
	}
	s.use(next)
	return a.uiConfig(ctx, s)
}

// loadSession reads what the last session left; anything unreadable is as good as nothing.
func loadSession(set *settings) ui.Session {
	var x ui.Session
	raw, err := os.ReadFile(set.paths.session(set.Profile))
	if err != nil || json.Unmarshal(raw, &x) != nil {
		return ui.Session{}
	}
	return x
}

func saveSession(set *settings, x ui.Session) {
	raw, err := json.Marshal(x)
	if err == nil {
		_ = writePrivate(set.paths.session(set.Profile), raw) // a comfort: not worth a message
	}
}

// authUpdates passes the engine's status on as plain data; the latest wins. With credentials in the environment nobody is
// asked for them, unless they were refused.
func authUpdates(ctx context.Context, engine *auth.Engine, atHand bool) <-chan ui.Auth {
	out := make(chan ui.Auth, 1)
	put := func(st auth.Status) {
		select {
		case <-out:
		default:
		}
		a := authOf(st)
		if atHand && a.Needed && st.Class == auth.ClassNone {
			a.Needed, a.Level, a.State, a.Text = false, ui.Warn, "signing in", ""
		}
		out <- a
	}
	put(engine.Status())
	go func() {
		for {
			select {
			case st, ok := <-engine.Updates():
				if !ok {
					return
				}
				put(st)
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func alwaysSignedOut() <-chan ui.Auth {
	out := make(chan ui.Auth, 1)
	out <- ui.Auth{State: "signed out", Level: ui.Warn, Needed: true, Text: "Sign in to read a console."}
	return out
}

func authOf(st auth.Status) ui.Auth {
	out := ui.Auth{State: st.State.String(), Text: st.Text, AccessUntil: st.ExpiresAt, RefreshUntil: st.RefreshExpiresAt, Next: st.NextTry, Gen: st.Gen,
		SignedIn: !st.ExpiresAt.IsZero() && time.Now().Before(st.ExpiresAt)}
	switch st.State {
	case auth.Ready, auth.Refreshing, auth.SigningIn:
		out.Level = ui.Good
	case auth.NeedsLogin, auth.SignedOut, auth.Fatal:
		out.Level, out.Needed, out.SignedIn = ui.Bad, true, false
	default:
		out.Level = ui.Warn
	}
	return out
}
