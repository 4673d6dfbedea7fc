package terminal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

const (
	// maxOSC52 is what terminals take in one OSC 52 sequence, in encoded bytes; more is dropped without a word.
	maxOSC52 = 74994
	// tmuxPatience is how long tmux may take; it answers at once or hangs with its server.
	tmuxPatience = 2 * time.Second
)

// ErrNothingToCopy is returned for a text that is empty, or empty once control characters are gone.
var ErrNothingToCopy = errors.New("there is nothing to copy")

// Copy puts a text on the user's clipboard. It may start a program and write a file, so it is called off the update loop.
// The command it returns goes back to Bubble Tea; it may be nil. Within tmux the text goes into tmux's own buffer, because tmux drops
// OSC 52 in its default settings; besides, it is sent to the terminal as OSC 52. A text too long for a terminal goes into
// a new file in dir that only the user can read. How says in words which way was taken.
// Control characters but newline and tab are removed, so that pasting the text into a shell runs nothing by itself.
func Copy(ctx context.Context, text, dir string) (how string, cmd tea.Cmd, err error) {
	text = printable(text)
	if text == "" {
		return "", nil, ErrNothingToCopy
	}
	if base64.StdEncoding.EncodedLen(len(text)) > maxOSC52 {
		path, err := copyToFile(text, dir)
		if err != nil {
			return "", nil, err
		}
		return "too long for the clipboard, written to " + path, nil, nil
	}
	cmd = tea.SetClipboard(text)
	if os.Getenv("TMUX") == "" {
		return "sent to the terminal's clipboard (OSC 52)", cmd, nil
	}
	if !copyToTmux(ctx, text) {
		return "sent to the terminal's clipboard (OSC 52); tmux did not take it, which needs: set -g set-clipboard on", cmd, nil
	}
	return "copied to the tmux buffer (prefix ] pastes it), and sent to the terminal's clipboard", cmd, nil
}

// printable removes what a terminal or a shell would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || (unicode.IsControl(r) && r != '\n' && r != '\t') {
			return -1
		}
		return r
	}, text)
}

// copyToTmux loads the buffer of tmux, also passing it on to the outer terminal where this tmux can (3.2 and later), and
// reports whether it took the text. Why it did not is of no use to anybody: the text has another way.
func copyToTmux(ctx context.Context, text string) bool {
	return tmux(ctx, text, "load-buffer", "-w", "-") == nil || tmux(ctx, text, "load-buffer", "-") == nil
}

func tmux(ctx context.Context, text string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, tmuxPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", args...) //nolint:gosec // the arguments are fixed; the text goes to its standard input
	cmd.Stdin = strings.NewReader(text)
	cmd.Env = tmuxEnv(os.Environ())
	cmd.WaitDelay = tmuxPatience
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("tmux: %w", err)
	}
	return nil
}

// tmuxEnv is what tmux needs to find its server. The rest of the environment may hold secrets and is kept from it.
func tmuxEnv(env []string) []string {
	var kept []string
	for _, name := range []string{"PATH", "HOME", "TERM", "TMUX", "TMUX_TMPDIR", "LANG", "LC_ALL", "LC_CTYPE"} {
		if value, ok := find(env, name); ok {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

// copyToFile writes the text to a new file in dir, which is made when missing.
func copyToFile(text, dir string) (path string, err error) {
	if dir == "" {
		return "", errors.New("the text is too long for the clipboard, and there is no folder for a file")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder for copied texts: %w", err)
	}
	// CreateTemp makes the file with 0600.
	f, err := os.CreateTemp(dir, "clipboard-*.txt")
	if err != nil {
		return "", fmt.Errorf("making a file for the copied text: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("writing the copied text: %w", err)
	}
	return f.Name(), nil
}
