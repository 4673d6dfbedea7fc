package terminal

import (
	"errors"
	"os"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"pgregory.net/rapid"

	"github.com/unitty/unitty/ui/terminal/lean"
)

func TestSizeIn(t *testing.T) {
	env := []string{"COLUMNS=100", "LINES=30"}
	for _, tc := range []struct {
		env          []string
		w, h         int
		wantW, wantH int
	}{
		{nil, 120, 40, 120, 40},
		{nil, 0, 0, 80, 24},
		{nil, -1, 10, 80, 10},
		{env, 0, 0, 100, 30},
		{env, 0, 50, 100, 50},
		{env, 65535, 65535, 100, 30},
		{nil, 4096, 4096, 500, 200},
		{nil, 4097, 1, 80, 1},
		{[]string{"COLUMNS=wide", "LINES=-3"}, 0, 0, 80, 24},
		{[]string{"COLUMNS=9999", "LINES="}, 0, 0, 80, 24},
		{[]string{"COLUMNS=900"}, 0, 0, 500, 24},
		{[]string{"COLUMNS=90", "COLUMNS=91", "XCOLUMNS=5"}, 0, 0, 91, 24},
	} {
		if w, h := SizeIn(tc.env, tc.w, tc.h); w != tc.wantW || h != tc.wantH {
			t.Errorf("%v %d×%d became %d×%d, want %d×%d", tc.env, tc.w, tc.h, w, h, tc.wantW, tc.wantH)
		}
	}
}

func TestSizeIsAlwaysDrawable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := []string{"COLUMNS=" + rapid.StringMatching("-?[0-9]{0,6}").Draw(t, "columns")}
		w, h := SizeIn(env, rapid.Int().Draw(t, "w"), rapid.Int().Draw(t, "h"))
		if w < 1 || w > MaxWidth || h < 1 || h > MaxHeight {
			t.Fatalf("%d×%d", w, h)
		}
	})
}

func TestSyncOutput(t *testing.T) {
	ssh := "SSH_TTY=/dev/pts/3"
	for _, tc := range []struct {
		name, mode string
		env        []string
		want       bool
	}{
		{"unknown terminal over ssh", SyncAuto, []string{ssh, "TERM=xterm-256color"}, false},
		{"tmux over ssh", SyncAuto, []string{ssh, "TERM=tmux-256color"}, true},
		{"tmux with the TERM of screen", SyncAuto, []string{ssh, "TERM=screen-256color", "TMUX=/tmp/tmux-0/default,1,0"}, true},
		{"screen", SyncAuto, []string{ssh, "TERM=screen-256color"}, false},
		{"kitty over ssh", "", []string{ssh, "TERM=xterm-kitty"}, true},
		{"at the machine Bubble Tea asks", SyncAuto, []string{"TERM=tmux-256color"}, false},
		{"Windows Terminal is asked too", SyncAuto, []string{ssh, "WT_SESSION=1", "TERM=tmux-256color"}, false},
		{"on", SyncOn, []string{ssh, "TERM=vt100"}, true},
		{"off", SyncOff, []string{ssh, "TERM=tmux-256color"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			msg := SyncOutput(tc.mode, tc.env)
			if (msg != nil) != tc.want {
				t.Fatalf("message %v", msg)
			}
			cmd := SyncCmd(tc.mode, tc.env)
			if (cmd != nil) != tc.want {
				t.Fatal("the command and the message disagree")
			}
			if cmd == nil {
				return
			}
			if report, ok := cmd().(tea.ModeReportMsg); !ok || report.Mode != ansi.ModeSynchronizedOutput || report.Value != ansi.ModeReset {
				t.Fatalf("message %#v", cmd())
			}
		})
	}
}

