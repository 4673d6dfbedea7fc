package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitSignIn      = 3
	exitPartly      = 4
	exitRefused     = 5
	exitUnreachable = 6
	exitInterrupted = 130
)

// usageError is a mistake of the caller.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// codeError carries an exit code; its text may be empty when everything has been said already.
type codeError struct {
	code int
	text string
}

func (e *codeError) Error() string { return e.text }

func refusedf(format string, args ...any) error {
	return &codeError{exitRefused, fmt.Sprintf(format, args...)}
}

// exitCode gives the exit code of an error.
func exitCode(err error) int {
	var (
		usage     *usageError
		coded     *codeError
		ambiguous *fleet.AmbiguousError
		syntax    *selector.SyntaxError
		scope     *selector.ScopeError
		answer    *unity.Error
		invalid   *change.InvalidError
	)
	switch {
	case err == nil, errors.Is(err, change.ErrUnchanged):
		return exitDone
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &invalid), errors.As(err, &ambiguous), errors.As(err, &syntax), errors.As(err, &scope), errors.Is(err, dispatch.ErrNoTargets):
		return exitUsage
	case errors.Is(err, unity.ErrRefused):
		return exitRefused
	case errors.Is(err, auth.ErrStore):
		return exitFailed
	case errors.Is(err, auth.ErrOutOfReach), errors.Is(err, auth.ErrBusy):
		return exitUnreachable
	case errors.Is(err, auth.ErrNeedsLogin), errors.Is(err, auth.ErrInvalidGrant), errors.Is(err, auth.ErrWrongPassword), errors.Is(err, auth.ErrInvalidClient),
		errors.Is(err, auth.ErrDenied), errors.Is(err, auth.ErrOtherAccount):
		return exitSignIn
	case errors.As(err, &answer) && answer.Status == http.StatusInternalServerError:
		return exitFailed
	case errors.Is(err, unity.ErrUnreachable), errors.Is(err, unity.ErrRateLimited), errors.Is(err, unity.ErrUnavailable):
		return exitUnreachable
	case errors.Is(err, unity.ErrUnauthenticated):
		return exitSignIn
	default:
		return exitFailed
	}
}

// printError says on one line what happened, the API's description, the request id and what to do.
func (a *app) printError(err error) {
	text := a.errorText(err)
	if text == "" {
		return
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = unity.Clean(lines[i])
	}
	line := "unitty: " + strings.Join(lines, "\n")
	if advice := a.advice(err); advice != "" {
		line += " — " + advice
	}
	_, _ = fmt.Fprintln(a.err, line)
}

// errorText is what happened. Of a call that was never made for want of a token only that want is told, and the advice says how to
// sign in.
func (a *app) errorText(err error) string {
	text := err.Error()
	var call *unity.Error
	var lacking *auth.Error
	if errors.As(err, &call) && call.Status == 0 && errors.Is(call, unity.ErrUnauthenticated) && errors.As(call, &lacking) {
		text = strings.ReplaceAll(text, call.Error(), lacking.Error())
	}
	if errors.As(err, &lacking) && a.advice(err) != "" {
		text = strings.ReplaceAll(text, lacking.Error(), strings.TrimSuffix(lacking.Error(), ": sign in first"))
	}
	return text
}

// loginLine is the command that signs the profile in use in.
func (a *app) loginLine() string {
	if a.flags.profile == "" {
		return "unitty login" // on the profile of the environment or the default one, as the verb that failed
	}
	return "unitty --profile " + unity.Clean(a.flags.profile) + " login"
}

// advice says what to do, in a few words.
func (a *app) advice(err error) string {
	var coded *codeError
	switch {
	case errors.As(err, &coded):
		return ""
	case errors.Is(err, auth.ErrStore):
		return "see `unitty config` for the store in use"
	case exitCode(err) == exitSignIn:
		return "sign in with `" + a.loginLine() + "`"
	case errors.Is(err, unity.ErrScope):
		return "ask your Webroot representative for the scope"
	case errors.Is(err, unity.ErrDenied):
		return "a super admin of the console can grant the right, or access to the site"
	case errors.Is(err, unity.ErrRateLimited), errors.Is(err, unity.ErrUnavailable):
		return "try again later"
	case errors.Is(err, unity.ErrUnreachable):
		return "check the network, the proxy and the address; `unitty doctor` tests them"
	case errors.Is(err, unity.ErrProtocol):
		return "something between here and the server may have answered in its place; --debug FILE records the calls"
	case errors.Is(err, unity.ErrRefused):
		return "nothing was sent"
	}
	return ""
}
