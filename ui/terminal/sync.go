package terminal

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// The settings of synchronized output (private mode 2026), which lets the terminal show a frame at once and not line by line.
const (
	// SyncAuto uses it where the terminal is known to have it, or says so itself.
	SyncAuto = "auto"
	// SyncOn uses it unasked; a terminal that does not know the mode ignores it.
	SyncOn = "on"
	// SyncOff never uses it.
	SyncOff = "off"
)

// SyncOutput returns a message to feed into the program at its start, or nil. Bubble Tea asks the terminal whether it knows the
// mode, but over SSH it does not ask and goes without; the message stands for the answer. In the setting "auto" that is
// done where the name of the terminal tells that it knows the mode.
func SyncOutput(mode string, env []string) tea.Msg {
	if mode == SyncOn || (mode != SyncOff && unasked(env) && knowsSync(env)) {
		return tea.ModeReportMsg{Mode: ansi.ModeSynchronizedOutput, Value: ansi.ModeReset}
	}
	return nil
}

// SyncCmd is SyncOutput as a command for Init; it is nil when there is nothing to send.
func SyncCmd(mode string, env []string) tea.Cmd {
	msg := SyncOutput(mode, env)
	if msg == nil {
		return nil
	}
	return func() tea.Msg { return msg }
}

// unasked reports whether Bubble Tea leaves the question out, which it does when SSH_TTY is set.
func unasked(env []string) bool {
	_, ssh := find(env, "SSH_TTY")
	_, windowsTerminal := find(env, "WT_SESSION")
	return ssh && !windowsTerminal
}

// knowsSync reports whether TERM, or a variable that SSH may carry over, names a terminal that has the mode or, as tmux does,
// swallows it without harm.
func knowsSync(env []string) bool {
	term := lookup(env, "TERM")
	for _, known := range []string{"tmux", "kitty", "wezterm", "alacritty", "ghostty", "foot", "contour", "rio", "mintty", "iterm"} {
		if strings.Contains(term, known) {
			return true
		}
	}
	_, tmux := find(env, "TMUX")
	return tmux
}
