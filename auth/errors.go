package auth

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Sentinel errors. Every error of this package matches one or more of them with
// errors.Is.
var (
	// ErrNeedsLogin means that only a new sign-in helps.
	ErrNeedsLogin = errors.New("sign-in needed")
	// ErrInvalidGrant means that the server refused the user's password or the
	// refresh token.
	ErrInvalidGrant = errors.New("the sign-in was refused")
	// ErrWrongPassword means that user name and password were refused.
	ErrWrongPassword = errors.New("user name or password refused")
	// ErrInvalidClient means that the client id or client secret was refused.
	ErrInvalidClient = errors.New("client id or client secret refused")
	// ErrScopeRefused means that the user may not have a scope that was asked for.
	ErrScopeRefused = errors.New("scope refused")
	// ErrBusy means that another process held the sign-in for too long.
	ErrBusy = errors.New("another process is busy with the sign-in")
	// ErrOutOfReach means that the server could not be reached or had trouble.
	ErrOutOfReach = errors.New("the sign-in server is out of reach")
	// ErrProtocol means that the answer was not one of a Unity API.
	ErrProtocol = errors.New("unexpected answer to the sign-in")
	// ErrInsecure means that the server could not prove who it is.
	ErrInsecure = errors.New("the server's certificate was not accepted")
	// ErrStore means that the secret store failed.
	ErrStore = errors.New("the secret store failed")
	// ErrDenied means that the server refuses fresh tokens again and again.
	ErrDenied = errors.New("the server refuses every new token")
	// ErrOtherAccount means that credentials belong to another account than the
	// engine's.
	ErrOtherAccount = errors.New("these credentials belong to another client id or user")
	// ErrClosed means that the engine has been closed.
	ErrClosed = errors.New("the sign-in engine is closed")
	// ErrNotFound means that a store has no item under a key.
	ErrNotFound = errors.New("no such item in the secret store")
	// ErrTooLarge means that an item does not fit into a store.
	ErrTooLarge = errors.New("the item is too large for the secret store")
)

// Class says what kind of failure a failed token request was, and with it what
// may be done next.
type Class string

// The classes of failures.
const (
	// ClassNone means no failure.
	ClassNone Class = ""
	// ClassGrant: the password or refresh token was refused.
	ClassGrant Class = "grant"
	// ClassClient: client id, client secret or grant type was refused. The
	// refresh token is not spent.
	ClassClient Class = "client"
	// ClassScope: a scope was refused. The refresh token is not spent.
	ClassScope Class = "scope"
	// ClassProtocol: the answer was not one of a token endpoint.
	ClassProtocol Class = "protocol"
	// ClassTransient: the request was certainly not processed.
	ClassTransient Class = "transient"
	// ClassAmbiguous: the request may have been processed.
	ClassAmbiguous Class = "ambiguous"
	// ClassSecurity: the server's certificate was not accepted.
	ClassSecurity Class = "security"
	// ClassBusy: another process held the lock.
	ClassBusy Class = "busy"
	// ClassStore: the secret store failed.
	ClassStore Class = "store"
	// ClassDenied: fresh tokens are refused by the resources.
	ClassDenied Class = "denied"
)

// Error is a failure of a sign-in or a refresh. Its texts are sanitised and
// never hold a value of the request.
type Error struct {
	// Op is what was tried: "sign in", "refresh", "widen", "load".
	Op string
	// Class is the kind of failure.
	Class Class
	// Status is the HTTP status, or 0.
	Status int
	// Code is the OAuth error code of the answer, or empty.
	Code string
	// Description is what the server said, or empty.
	Description string
	// RequestID is the server's id of the request, for its support.
	RequestID string
	// Hint says in one sentence what happened and what to do.
	Hint string
	// NotBefore is the time before which no process may try again, or zero.
	NotBefore time.Time

	kinds []error
}

// Error returns one line: what was tried where somebody has asked for it, what
// happened, what the server said.
func (e *Error) Error() string {
	var b strings.Builder
	switch e.Op {
	case "load", "refresh", "token": // done behind everybody's back: the word would explain nothing
	default:
		b.WriteString(e.Op + ": ")
	}
	switch {
	case e.Hint != "":
		b.WriteString(e.Hint)
	case len(e.kinds) > 0:
		b.WriteString(e.kinds[0].Error())
	default:
		b.WriteString(string(e.Class))
	}
	var more []string
	if e.Status != 0 {
		more = append(more, "HTTP "+strconv.Itoa(e.Status))
	}
	if e.Code != "" {
		more = append(more, e.Code)
	}
	if e.Description != "" {
		more = append(more, e.Description)
	}
	if e.RequestID != "" {
		more = append(more, "requestId "+e.RequestID)
	}
	if len(more) > 0 {
		b.WriteString(" (" + strings.Join(more, ", ") + ")")
	}
	return b.String()
}

// Unwrap gives the sentinel errors that this failure matches, and its cause.
func (e *Error) Unwrap() []error { return e.kinds }

// kindOf maps a class to the sentinel that it matches.
func kindOf(c Class) error {
	switch c {
	case ClassGrant:
		return ErrInvalidGrant
	case ClassClient:
		return ErrInvalidClient
	case ClassScope:
		return ErrScopeRefused
	case ClassProtocol:
		return ErrProtocol
	case ClassSecurity:
		return ErrInsecure
	case ClassBusy:
		return ErrBusy
	case ClassStore:
		return ErrStore
	case ClassDenied:
		return ErrDenied
	default:
		return ErrOutOfReach
	}
}

// fail builds an Error of a class; causes are matched by errors.Is but not
// printed, unless the hint repeats them.
func fail(op string, class Class, hint string, causes ...error) *Error {
	return &Error{Op: op, Class: class, Hint: hint, kinds: append([]error{kindOf(class)}, causes...)}
}

// asError returns err as an *Error, wrapping what is not one as a failure of
// the store, the only other thing that fails inside the engine.
func asError(op string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return fail(op, ClassStore, clean(err.Error(), 300), err)
}