func TestFilter(t *testing.T) {
	report := tea.ModeReportMsg{Mode: ansi.ModeSynchronizedOutput, Value: ansi.ModeReset}
	other := tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeReset}
	off, auto := Filter([]string{"COLUMNS=99"}, SyncOff), Filter(nil, SyncAuto)
	if off(nil, report) != nil || auto(nil, report) != tea.Msg(report) || off(nil, other) != tea.Msg(other) {
		t.Error("the terminal's offer of synchronized output is not treated as set")
	}
	if got := off(nil, tea.WindowSizeMsg{}); got != tea.Msg(tea.WindowSizeMsg{Width: 99, Height: 24}) {
		t.Errorf("a window of no size became %v", got)
	}
	if got := auto(nil, tea.WindowSizeMsg{Width: 132, Height: 43}); got != tea.Msg(tea.WindowSizeMsg{Width: 132, Height: 43}) {
		t.Errorf("a good window became %v", got)
	}
	if key := (tea.KeyPressMsg{Code: 'x'}); off(nil, key) != tea.Msg(key) {
		t.Error("a key was changed")
	}
}

func TestRefuse(t *testing.T) {
	main, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	defer func() { _ = main.Close(); _ = tty.Close() }()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	good := []string{"TERM=xterm"}
	for _, tc := range []struct {
		name    string
		env     []string
		in, out *os.File
		want    error
	}{
		{"a terminal", good, tty, tty, nil},
		{"input from a file", good, file, tty, ErrNoTerminal},
		{"output to a file", good, tty, file, ErrNoTerminal},
		{"no files", good, nil, nil, ErrNoTerminal},
		{"dumb", []string{"TERM=dumb"}, tty, tty, ErrDumb},
		{"empty", []string{"TERM="}, tty, tty, ErrDumb},
	} {
		if got := Refuse(tc.env, tc.in, tc.out); !errors.Is(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	if got := RefuseTerm(nil); needsTerm != errors.Is(got, ErrDumb) {
		t.Errorf("without TERM: %v", got)
	}
}

func TestQuieten(t *testing.T) {
	t.Setenv("TEA_TRACE", "/tmp/x")
	t.Setenv("TEA_DEBUG", "true")
	if err := Quieten(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"TEA_TRACE", "TEA_DEBUG"} {
		if v, ok := os.LookupEnv(name); ok {
			t.Errorf("%s is still %q", name, v)
		}
	}
}

func TestFramesAreSentWholeOnDemand(t *testing.T) {
	if out := output(nil, true); out != os.Stdout {
		t.Errorf("whole frames go to a %T", out)
	}
	if _, thin := output(nil, false).(*lean.Output); !thin {
		t.Errorf("frames go to a %T", output(nil, false))
	}
}

// stuck is a program that notes the window it is told of, and quits.
type stuck struct{ w, h int }

func (s *stuck) Init() tea.Cmd { return nil }

func (s *stuck) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if size, ok := msg.(tea.WindowSizeMsg); ok {
		s.w, s.h = size.Width, size.Height
		return s, tea.Quit
	}
	return s, nil
}

func (s *stuck) View() tea.View { return tea.NewView("here") }

// TestAProgramOnATerminalWithoutSizeIsTold runs Bubble Tea on a pseudo terminal of 0×0, as some jump hosts give.
func TestAProgramOnATerminalWithoutSizeIsTold(t *testing.T) {
	main, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	defer func() { _ = main.Close(); _ = tty.Close() }()
	if err := pty.Setsize(tty, &pty.Winsize{}); err != nil {
		t.Fatal(err)
	}
	go func() {
		// What the program writes has to be taken, else it blocks; the read ends when the terminal is closed.
		buf := make([]byte, 1024)
		for {
			if _, err := main.Read(buf); err != nil {
				return
			}
		}
	}()
	env := []string{"TERM=xterm-256color", "SSH_TTY=x"}
	options := append(Options(env, SyncAuto, false), tea.WithInput(tty), tea.WithOutput(tty))
	var s stuck
	if _, err := tea.NewProgram(&s, options...).Run(); err != nil {
		t.Fatal(err)
	}
	if s.w != DefaultWidth || s.h != DefaultHeight {
		t.Fatalf("the program was told %d×%d", s.w, s.h)
	}
}
