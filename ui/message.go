package ui

import (
	"context"
	"math/rand/v2"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/form"
)

// To is an addressed result: the shell hands Msg to that screen even while another one covers it, and drops it when the screen is
// closed or asks for a newer generation by now.
type To struct {
	Screen ScreenID
	// Gen is the generation that asked; 0 is never out of date.
	Gen uint64
	Msg tea.Msg
}

// Wait asks the shell to run Do aside: after After when that is positive, else at once, blocking as long as Do likes.
// Timers and channels are waited for this way only, so that a test driver can tell "waiting" from "working".
type Wait struct {
	After time.Duration
	Do    tea.Cmd
}

// SizeMsg is broadcast when the room of the program changes. W and H are cells of the whole program.
type SizeMsg struct{ W, H int }

// ThemeMsg is broadcast when the look changes, and sent to every screen when it is pushed.
type ThemeMsg struct{ Theme theme.Theme }

// ProfileMsg is broadcast after a switch of the profile.
type ProfileMsg struct{ Epoch uint64 }

// ConnectionMsg is broadcast when the reach of the server changes.
type ConnectionMsg struct{ Connection Connection }

// InvalidateMsg is broadcast when something on the server changed; lists that depend on one of the keys read again.
type InvalidateMsg struct{ Keys []string }

// Option is a line of a pick list.
type Option struct {
	ID, Title, Sub string
	// Reason says why the option cannot be taken; "" when it can.
	Reason string
	Tone   theme.Tone
}

type (
	pushMsg struct {
		screen Screen
		// like is the beginning of the path of screens whose place it takes.
		like string
	}
	replaceMsg struct{ screen Screen }
	backMsg    struct{}
	homeMsg    struct{}
	toastMsg   struct {
		level   Level
		text    string
		problem *Problem
		// brief goes with the next key; life is how long it stays where its level does not say.
		brief bool
		life  time.Duration
	}
	failMsg    struct{ err error }
	showMsg    struct{ problem Problem }
	proposeMsg struct {
		title string
		build func(ctx context.Context) (Plan, error)
		// back leads to what the plan is made from; nil where that is a screen.
		back func() tea.Cmd
	}
	askMsg struct {
		title  string
		fields []form.Field
		submit func(values map[string]string) tea.Cmd
	}
	chooseMsg struct {
		title   string
		options []Option
		pick    func(Option) tea.Cmd
	}
	copyMsg struct{ label, text string }
)

// NewID makes an identity for a screen. It is random, so that no counter has to be shared between programs in one process.
func NewID() ScreenID {
	for {
		//nolint:gosec // an identity inside one process, not a secret
		if id := ScreenID(rand.Uint64()); id != 0 {
			return id
		}
	}
}

func send(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// after delivers msg once d has passed.
func after(d time.Duration, msg tea.Msg) tea.Cmd {
	return send(Wait{After: d, Do: send(msg)})
}

// waitFor runs do aside as something that may block for long.
func waitFor(do tea.Cmd) tea.Cmd { return send(Wait{Do: do}) }

// Push opens a screen above the one in front.
func Push(s Screen) tea.Cmd { return send(pushMsg{screen: s}) }

// PushLike is Push, but takes the place of the screen in front when the path of that begins with like: going through views of one
// kind leaves no trail of them.
func PushLike(like string, s Screen) tea.Cmd { return send(pushMsg{screen: s, like: like}) }

// Replace puts a screen in the place of the one in front.
func Replace(s Screen) tea.Cmd { return send(replaceMsg{s}) }

// Back leaves the screen in front.
func Back() tea.Cmd { return send(backMsg{}) }

// Home leaves all screens but the first.
func Home() tea.Cmd { return send(homeMsg{}) }

// Toast shows a short message. Info and Good fade, Warn and Bad stay until dismissed; Remark is for what is soon of no use.
func Toast(level Level, text string) tea.Cmd { return send(toastMsg{level: level, text: text}) }

// Remark says why a key did nothing. It is of no use any more once somebody goes on, so it goes with the next key, or by itself.
func Remark(text string) tea.Cmd { return send(toastMsg{level: Warn, text: text, brief: true}) }

// Fail shows an error by way of Config.Explain; its details are one key away.
func Fail(err error) tea.Cmd {
	if err == nil {
		return nil
	}
	return send(failMsg{err})
}

// Show opens the details of a problem. While a question or an entry has the keys it becomes a message instead.
func Show(p Problem) tea.Cmd { return send(showMsg{p}) }

// Propose makes a plan off the update loop, asks for confirmation as its risk demands and runs it as a job.
func Propose(title string, make func(ctx context.Context) (Plan, error)) tea.Cmd {
	return send(proposeMsg{title: title, build: make})
}

// Ask opens a form and calls submit inside the update loop with the values once they are valid.
func Ask(title string, fields []form.Field, submit func(values map[string]string) tea.Cmd) tea.Cmd {
	return send(askMsg{title, fields, submit})
}

// Choose opens a pick list that is narrowed by typing and calls pick inside the update loop.
func Choose(title string, options []Option, pick func(Option) tea.Cmd) tea.Cmd {
	return send(chooseMsg{title, options, pick})
}

// Copy puts text on the clipboard by the ways the terminal offers and says which one was used.
func Copy(label, text string) tea.Cmd { return send(copyMsg{label, text}) }

// Invalidate tells all lists that depend on one of the keys to read again.
func Invalidate(keys ...string) tea.Cmd { return send(InvalidateMsg{Keys: keys}) }
