package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// errNoTerminal tells that nobody can be asked.
var errNoTerminal = errors.New("nobody can be asked: there is no terminal")

// gaveUp tells a signal at a question from an input that ended.
func gaveUp(err error) error {
	if errors.Is(err, errCancelled) {
		return &codeError{exitInterrupted, "interrupted"}
	}
	return refusedf("cancelled")
}

// askText asks on the terminal, with what is known as the default.
func (a *app) askText(label, known string) (string, error) {
	if !a.terminal {
		return known, nil
	}
	if known != "" {
		label += " [" + unity.Clean(known) + "]"
	}
	_, _ = fmt.Fprintf(a.err, "%s: ", label)
	answer, err := a.readLine()
	if err != nil {
		return "", gaveUp(err)
	}
	return firstOf(answer, known), nil
}

// askSecret asks without echo.
func (a *app) askSecret(label string) (auth.Secret, error) {
	if !a.terminal {
		return auth.Secret{}, fmt.Errorf("%s: %w", label, errNoTerminal)
	}
	_, _ = fmt.Fprintf(a.err, "%s: ", label)
	raw, err := a.readSecret()
	_, _ = fmt.Fprintln(a.err)
	if err != nil {
		return auth.Secret{}, gaveUp(err)
	}
	return auth.NewSecret(strings.TrimSpace(string(raw))), nil
}

// promptPassphrase asks for the passphrase of the file store, and says what it is to be before a new one is chosen.
func (a *app) promptPassphrase(_ context.Context, text string, confirm bool) (auth.Secret, error) {
	if confirm {
		_, _ = fmt.Fprintf(a.err, "The passphrase has %d characters at least. %s\n", auth.MinPassphrase, passphraseLife(runtime.GOOS))
	}
	for {
		first, err := a.askSecret(text)
		if err != nil || !confirm {
			return first, err
		}
		if utf8.RuneCountInString(first.Reveal()) < auth.MinPassphrase {
			_, _ = fmt.Fprintf(a.err, "The passphrase is too short: %d characters at least.\n", auth.MinPassphrase)
			continue
		}
		second, err := a.askSecret("Once more")
		if err != nil {
			return second, err
		}
		if first.Equal(second) {
			return first, nil
		}
		_, _ = fmt.Fprintln(a.err, "The two are not equal.")
	}
}

// passphraseLife says how often the passphrase of the file store is asked for.
func passphraseLife(goos string) string {
	if goos != "linux" {
		return "Every program asks for it once."
	}
	return fmt.Sprintf("Once it is given, the programs of this user\nopen the store without it until %d hours after the last use; \"unitty logout --purge\" ends that at once.", int(auth.FileKeyLife.Hours()))
}

// askStore lets a person choose where secrets are kept, when no keychain of the system works. Enter takes the first.
func (a *app) askStore(_ context.Context, names []string, refused []auth.Refusal) (string, error) {
	words := map[string]string{
		"file":   "encrypted file, unlocked by a passphrase (recommended)",
		"keyctl": "kernel keyring, until the next restart",
		"memory": "nowhere: sign in again every time",
	}
	for _, r := range refused {
		_, _ = fmt.Fprintf(a.err, "%s cannot be used: %s\n", r.Name, r.Reason)
	}
	_, _ = fmt.Fprintln(a.err, "Where shall the sign-in be kept?")
	for i, n := range names {
		_, _ = fmt.Fprintf(a.err, "  %d  %-8s %s\n", i+1, n, words[n])
	}
	// What is typed on after the program has ended goes to the shell, a passphrase too, so a slip is asked about again.
	for try := 1; ; try++ {
		answer, err := a.askText("Number", "1")
		if name := chosenOf(names, answer); err != nil || name != "" {
			return name, err
		}
		if try == storeTries {
			return "", usagef("%q is none of the choices", unity.Clean(answer))
		}
		_, _ = fmt.Fprintf(a.err, "%q is none of the choices.\n", unity.Clean(answer))
	}
}

// storeTries is how often a person is asked for a store.
const storeTries = 3

// chosenOf gives the name that was answered, as it is or by its number from 1, else "".
func chosenOf(names []string, answer string) string {
	for i, n := range names {
		if answer == strconv.Itoa(i+1) || answer == n {
			return n
		}
	}
	return ""
}
