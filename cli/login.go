package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

type loginFlags struct {
	secretsFD    int
	refreshToken bool
	code         bool
	redirectURI  string
	only         string
	username     string
	clientID     string
	source       sourceFlags
}

func (a *app) loginCommand() *cobra.Command {
	var f loginFlags
	c := &cobra.Command{Use: "login", Short: "Sign in and remember the sign-in", Args: cobra.NoArgs,
		Long: `Signs in and stores the tokens; the password is used once and never stored.

Five items are needed: the console's keycode (GSM console: Settings, Account Information), a user name and password of
the console, and a client id and secret (Settings, API Access). What flags, environment and the profile do not say is
asked for; secrets are asked for without echo. --secrets-fd N reads a JSON object from descriptor N instead, with any of
username, password, client_id, client_secret, refresh_token, gsm_key and base_url.

Other ways in:
  --refresh-token        a refresh token that was issued elsewhere is pasted instead of the password.
  --code --redirect-uri  no password is typed here: the address of a page is printed, you open it in any browser, on
                         any machine, agree there, and paste the address that the browser ends at, which need not
                         show a page. The redirect address is the one that is registered with the API client. This
                         way is built from the documentation and unverified against the real service.
  --from secretserver    the items are fields of a secret in Delinea Secret Server: its address, the secret and the user
                         come from --source-… or [profiles.NAME.source]; the vault's password is asked for, and a
                         one-time code. The password of Unity is used once and forgotten.
  --only client-secret   after the client's secret was rotated: takes the new one and proves it by one refresh. The
                         stored sign-in goes on, no password is needed; when the proof fails nothing changes.

Exit codes: 0 done, 1 store or console at fault, 2 usage, 3 refused, 6 out of reach or busy, 130 interrupted.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags().Changed("redirect-uri"), cmd.Flags().Changed("only")); err != nil {
				return err
			}
			if f.only != "" {
				return refusedHere(a.loginOnly(cmd.Context(), f))
			}
			return refusedHere(a.login(cmd.Context(), f))
		},
		Example: `  unitty login                                    ask for what is missing
  unitty --profile acme login                     a second console or user beside the first
  UNITTY_KEYRING=file unitty login                keep the sign-in in the encrypted file
  unitty login --secrets-fd 3 3<credentials.json  from a script, without a terminal
  unitty login --only client-secret               after the client's secret was rotated
  unitty login --code --redirect-uri https://msp.example/callback
  unitty login --from secretserver --source-url https://vault.example/SecretServer --source-secret 4711`}
	c.Flags().IntVar(&f.secretsFD, "secrets-fd", -1, "read credentials as JSON from this descriptor")
	c.Flags().BoolVar(&f.refreshToken, "refresh-token", false, "paste a refresh token instead of user and password")
	c.Flags().BoolVar(&f.code, "code", false, "sign in by authorization code, in a browser (unverified against the real service)")
	c.Flags().StringVar(&f.redirectURI, "redirect-uri", "", "redirect address that is registered with the API client, for --code")
	c.Flags().StringVar(&f.only, "only", "", "replace one item of a sign-in that exists: client-secret")
	c.Flags().StringVar(&f.username, "username", "", "user name (e-mail address)")
	c.Flags().StringVar(&f.clientID, "client-id", "", "client id")
	f.source.flags(c)
	return c
}

// refusedHere takes the advice to sign in from an error of a sign-in: it is being followed.
func refusedHere(err error) error {
	var coded *codeError
	if exitCode(err) != exitSignIn || errors.As(err, &coded) {
		return err
	}
	return &codeError{exitSignIn, err.Error()}
}

// check refuses flags that do not go together, before anything is asked.
func (f *loginFlags) check(redirectGiven, onlyGiven bool) error {
	if err := f.source.check(); err != nil {
		return err
	}
	switch {
	case onlyGiven && f.only != "client-secret":
		return usagef("--only takes client-secret, not %q", unity.Clean(f.only))
	case onlyGiven && (f.code || f.refreshToken || f.username != "" || f.clientID != "" || redirectGiven):
		return usagef("--only client-secret goes on with the stored sign-in: it takes no other way in, user name or client id")
	case f.source.from != "" && (f.code || f.refreshToken || onlyGiven):
		return usagef("--from is a way in of its own: it takes no --code, --refresh-token or --only")
	case f.code && f.refreshToken:
		return usagef("--code and --refresh-token are two ways in: take one")
	case f.code && f.redirectURI == "":
		return usagef("--code needs --redirect-uri: the address that is registered with the API client")
	case f.code:
		if err := auth.CheckRedirectURI(f.redirectURI); err != nil {
			return usagef("--redirect-uri: %v", err)
		}
	case redirectGiven:
		return usagef("--redirect-uri is for --code only")
	}
	return nil
}

func (a *app) login(ctx context.Context, f loginFlags) error {
	a.newProfile = true
	if f.code && !a.terminal {
		return usagef("--code needs a terminal: the address that the browser ends at is pasted there")
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	given, err := readSecrets(f.secretsFD)
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	sess := &session{settings: s, calls: newCallLog(), store: store}
	defer sess.close()
	if f.source.from != "" {
		if given, err = a.readSource(ctx, s, f.source, store, given); err != nil {
			return err
		}
	}
	creds, err := a.gather(s, f, given)
	if err != nil {
		return err
	}
	if err := a.openDebug(sess); err != nil {
		return err
	}
	if err := sess.connect(ctx, a.flags.timeout); err != nil {
		return err
	}
	start := func(ctx context.Context) error { return sess.engine.SignIn(ctx, creds) }
	if f.code {
		if start, err = a.codeSignIn(ctx, sess, f, creds.ClientSecret); err != nil {
			return err
		}
	}
	shown := map[int]bool{}
	if _, err = sess.signInBy(ctx, creds, start, func(steps []step) { a.showSteps(steps, shown) }); err != nil {
		return err
	}
	return a.remember(sess)
}

// remember writes the profile of a sign-in that worked.
func (a *app) remember(sess *session) error {
	s := sess.settings
	p := profile{BaseURL: s.BaseURL, GSMKey: s.Key.String(), Username: s.Username, ClientID: s.ClientID, Scope: strings.Join(s.Scope, " "), Store: pinned(sess.store)}
	if p.Store == "" {
		_, _ = fmt.Fprintln(a.err, "unitty: the sign-in works, but it was kept in memory only and ends with this command; set UNITTY_KEYRING=file and UNITTY_KEYRING_PASSPHRASE_FILE to keep it")
	}
	if err := setProfile(s.paths.configFile(), s.Profile, p, s.config.DefaultProfile == ""); err != nil {
		return err
	}
	if s.Source != nil {
		if err := setSource(s.paths.configFile(), s.Profile, *s.Source); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(a.err, "Signed in. Profile %s, secrets in %s.\n", s.Profile, sess.store.Name())
	return nil
}

func (a *app) showSteps(steps []step, shown map[int]bool) {
	for i, s := range steps {
		if shown[i] || s.state != stepDone && s.state != stepFailed {
			continue
		}
		shown[i] = true
		line := fmt.Sprintf("%-7s %-14s %s", "ok", s.name, unity.Clean(s.note))
		if s.state == stepFailed { // the error of the verb says why
			line = fmt.Sprintf("%-7s %s", "FAILED", s.name)
		}
		_, _ = fmt.Fprintln(a.err, line)
	}
}
