package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

type loginFlags struct {
	secretsFD    int
	refreshToken bool
	username     string
	clientID     string
	noDefault    bool
}

func (a *app) loginCommand() *cobra.Command {
	var f loginFlags
	c := &cobra.Command{Use: "login", Short: "Sign in and remember the sign-in", Args: cobra.NoArgs,
		Long: `Signs in and stores the tokens; the password is used once and never stored.

Five items are needed: the console's keycode (GSM console: Settings, Account Information), a user name and password of
the console, and a client id and secret (Settings, API Access). What flags, environment and the profile do not say is
asked for; secrets are asked for without echo. --secrets-fd N reads a JSON object from descriptor N instead, with any of
username, password, client_id, client_secret, refresh_token, gsm_key and base_url.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.login(cmd.Context(), f) }}
	c.Flags().IntVar(&f.secretsFD, "secrets-fd", -1, "read credentials as JSON from this descriptor")
	c.Flags().BoolVar(&f.refreshToken, "refresh-token", false, "paste a refresh token instead of user and password")
	c.Flags().StringVar(&f.username, "username", "", "user name (e-mail address)")
	c.Flags().StringVar(&f.clientID, "client-id", "", "client id")
	return c
}

// secrets is what --secrets-fd reads.
type secrets struct {
	Username     string `json:"username"`
	Password     string `json:"password"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"` //nolint:gosec // the name of a field, not a secret
	RefreshToken string `json:"refresh_token"` //nolint:gosec // the name of a field, not a secret
	GSMKey       string `json:"gsm_key"`
	BaseURL      string `json:"base_url"`
}

func readSecrets(fd int) (secrets, error) {
	var s secrets
	if fd < 0 {
		return s, nil
	}
	f := os.NewFile(uintptr(fd), "secrets") //nolint:gosec // the caller's descriptor
	if f == nil {
		return s, usagef("--secrets-fd: %d is no open descriptor", fd)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return s, usagef("--secrets-fd: descriptor %d cannot be read", fd)
	}
	if json.Unmarshal(raw, &s) != nil {
		// The cause would quote what was read.
		return s, usagef("--secrets-fd: not a JSON object with texts")
	}
	return s, nil
}

func (a *app) login(ctx context.Context, f loginFlags) error {
	a.newProfile = true
	s, err := a.settings()
	if err != nil {
		return err
	}
	given, err := readSecrets(f.secretsFD)
	if err != nil {
		return err
	}
	creds, err := a.gather(s, f, given)
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	sess := &session{settings: s, calls: newCallLog(), store: store}
	defer sess.close()
	if err := a.openDebug(sess); err != nil {
		return err
	}
	if err := sess.connect(ctx, a.flags.timeout); err != nil {
		return err
	}
	shown := map[int]bool{}
	_, err = sess.signIn(ctx, creds, func(steps []step) { a.showSteps(steps, shown) })
	if err != nil {
		return err
	}
	p := profile{BaseURL: s.BaseURL, GSMKey: s.Key.String(), Username: s.Username, ClientID: s.ClientID, Scope: strings.Join(s.Scope, " "), Store: store.Name()}
	if store.Name() == "memory" {
		_, _ = fmt.Fprintln(a.err, "unitty: the sign-in works, but it was kept in memory only and ends with this command; set UNITTY_KEYRING=file and UNITTY_KEYRING_PASSPHRASE_FILE to keep it")
		p.Store = ""
	}
	if err := setProfile(s.paths.configFile(), s.Profile, p, s.config.DefaultProfile == ""); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.err, "Signed in. Profile %s, secrets in %s.\n", s.Profile, store.Name())
	return nil
}

// gather puts the five items together and asks for what is missing.
func (a *app) gather(s *settings, f loginFlags, given secrets) (auth.Credentials, error) {
	var err error
	if given.BaseURL != "" && a.flags.baseURL == "" {
		base, err := unity.ParseBaseURL(given.BaseURL)
		if err != nil {
			return auth.Credentials{}, usagef("%v", err)
		}
		s.BaseURL = base.String()
	}
	ask := f.secretsFD < 0
	text := func(label string, values ...string) string {
		known := trimPasted(firstOf(values...))
		if !ask || err != nil {
			return known
		}
		var answer string
		answer, err = a.askText(label, known)
		return trimPasted(answer)
	}
	key := text("GSM keycode", given.GSMKey, s.keyText())
	s.ClientID = text("Client id", given.ClientID, f.clientID, s.ClientID)
	s.Username = text("User name (e-mail)", given.Username, f.username, s.Username)
	if err != nil {
		return auth.Credentials{}, err
	}
	if s.Key, err = unity.ParseKeycode(key); err != nil {
		return auth.Credentials{}, usagef("GSM keycode: %v", err)
	}
	if s.ClientID == "" || s.Username == "" {
		return auth.Credentials{}, usagef("client id and user name are needed, also with a refresh token: they name the sign-in")
	}
	c := auth.Credentials{Username: s.Username, ClientID: s.ClientID, RefreshToken: auth.NewSecret(given.RefreshToken)}
	c.ClientSecret, err = a.secretOf("Client secret", ask, auth.NewSecret(given.ClientSecret), s.ClientSecret)
	if err != nil {
		return c, err
	}
	switch {
	case !c.RefreshToken.Empty():
		c.Username = ""
	case f.refreshToken:
		c.Username = ""
		c.RefreshToken, err = a.secretOf("Refresh token", ask, auth.Secret{}, auth.Secret{})
	default:
		c.Password, err = a.secretOf("Password", ask, auth.NewSecret(given.Password), s.Password)
	}
	return c, err
}

