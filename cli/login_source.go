package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/secretserver"
	"github.com/unitty/unitty/unity"
)

// sourceFlags name a vault that the credentials are read from; what they leave out comes from [profiles.NAME.source].
type sourceFlags struct {
	from, url, secret, user, comment string
	keep                             bool
}

func (f *sourceFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.from, "from", "", "read the credentials from a vault: secretserver")
	c.Flags().StringVar(&f.url, "source-url", "", "address of the vault, with its virtual directory")
	c.Flags().StringVar(&f.secret, "source-secret", "", `id or path of the secret, for example 126 or '\MSP\Webroot GSM'`)
	c.Flags().StringVar(&f.user, "source-user", "", `user of the vault; DOMAIN\user names the domain too`)
	c.Flags().StringVar(&f.comment, "source-comment", "", "reason that is given for reading the secret")
	c.Flags().BoolVar(&f.keep, "keep-session", false, "keep the vault's session, so that the secret can be read again without its password")
}

func (f *sourceFlags) check() error {
	switch {
	case f.from == "" && (f.url != "" || f.secret != "" || f.user != "" || f.comment != "" || f.keep):
		return usagef("--source-… and --keep-session go with --from secretserver")
	case f.from != "" && f.from != secretserver.Kind:
		return usagef("--from takes secretserver, not %q", unity.Clean(f.from))
	}
	return nil
}

// sourceConfig is the profile's source with the flags over it.
func (s *settings) sourceConfig(f sourceFlags) secretserver.Config {
	var c secretserver.Config
	if s.Source != nil {
		c = *s.Source
	}
	c.Kind = secretserver.Kind
	c.URL, c.Secret = firstOf(f.url, c.URL), firstOf(f.secret, c.Secret)
	c.Username, c.Comment = firstOf(f.user, c.Username), firstOf(f.comment, c.Comment)
	c.KeepSession = c.KeepSession || f.keep
	if s.Key == "" && c.Fields.GSMKey == "" {
		c.Fields.GSMKey = "gsm-key" // nothing else says which console
	}
	return c
}

// openSource opens the vault. Its password is asked for only where a person can answer, or was handed over.
func (a *app) openSource(c secretserver.Config, store auth.Store, given secrets) (*secretserver.Source, error) {
	o := secretserver.Options{Config: c, Store: store, UserAgent: unity.UserAgent(version), Bearer: auth.NewSecret(given.SourceToken)}
	if given.SourcePassword != "" || a.terminal && !a.fullScreen {
		o.Login = func(_ context.Context, ask secretserver.Ask) (secretserver.Login, error) {
			if given.SourcePassword != "" {
				return secretserver.Login{Password: auth.NewSecret(given.SourcePassword), OTP: auth.NewSecret(given.SourceOTP)}, nil
			}
			if ask.Reason != "" {
				_, _ = fmt.Fprintf(a.err, "%s (%s)\n", unity.Clean(ask.Reason), unity.Clean(ask.URL))
			}
			password, err := a.askSecret("Password of " + unity.Clean(ask.Username))
			if err != nil {
				return secretserver.Login{}, err
			}
			otp, err := a.askText("One-time code (empty for none)", "")
			return secretserver.Login{Password: password, OTP: auth.NewSecret(otp)}, err
		}
	}
	source, err := secretserver.New(o)
	if err != nil {
		return nil, usagef("source: %v", err)
	}
	return source, nil
}

// readSource reads the items of a sign-in from the vault.
func (a *app) readSource(ctx context.Context, s *settings, f sourceFlags, store auth.Store, given secrets) (secrets, error) {
	c := s.sourceConfig(f)
	var err error
	for _, x := range []struct {
		label string
		value *string
	}{{"Secret Server address", &c.URL}, {"Secret (id or path)", &c.Secret}, {"Secret Server user", &c.Username}} {
		if *x.value == "" && err == nil && (given.SourceToken == "" || x.value != &c.Username) {
			if *x.value, err = a.askText(x.label, ""); err == nil && *x.value == "" {
				err = usagef("%s is missing", x.label)
			}
		}
	}
	if err != nil {
		return given, err
	}
	source, err := a.openSource(c, store, given)
	if err != nil {
		return given, err
	}
	reading, err := source.Read(ctx)
	err = errors.Join(err, source.Close(context.WithoutCancel(ctx)))
	if err != nil {
		return given, err
	}
	if reading.Notice != "" {
		_, _ = fmt.Fprintln(a.err, "unitty: "+unity.Clean(reading.Notice))
	}
	s.Source = &c
	given.Username, given.Password = reading.Credentials.Username, reading.Credentials.Password.Reveal()
	given.ClientID, given.ClientSecret = reading.Credentials.ClientID, reading.Credentials.ClientSecret.Reveal()
	given.GSMKey = firstOf(given.GSMKey, reading.GSMKey)
	return given, nil
}

// setSource writes [profiles.NAME.source]; it holds no secret.
func setSource(path, name string, c secretserver.Config) error {
	keys := [][2]string{{"kind", quote(c.Kind)}, {"url", quote(c.URL)}, {"secret", quote(c.Secret)}, {"username", quote(c.Username)},
		{"domain", quote(c.Domain)}, {"comment", quote(c.Comment)}}
	if c.KeepSession {
		keys = append(keys, [2]string{"keep_session", strconv.FormatBool(true)})
	}
	return editConfig(path, func(text string) string { return setKeys(text, "profiles."+name+".source", keys) })
}

// sourceTokens reads the vault again when Unity needs a sign-in: by the session that was kept, or by a password where a
// person can be asked.
func (a *app) sourceTokens(sess *session) unity.TokenSource {
	return &signingTokens{Engine: sess.engine, credentials: func(ctx context.Context) (auth.Credentials, error) {
		source, err := a.openSource(*sess.settings.Source, sess.store, secrets{})
		if err != nil {
			return auth.Credentials{}, err
		}
		reading, err := source.Read(ctx)
		return reading.Credentials, errors.Join(err, source.Close(context.WithoutCancel(ctx)))
	}}
}

// forgetVault ends the session of the vault and wipes what was kept of it.
func (a *app) forgetVault(ctx context.Context, s *settings, store auth.Store) error {
	source, err := a.openSource(*s.Source, store, secrets{})
	if err != nil {
		return err
	}
	return errors.Join(source.Forget(ctx), source.Close(context.WithoutCancel(ctx)))
}
