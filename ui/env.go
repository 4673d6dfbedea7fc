package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
)

// env is what screens and overlays may use of the shell. There is one per epoch: a switch of the profile makes a new one.
type env struct {
	cfg    Config
	th     theme.Theme
	keys   *keymap
	clock  func() time.Time
	ctx    context.Context
	cancel context.CancelFunc
	epoch  uint64
	// marked counts the shared mark sets by kind of resource.
	marked map[string]func() int
	// lists is the remembered state of lists, by path or kind.
	lists map[string]ListState
	// auth is the state of the sign-in and live the number of machines that a change is under way for. Both belong into the
	// update loop; they are nil before the shell has set them.
	auth func() Auth
	live func() (jobs, machines int)
	// unsigned tells that nothing can be read before somebody signs in, and nothing was; nil like the two above.
	unsigned func() bool
	// away tells that calls do not reach the server; it belongs into the update loop.
	away bool
}

func newEnv(cfg Config, epoch uint64, clock func() time.Time) *env {
	ctx, cancel := context.WithCancel(context.Background())
	e := &env{cfg: cfg, th: cfg.Theme, keys: newKeymap(cfg), clock: clock, ctx: ctx, cancel: cancel, epoch: epoch,
		marked: map[string]func() int{}, lists: map[string]ListState{}}
	for k, v := range cfg.Session.Lists {
		e.lists[k] = v
	}
	if e.clock == nil {
		e.clock = cfg.Now
	}
	if e.clock == nil {
		e.clock = time.Now
	}
	return e
}

func (e *env) now() time.Time { return e.clock() }

func (e *env) header() Header {
	if e.cfg.Header == nil {
		return Header{}
	}
	return e.cfg.Header()
}

func (e *env) explain(err error) Problem {
	if e.cfg.Explain == nil {
		return Problem{Text: clean(err.Error())}
	}
	return e.cfg.Explain(err)
}

// command makes a Command out of a built-in spec.
func (e *env) command(id string, do func() tea.Cmd) Command {
	return Command{Spec: e.keys.builtin(id), Do: do}
}

// guarded makes a Command that is available only when ready returns "".
func (e *env) guarded(id string, ready func() string, do func() tea.Cmd) Command {
	return Command{Spec: e.keys.builtin(id), Ready: ready, Do: do}
}

// reason says why a command is not available now, or "".
func (e *env) reason(c Command) string {
	if c.Risk > RiskRead && e.header().ReadOnly {
		return "this profile is read-only"
	}
	if e.beforeSignIn() && (e.keys.builtin(c.ID).ID == "" || c.ID == "app.find") {
		return "sign in first (" + e.keys.label(e.keys.builtin("app.signin")) + ")"
	}
	if c.Ready != nil {
		return c.Ready()
	}
	return ""
}

// beforeSignIn tells that nothing works before somebody has signed in, but for what the shell does by itself.
func (e *env) beforeSignIn() bool { return e.unsigned != nil && e.unsigned() }
