package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
	"github.com/unitty/unitty/unity"
)

// signInForm is the sign-in of the screens.
func (a *app) signInForm(ctx context.Context, s *screenOf) *ui.SignIn {
	set := s.current().settings
	entry := func(id, label, help, value string, secret bool) form.Field {
		return form.Field{ID: id, Label: label, Help: help, Value: value, Secret: secret}
	}
	focus := "gsm_key" // hardly anybody has another address
	switch {
	case set.ClientID != "" && set.Username != "":
		focus = "password"
	case set.keyText() != "":
		focus = "client_id"
	}
	return &ui.SignIn{
		Title: "Sign in", Focus: focus,
		Intro: "The password is used once and never stored.",
		Fields: []form.Field{
			entry("base_url", "Address", "the API's address; the vendor's own unless you test", set.BaseURL, false),
			entry("gsm_key", "GSM keycode", "GSM console: Settings, Account Information; with or without dashes", set.keyText(), false),
			entry("client_id", "Client id", "GSM console: Settings, API Access", set.ClientID, false),
			entry("client_secret", "Client secret", "shown once when the client was made; empty takes the stored one", "", true),
			entry("username", "User name", "the e-mail address of a console user", set.Username, false),
			entry("password", "Password", "of that user", "", true),
			entry("refresh_token", "Refresh token", "only instead of the password", "", true),
		},
		Run: func(ctx2 context.Context, values map[string]string, told func([]ui.Step)) ([]string, error) {
			return a.signInWith(ctx, ctx2, s, values, told)
		},
		Next: func() (*ui.Config, error) { return a.afterSignIn(ctx, s) },
	}
}

// signInWith signs in with the values of the form: on the session in use when they name its account, else on a new one.
func (a *app) signInWith(life, ctx context.Context, s *screenOf, values map[string]string, told func([]ui.Step)) ([]string, error) {
	old := s.current()
	set := *old.settings
	base, err := unity.ParseBaseURL(firstOf(values["base_url"], unity.DefaultBaseURL))
	if err != nil {
		return []string{"base_url"}, err
	}
	set.BaseURL, set.ClientID, set.Username = base.String(), trimPasted(values["client_id"]), trimPasted(values["username"])
	if set.Key, err = unity.ParseKeycode(trimPasted(values["gsm_key"])); err != nil {
		return []string{"gsm_key"}, err
	}
	if set.ClientID == "" || set.Username == "" {
		return []string{"client_id", "username"}, errors.New("client id and user name are needed: they name the sign-in")
	}
	creds := auth.Credentials{Username: set.Username, Password: auth.NewSecret(values["password"]), ClientID: set.ClientID,
		ClientSecret: auth.NewSecret(trimPasted(values["client_secret"])), RefreshToken: auth.NewSecret(trimPasted(values["refresh_token"]))}
	if !creds.RefreshToken.Empty() {
		creds.Username, creds.Password = "", auth.Secret{}
	} else if creds.Password.Empty() {
		return []string{"password"}, errors.New("the password is missing")
	}
	sess := old
	if old.engine == nil || set.account() != old.settings.account() || set.Key != old.settings.Key {
		sess = &session{settings: &set, store: old.store, calls: newCallLog(), log: old.log}
		if err := sess.connect(life, a.flags.timeout); err != nil {
			return nil, err
		}
	}
	faults, err := sess.signIn(ctx, creds, func(steps []step) { told(uiSteps(steps)) })
	if err != nil {
		if sess != old {
			sess.store = nil // it belongs to the session in use
			sess.close()
		}
		return faults, err
	}
	if sess != old {
		old.store = nil
		s.use(sess)
	}
	if s.demo {
		return nil, nil
	}
	return nil, setProfile(set.paths.configFile(), set.Profile, profile{BaseURL: set.BaseURL, GSMKey: set.Key.String(), Username: set.Username,
		ClientID: set.ClientID, Scope: strings.Join(set.Scope, " "), Store: pinned(sess.store)}, set.config.DefaultProfile == "")
}

func pinned(s auth.Store) string {
	if s.Name() == "memory" {
		return ""
	}
	return s.Name()
}

// afterSignIn gives the configuration to go on with when the sign-in was for another account, else nil.
func (a *app) afterSignIn(ctx context.Context, s *screenOf) (*ui.Config, error) {
	s.mu.Lock()
	fresh := len(s.old) > 0 && s.old[len(s.old)-1].store == nil
	if fresh {
		s.old = s.old[:len(s.old)-1]
	}
	s.mu.Unlock()
	if !fresh {
		return nil, nil
	}
	return a.uiConfig(ctx, s)
}

func uiSteps(steps []step) []ui.Step {
	out := make([]ui.Step, len(steps))
	for i, s := range steps {
		out[i] = ui.Step{Name: s.name, State: ui.StepState(s.state), Note: unity.Clean(s.note)}
	}
	return out
}
