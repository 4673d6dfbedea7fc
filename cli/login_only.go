package cli

import (
	"context"
	"fmt"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// loginOnly takes the new secret of an API client and proves it on the stored sign-in.
func (a *app) loginOnly(ctx context.Context, f loginFlags) error {
	given, err := readSecrets(f.secretsFD)
	if err != nil {
		return err
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	secret, err := a.secretOf("New client secret", f.secretsFD < 0, auth.NewSecret(given.ClientSecret), s.ClientSecret)
	if err != nil {
		return err
	}
	// The override of the environment would stand in for the stored secret in every request.
	s.ClientSecret = auth.Secret{}
	sess, err := a.stored(ctx, s)
	if err != nil {
		return err
	}
	defer sess.close()
	if err := sess.engine.ReplaceClientSecret(ctx, secret); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.err, "The new client secret of profile %s works and is stored in %s; the sign-in goes on.\n", s.Profile, sess.store.Name())
	return nil
}

// stored opens the stored sign-in of the settings without starting what refreshes it in the background, and with it
// nothing but the engine. It wants no console key.
func (a *app) stored(ctx context.Context, s *settings) (*session, error) {
	if s.ClientID == "" || s.Username == "" {
		return nil, &codeError{exitSignIn, fmt.Sprintf("profile %q has no sign-in yet: run `%s`", s.Profile, a.loginLine())}
	}
	sess := &session{settings: s, calls: newCallLog()}
	if err := a.openDebug(sess); err != nil {
		return nil, err
	}
	var err error
	if sess.store, err = a.openStore(ctx, s); err == nil {
		sess.engine, err = auth.NewEngine(auth.Options{Account: s.account(), Store: sess.store, ClientSecret: s.ClientSecret, Scope: s.Scope,
			UserAgent: unity.UserAgent(version), Log: sess.log, Critical: gateOf(ctx).enter})
	}
	if err == nil {
		err = sess.engine.Load(ctx)
	}
	if err != nil {
		sess.close()
		return nil, err
	}
	return sess, nil
}
