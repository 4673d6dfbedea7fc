package terminal

import (
	"errors"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"github.com/unitty/unitty/ui/terminal/lean"
)

// framesPerSecond bounds how often the screen is sent while messages come one after another; Beat says what happens otherwise.
const framesPerSecond = 50

// Options returns the options that the program runs with. Signals are not among what Bubble Tea handles, because a signal must
// not cut through a change that is being sent; the caller handles them. The setting of synchronized output is one of
// SyncAuto, SyncOn and SyncOff. Frames are thinned out on their way, unless they are to be sent whole.
func Options(env []string, syncOutput string, whole bool) []tea.ProgramOption {
	return []tea.ProgramOption{
		tea.WithFPS(framesPerSecond),
		tea.WithoutSignalHandler(),
		tea.WithEnvironment(env),
		tea.WithOutput(output(env, whole)),
		tea.WithFilter(Filter(env, syncOutput)),
	}
}

// output is the terminal that frames are sent to.
func output(env []string, whole bool) io.Writer {
	if whole {
		return os.Stdout
	}
	return lean.NewOutput(os.Stdout, func() (w, h int) { return sizeOf(os.Stdout, env) })
}

// sizeOf is the size of a terminal, as the program is told it.
func sizeOf(f *os.File, env []string) (w, h int) {
	w, h, err := term.GetSize(int(f.Fd()))
	if err != nil {
		w, h = 0, 0
	}
	return SizeIn(env, w, h)
}

// Filter mends messages before the program and its renderer see them: a window of no or of absurd size, with which nothing
// would be drawn for ever, becomes one to draw with, and with synchronized output off the terminal's offer of it is ignored.
// A program has one filter; a caller with one of its own calls this one from it.
func Filter(env []string, syncOutput string) func(tea.Model, tea.Msg) tea.Msg {
	return func(_ tea.Model, msg tea.Msg) tea.Msg {
		switch m := msg.(type) {
		case tea.WindowSizeMsg:
			m.Width, m.Height = SizeIn(env, m.Width, m.Height)
			return m
		case tea.ModeReportMsg:
			if syncOutput == SyncOff && m.Mode == ansi.ModeSynchronizedOutput {
				return nil
			}
		}
		return msg
	}
}

// The reasons why there can be no full screen.
var (
	// ErrDumb is returned for a terminal that cannot move its cursor.
	ErrDumb = errors.New("this terminal cannot show a full screen (TERM is dumb or empty); use the verbs, for example: unitty site list")
	// ErrNoTerminal is returned when input or output is a file or a pipe.
	ErrNoTerminal = errors.New("a full screen needs a terminal for input and output; use the verbs, for example: unitty site list --output json")
)

// Refuse returns why the full screen cannot be shown, ErrNoTerminal or ErrDumb, or nil. Without this check Bubble Tea
// would draw on a dumb terminal all the same.
func Refuse(env []string, in, out *os.File) error {
	if !isTerminal(in) || !isTerminal(out) {
		return ErrNoTerminal
	}
	return RefuseTerm(env)
}

// RefuseTerm returns ErrDumb when TERM names no terminal that can be drawn on. Windows sets no TERM and is fine without.
func RefuseTerm(env []string) error {
	switch name, ok := find(env, "TERM"); {
	case name == "dumb", ok && name == "":
		return ErrDumb
	case !ok && needsTerm:
		return ErrDumb
	}
	return nil
}

func isTerminal(f *os.File) bool {
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// Quieten removes the variables by which Bubble Tea would write every typed byte, passwords included, into a file.
// It is called before the program is made, since that reads them from the process.
func Quieten() error {
	return errors.Join(os.Unsetenv("TEA_TRACE"), os.Unsetenv("TEA_DEBUG"))
}