func (s *settings) keyText() string {
	if s.Key == "" {
		return ""
	}
	return s.Key.String()
}

func (a *app) secretOf(label string, ask bool, values ...auth.Secret) (auth.Secret, error) {
	for _, v := range values {
		if !v.Empty() {
			return v, nil
		}
	}
	if !ask {
		return auth.Secret{}, usagef("%s is missing", strings.ToLower(label))
	}
	v, err := a.askSecret(label)
	if errors.Is(err, errNoTerminal) {
		return v, usagef("%s is missing: there is no terminal to ask on; use the environment or --secrets-fd", strings.ToLower(label))
	}
	if err == nil && v.Empty() {
		return v, usagef("%s is empty", strings.ToLower(label))
	}
	return v, err
}

// trimPasted takes off what comes along when a value is copied out of a web page.
func trimPasted(s string) string {
	return strings.Trim(strings.TrimSpace(s), "\"'\u00a0\u200b\ufeff \t\r\n")
}

func (a *app) showSteps(steps []step, shown map[int]bool) {
	for i, s := range steps {
		if shown[i] || s.state != stepDone && s.state != stepFailed {
			continue
		}
		shown[i] = true
		mark := "ok"
		if s.state == stepFailed {
			mark = "FAILED"
		}
		_, _ = fmt.Fprintf(a.err, "%-7s %-14s %s\n", mark, s.name, unity.Clean(s.note))
	}
}

func (a *app) logoutCommand() *cobra.Command {
	return &cobra.Command{Use: "logout", Short: "Forget the sign-in of the profile", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		s, err := a.settings()
		if err != nil {
			return err
		}
		sess, err := a.open(cmd.Context(), s)
		if err != nil {
			return err
		}
		defer sess.close()
		before := sess.engine.Status()
		if err := sess.engine.SignOut(cmd.Context()); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(a.err, "The sign-in of profile "+s.Profile+" is forgotten here.")
		if now := time.Now(); before.RefreshExpiresAt.After(now) {
			_, _ = fmt.Fprintf(a.err, "The server would still accept the forgotten tokens: the access token until %s, the refresh token until %s. Only a password change in the GSM console ends them at once.\n",
				before.ExpiresAt.Local().Format("15:04:05"), before.RefreshExpiresAt.Local().Format("2006-01-02 15:04"))
		}
		return nil
	}}
}

// statusJSON is what `status -o json` prints.
type statusJSON struct {
	Profile, BaseURL, Username, ClientID string
	GSMKey                               string
	State                                string
	Store                                string
	Generation                           uint64
	AccessExpiresAt, RefreshExpiresAt    *time.Time
	Scopes                               []string
	Reach                                string
	Console                              string
	ReadOnly                             bool
	Text                                 string
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{Use: "status", Short: "Show the sign-in and whether the API answers", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return a.verb(cmd.Context(), a.status)
	}}
}

func (a *app) status(ctx context.Context, sess *session) error {
	_, tokenErr := sess.tokens().Token(ctx)
	st := sess.engine.Status()
	out := statusJSON{Profile: sess.settings.Profile, BaseURL: sess.settings.BaseURL, Username: sess.settings.Username, ClientID: sess.settings.ClientID,
		GSMKey: sess.settings.Key.String(), State: st.State.String(), Store: sess.store.Name(), Generation: st.Gen, Scopes: append([]string{}, st.Scopes...),
		ReadOnly: sess.settings.ReadOnly, Text: st.Text, Reach: "ok"}
	for _, t := range []struct {
		at time.Time
		to **time.Time
	}{{st.ExpiresAt, &out.AccessExpiresAt}, {st.RefreshExpiresAt, &out.RefreshExpiresAt}} {
		if !t.at.IsZero() {
			at := t.at.UTC().Truncate(time.Second)
			*t.to = &at
		}
	}
	err := tokenErr
	if tokenErr == nil {
		console, cerr := sess.client.Console(ctx)
		if cerr != nil {
			out.Reach, err = cerr.Error(), cerr
		} else {
			out.Console = console.Name.Raw()
		}
	} else if perr := unity.Probe(ctx, sess.settings.BaseURL, version, nil); perr != nil {
		out.Reach = perr.Error()
	}
	if a.flags.output == "json" || a.flags.output == "ndjson" || a.flags.jq != "" {
		return errors.Join(err, a.printValue(out))
	}
	for _, kv := range [][2]string{{"profile", out.Profile}, {"address", out.BaseURL}, {"console", firstOf(unity.Clean(out.Console), "-") + "  " + out.GSMKey},
		{"user", out.Username}, {"client", out.ClientID}, {"sign-in", out.State}, {"kept in", out.Store}, {"access until", localTime(st.ExpiresAt)},
		{"refresh until", localTime(st.RefreshExpiresAt)}, {"scopes", scopeWords(out.Scopes)}, {"API", unity.Clean(out.Reach)}, {"read-only", fmt.Sprint(out.ReadOnly)}} {
		_, _ = fmt.Fprintf(a.out, "%-14s %s\n", kv[0], kv[1])
	}
	return err
}

func localTime(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format("2006-01-02 15:04:05")
}
