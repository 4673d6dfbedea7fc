package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// stepState is where a step is.
type stepState int

const (
	stepWaiting stepState = iota
	stepRunning
	stepDone
	stepFailed
)

// step is one step of the sign-in.
type step struct {
	name  string
	state stepState
	note  string
}

// The steps, in order.
const (
	stepReach = iota
	stepStore
	stepClient
	stepUser
	stepScopes
	stepKey
	stepSites
)

func newSteps() []step {
	return []step{{name: "reach the API"}, {name: "secret store"}, {name: "API client"}, {name: "user"}, {name: "scopes"}, {name: "console key"}, {name: "sites"}}
}

// signIn signs in step by step and tells after each how it went. faults name the fields at fault, as far as the answers
// allow: base_url client_id client_secret username password gsm_key.
func (sess *session) signIn(ctx context.Context, c auth.Credentials, told func([]step)) (faults []string, err error) {
	return sess.signInBy(ctx, c, func(ctx context.Context) error { return sess.engine.SignIn(ctx, c) }, told)
}

// signInBy is signIn with another way to start the chain.
func (sess *session) signInBy(ctx context.Context, c auth.Credentials, start func(context.Context) error, told func([]step)) (faults []string, err error) {
	steps := newSteps()
	set := func(i int, s stepState, note string) {
		steps[i].state, steps[i].note = s, note
		told(append([]step(nil), steps...))
	}
	set(stepReach, stepRunning, sess.settings.BaseURL)
	if err := unity.Probe(ctx, sess.settings.BaseURL, version, nil); err != nil {
		set(stepReach, stepFailed, err.Error())
		return []string{"base_url"}, err
	}
	set(stepReach, stepDone, sess.settings.BaseURL)
	set(stepStore, stepRunning, sess.store.Name())
	if err := start(ctx); err != nil {
		at, faults := blame(err, c)
		if at > stepStore {
			set(stepStore, stepDone, sess.store.Name())
		}
		if at > stepClient {
			set(stepClient, stepDone, c.ClientID)
		}
		set(at, stepFailed, strings.TrimPrefix(err.Error(), "sign in: ")) // which the step says already
		return faults, err
	}
	set(stepStore, stepDone, sess.store.Name())
	set(stepClient, stepDone, c.ClientID)
	set(stepUser, stepDone, whoSigned(c))
	set(stepScopes, stepDone, scopeWords(sess.engine.Status().Scopes))
	set(stepKey, stepRunning, "")
	console, err := sess.client.Console(ctx)
	if err != nil {
		err = keyError(err)
		set(stepKey, stepFailed, err.Error())
		return []string{"gsm_key"}, err
	}
	set(stepKey, stepDone, console.Name.String())
	set(stepSites, stepRunning, "")
	list, err := sess.client.Sites(ctx)
	if err != nil {
		set(stepSites, stepFailed, err.Error())
		return nil, err
	}
	set(stepSites, stepDone, siteWords(list.Sites))
	return nil, nil
}

// whoSigned names the user, as far as it is known: a code or a pasted token may be anybody's.
func whoSigned(c auth.Credentials) string {
	switch {
	case c.Username != "":
		return c.Username
	case c.RefreshToken.Empty():
		return "by authorization code"
	default:
		return "by refresh token"
	}
}

// blame finds the step and the fields that an error of the sign-in points at.
func blame(err error, c auth.Credentials) (at int, faults []string) {
	switch {
	case errors.Is(err, auth.ErrStore):
		return stepStore, nil
	case errors.Is(err, auth.ErrOutOfReach), errors.Is(err, auth.ErrInsecure):
		return stepReach, []string{"base_url"}
	case errors.Is(err, auth.ErrInvalidClient):
		return stepClient, []string{"client_id", "client_secret"}
	case errors.Is(err, auth.ErrWrongPassword), errors.Is(err, auth.ErrInvalidGrant):
		if !c.RefreshToken.Empty() {
			return stepUser, []string{"refresh_token"}
		}
		return stepUser, []string{"username", "password"}
	case errors.Is(err, auth.ErrScopeRefused):
		return stepScopes, nil
	default:
		return stepClient, nil
	}
}

// keyError says of a console that is not there for the user that the sign-in itself is good.
func keyError(err error) error {
	if errors.Is(err, unity.ErrDenied) || errors.Is(err, unity.ErrNotFound) {
		return fmt.Errorf("the user is signed in, but this keycode is not a console of theirs: %w", err)
	}
	return err
}

func scopeWords(scopes []string) string {
	if len(scopes) == 0 {
		return "not stated by the server"
	}
	text := ""
	for i, s := range scopes {
		if i > 0 {
			text += " "
		}
		text += unity.Clean(s)
	}
	return text
}

// siteWords says how many sites the user sees: API users without site access look like empty consoles otherwise.
func siteWords(sites []unity.Site) string {
	visible := 0
	for i := range sites {
		if sites[i].Visible() {
			visible++
		}
	}
	text := numbered(visible, "site") + " visible"
	if hidden := len(sites) - visible; hidden > 0 {
		text += fmt.Sprintf(", %d without access", hidden)
	}
	return text
}
