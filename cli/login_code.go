package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// codeSignIn sends the person to a browser and gives the sign-in with what is brought back. The API is tried first, so
// that nobody is sent to an address that does not answer.
func (a *app) codeSignIn(ctx context.Context, sess *session, f loginFlags, clientSecret auth.Secret) (func(context.Context) error, error) {
	s := sess.settings
	if err := unity.Probe(ctx, s.BaseURL, version, nil); err != nil {
		return nil, err
	}
	authorization, err := auth.NewAuthorization(s.account(), f.redirectURI, s.Scope)
	if err != nil {
		return nil, usagef("--code: %v", err)
	}
	_, _ = fmt.Fprintf(a.err, `Signing in by authorization code is unverified against the real service.
Open this address in any browser, sign in as %s and agree:

%s

The browser then ends at an address that begins with
%s
whether or not a page shows there. Copy the whole address and paste it here; it is not shown.
`, unity.Clean(s.Username), authorization.URL(), unity.Clean(f.redirectURI))
	pasted, err := a.askPasted(ctx, "Address")
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return sess.engine.SignInWithCode(ctx, clientSecret, authorization, pasted)
	}, nil
}

// maxPasted is the longest line that is taken from a paste.
const maxPasted = 64 << 10

// errCancelled tells that the person gave up.
var errCancelled = errors.New("cancelled")

// askPasted reads one long line without echo. A terminal in line mode cuts lines at 4096 bytes or less, and addresses
// with a code are longer at times, so it is read key by key.
func (a *app) askPasted(ctx context.Context, label string) (string, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("terminal: %w", err)
	}
	_, _ = fmt.Fprintf(a.err, "%s: ", label) // only now: what comes after it is not shown
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() { // ends with the line, or with the process
		text, err := readPasted(a.in)
		got <- answer{text, err}
	}()
	var r answer
	select {
	case r = <-got:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	_ = term.Restore(fd, before)
	_, _ = fmt.Fprintln(a.err)
	if errors.Is(r.err, errCancelled) {
		return "", &codeError{exitInterrupted, "cancelled: nothing was sent"}
	}
	return r.text, r.err
}

// readPasted reads keys up to Enter. Backspace and ctrl+u edit, ctrl+c and ctrl+d give up, everything else that is no
// text is left out: some terminals send marks around a paste.
func readPasted(in io.Reader) (string, error) {
	var line []byte
	key := make([]byte, 1)
	for {
		if n, err := in.Read(key); n == 0 {
			if err == nil {
				continue
			}
			return "", errCancelled
		}
		switch c := key[0]; c {
		case '\r', '\n':
			text := strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "").Replace(string(line))
			if strings.TrimSpace(text) != "" {
				return text, nil
			}
			line = line[:0]
		case 3, 4:
			return "", errCancelled
		case 21:
			line = line[:0]
		case 8, 127:
			line = line[:max(0, len(line)-1)]
		default:
			if (c >= ' ' || c == 0x1b) && len(line) < maxPasted {
				line = append(line, c)
			}
		}
	}
}
