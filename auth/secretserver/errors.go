package secretserver

import (
	"errors"
	"fmt"
	"strings"

	"github.com/unitty/unitty/auth"
)

// Sentinel errors of a reading. Errors of the sign-in to Secret Server match
// those of package auth, and so do ErrTokenDead (auth.ErrNeedsLogin) and
// ErrProtocol (auth.ErrProtocol).
var (
	// ErrDemand means that Secret Server asks for something before it shows the
	// secret: a comment, a checkout, an approval.
	ErrDemand = errors.New("something is asked for before the secret is shown")
	// ErrDenied means that the user may not read the secret.
	ErrDenied = errors.New("access to the secret denied")
	// ErrSecretNotFound means that there is no such secret for this user.
	ErrSecretNotFound = errors.New("no such secret")
	// ErrField means that a field is missing, empty or unusable.
	ErrField = errors.New("a field of the secret cannot be used")
	// ErrTokenDead means that the access token has expired or is not known.
	ErrTokenDead = errors.New("the Secret Server session has ended")
	// ErrProtocol means that the answer was not one of Secret Server.
	ErrProtocol = errors.New("unexpected answer of Secret Server")
)

// Demand is what Secret Server asks for before it shows a secret.
type Demand string

// The demands that are told apart by the server's text.
const (
	// DemandNone means that nothing was asked for.
	DemandNone Demand = ""
	// DemandComment: a comment has to be given.
	DemandComment Demand = "comment"
	// DemandCheckout: the secret has to be checked out, or somebody else holds it.
	DemandCheckout Demand = "checkout"
	// DemandApproval: somebody has to approve the access.
	DemandApproval Demand = "approval"
	// DemandTicket: a ticket number has to be given.
	DemandTicket Demand = "ticket"
	// DemandDoubleLock: the secret is locked with a second password.
	DemandDoubleLock Demand = "doublelock"
)

// Error is a failed reading. Its texts are sanitised and hold no value of the
// request and none of the secret.
type Error struct {
	// Op is what was tried, "read secret 126".
	Op string
	// Demand is what Secret Server asks for, or empty.
	Demand Demand
	// Status is the HTTP status, or 0.
	Status int
	// Code is the server's error code, or empty.
	Code string
	// Message is what the server said, or empty.
	Message string
	// Hint says in one sentence what happened and what to do.
	Hint string

	kinds []error
}

// Error returns one line.
func (e *Error) Error() string {
	text := e.Op + ": " + e.Hint
	var more []string
	if e.Status != 0 {
		more = append(more, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.Code != "" {
		more = append(more, e.Code)
	}
	if e.Message != "" {
		more = append(more, e.Message)
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}

// Unwrap gives the sentinel errors that this failure matches.
func (e *Error) Unwrap() []error { return e.kinds }

func failure(op, hint string, kinds ...error) *Error {
	return &Error{Op: op, Hint: hint, kinds: kinds}
}

// demandOf finds out from code and text what is asked for. The texts are the
// product's and differ between versions, so that only words are looked for.
func demandOf(code, message string) Demand {
	text := strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(code + " " + message))
	for _, d := range []struct {
		word   string
		demand Demand
	}{
		{"doublelock", DemandDoubleLock}, {"ticket", DemandTicket}, {"approv", DemandApproval}, {"requestaccess", DemandApproval},
		{"checkout", DemandCheckout}, {"checkedout", DemandCheckout}, {"comment", DemandComment},
	} {
		if strings.Contains(text, d.word) {
			return d.demand
		}
	}
	return DemandNone
}

// hint says what to do about a demand.
func (d Demand) hint(commented bool) string {
	switch d {
	case DemandComment:
		if commented {
			return "Secret Server does not accept the comment that was given"
		}
		return "Secret Server asks for a comment before it shows this secret: set comment in the profile's source"
	case DemandCheckout:
		return "the secret has to be checked out first; unitty never does that by itself, since a checkout may change the password: check it out in Secret Server and try again"
	case DemandApproval:
		return "the access has to be approved first: ask for it in Secret Server and try again"
	case DemandTicket:
		return "Secret Server asks for a ticket number, which unitty cannot give: choose a secret without that demand"
	default:
		return "the secret is protected by DoubleLock, which unitty cannot open: choose a secret without it"
	}
}

// refusal turns an answer that is not a success into an Error.
func refusal(op string, r answer, commented bool) *Error {
	e := &Error{Op: op, Status: r.status, Code: r.code, Message: r.message}
	switch demand := demandOf(r.code, r.message); {
	case r.status == 403 && r.rawMessage == expiredText, r.status == 401:
		e.Hint, e.kinds = "the Secret Server session has ended or the token is not known", []error{ErrTokenDead, auth.ErrNeedsLogin}
	case r.status >= 300 && r.status < 400:
		e.Hint, e.kinds = "Secret Server redirects to "+r.location+", which is not followed; check the address", []error{ErrProtocol, auth.ErrProtocol}
	case r.status == 408 || r.status == 429 || r.status >= 500:
		e.Hint, e.kinds = "Secret Server is not available now; try again later", []error{auth.ErrOutOfReach}
	case !r.json:
		e.Hint, e.kinds = "the address answers with something that is not Secret Server's API; check the address and its virtual directory", []error{ErrProtocol, auth.ErrProtocol}
	case (r.status == 202 || r.status == 400 || r.status == 403) && demand != DemandNone:
		e.Demand, e.Hint, e.kinds = demand, demand.hint(commented), []error{ErrDemand}
	case r.status == 404:
		e.Hint, e.kinds = "there is no such secret or field, or the user may not see it", []error{ErrSecretNotFound}
	case r.status == 400 || r.status == 403:
		e.Hint, e.kinds = "Secret Server refuses to show the secret", []error{ErrDenied}
	default:
		e.Hint, e.kinds = "unexpected answer of Secret Server", []error{ErrProtocol, auth.ErrProtocol}
	}
	return e
}
