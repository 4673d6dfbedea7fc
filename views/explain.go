package views

import (
	"context"
	"errors"
	"strings"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
)

// Advice says what to do about an error, in one sentence.
func Advice(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "It was cancelled; reload to read it again."
	case errors.Is(err, unity.ErrScope):
		return "Ask your Webroot representative for the scope; everything else goes on working."
	case errors.Is(err, unity.ErrUnauthenticated):
		return "Sign in again: F2, or `unitty login`."
	case errors.Is(err, unity.ErrDenied):
		return "A super admin of the console can grant the right, or access to the site."
	case errors.Is(err, unity.ErrNotFound):
		return "It may have been removed or moved meanwhile; reload the list."
	case errors.Is(err, unity.ErrRateLimited):
		return "The server asks for fewer calls; wait a minute and reload."
	case errors.Is(err, unity.ErrUnsupported):
		return "This server does not offer it."
	case errors.Is(err, unity.ErrUnavailable):
		return "The server has trouble; what is shown is the last state read. Reload later."
	case errors.Is(err, unity.ErrUnreachable):
		return "Check the network, the proxy and the base URL; `unitty doctor` tests them."
	case errors.Is(err, unity.ErrProtocol):
		return "Something between here and the server may have answered in its place; `L` shows the calls."
	case errors.Is(err, unity.ErrRefused):
		return "Nothing was sent."
	case errors.Is(err, unity.ErrConflict), errors.Is(err, unity.ErrInvalid):
		return "The server did not accept the request; nothing was changed."
	}
	return ""
}

// Explain turns an error into what a person reads.
func Explain(err error) ui.Problem {
	p := ui.Problem{Text: unity.Clean(err.Error()), Advice: Advice(err), SignIn: errors.Is(err, unity.ErrUnauthenticated)}
	var e *unity.Error
	if !errors.As(err, &e) {
		return p
	}
	p.Title = e.Kind.Error()
	// The title says the kind already.
	if text := strings.TrimPrefix(p.Text, p.Title); strings.HasPrefix(text, ": ") || strings.HasPrefix(text, " (") {
		p.Text = strings.TrimPrefix(strings.TrimSpace(text), ": ")
	}
	p.Status, p.Code, p.RequestID, p.Method, p.Path = e.Status, unity.Clean(e.Code), e.RequestID, e.Method, unity.Clean(e.Path)
	return p
}
