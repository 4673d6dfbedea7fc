package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// defaultMinTTL is how long a printed token lives at least, unless told otherwise.
const defaultMinTTL = 60 * time.Second

type tokenFlags struct {
	minTTL time.Duration
	// chosen tells that minTTL was asked for and is not the default.
	chosen bool
	json   bool
	format string
	show   bool
	scope  []string
}

func (a *app) tokenCommand() *cobra.Command {
	var f tokenFlags
	c := &cobra.Command{Use: "token", Short: "Print an access token for scripts", Args: cobra.NoArgs,
		Long: `Prints an access token that is good for a while, and refreshes it first where it must. Any number of scripts may ask at
the same time: they share one sign-in, and a fresh token costs no network call. Ask each time instead of keeping it.

  curl -H "$(unitty token --format header)" …         puts it where other users see it (ps); better:
  unitty token --format header | curl -H @- …

--min-ttl is capped at half of the life that the server states; left at its default, at a quarter, so that a token is not
renewed before its time. --scope gets a narrower token, from a sign-in of its own that
is kept beside the main one, which never gets narrower; the first time it takes password and client secret, from the
environment or the terminal. Exit codes: 0 done, 3 sign-in needed, 5 standard output is a terminal and --show is missing,
6 out of reach or busy.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.chosen = cmd.Flags().Changed("min-ttl")
			return a.token(cmd.Context(), f)
		},
		Example: `  unitty token --format header | curl -sS -H @- https://unityapi.webrootcloudav.com/service/api/console/gsm/KEY/sites
  unitty token --json | jq -r .expires_at
  unitty token --min-ttl 5m
  unitty token --scope SkyStatus.Reporting`}
	c.Flags().DurationVar(&f.minTTL, "min-ttl", defaultMinTTL, "how long the token has to live at least")
	c.Flags().BoolVar(&f.json, "json", false, "print token, end of life and scope as JSON")
	c.Flags().StringVar(&f.format, "format", "plain", "plain or header (a line for curl -H @-)")
	c.Flags().BoolVar(&f.show, "show", false, "print even to a terminal")
	c.Flags().StringArrayVar(&f.scope, "scope", nil, "get a narrower token with this scope only; repeats")
	return c
}

// tokenJSON is what scripts read.
type tokenJSON struct {
	Version     int       `json:"version"`
	TokenType   string    `json:"token_type"`
	AccessToken string    `json:"access_token"`
	ExpiresAt   time.Time `json:"expires_at"`
	ExpiresIn   int64     `json:"expires_in"` // whole seconds
	Scope       string    `json:"scope"`
	Profile     string    `json:"profile"`
	Cache       bool      `json:"cache"` // always false: ask again instead of keeping the token
}

func (a *app) token(ctx context.Context, f tokenFlags) error {
	scope, err := a.checkToken(&f)
	if err != nil {
		return err
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	sess, tokens, err := a.openTokens(ctx, s, scope)
	if err != nil {
		return err
	}
	defer sess.close()
	token, st, err := lastingToken(ctx, tokens, sess.engine, f)
	if err != nil {
		return err
	}
	if err := scopeMatches(scope, st.Scopes); err != nil {
		return err
	}
	if !f.json {
		if f.format == "header" {
			token = "Authorization: Bearer " + token
		}
		_, err = fmt.Fprintln(a.out, token)
		return err
	}
	raw, err := json.Marshal(tokenJSON{Version: 1, TokenType: "Bearer", AccessToken: token, ExpiresAt: st.ExpiresAt.UTC().Truncate(time.Second),
		ExpiresIn: max(0, int64(time.Until(st.ExpiresAt)/time.Second)), Scope: strings.Join(st.Scopes, " "), Profile: s.Profile})
	if err != nil {
		return err
	}
	if a.flags.jq == "" {
		return a.printJSON(raw, nil)
	}
	jq, err := compileJQ(a.flags.jq)
	if err != nil {
		return err
	}
	return a.printJSON(raw, jq)
}

// checkToken refuses what cannot be meant, before anything is opened, and gives the narrower scope.
func (a *app) checkToken(f *tokenFlags) ([]string, error) {
	switch a.flags.output {
	case "json", "ndjson":
		f.json = true
	case "table", "csv":
		return nil, usagef("token prints plain text or JSON, not %s", a.flags.output)
	}
	f.json = f.json || a.flags.jq != ""
	switch {
	case f.format != "plain" && f.format != "header":
		return nil, usagef("--format is plain or header, not %q", unity.Clean(f.format))
	case f.json && f.format == "header":
		return nil, usagef("--json and --format header exclude each other")
	case f.minTTL < 0:
		return nil, usagef("--min-ttl is not negative")
	case a.tty && !f.show:
		return nil, refusedf("refused: a token on a terminal stays in its scrollback; send it to a command or a file, or say --show")
	}
	return parseScope(f.scope)
}

var scopeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*\.[A-Za-z][A-Za-z0-9]*$`)

// parseScope reads the values of --scope: names separated by blanks or commas. The result is sorted, since the order of
// the names does not make another sign-in.
func parseScope(values []string) ([]string, error) {
	var out []string
	for _, v := range values {
		names := strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' })
		if len(names) == 0 {
			return nil, usagef("--scope is empty")
		}
		for _, name := range names {
			if !scopeName.MatchString(name) {
				return nil, usagef("--scope: %q is not the name of a scope; one looks like Console.GSM", unity.Clean(name))
			}
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// scopeMatches checks that a narrower token is what was asked for: neither less, which would fail later and elsewhere,
// nor more.
func scopeMatches(asked, granted []string) error {
	if len(asked) == 0 {
		return nil
	}
	holds := func(list []string, name string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
	}
	for _, name := range asked {
		if !holds(granted, name) {
			return &codeError{exitFailed, "the server did not grant the scope " + name + "; Webroot can add it to the user"}
		}
	}
	for _, name := range granted {
		if !holds(asked, name) {
			return &codeError{exitFailed, "the server granted the scope " + unity.Clean(name) + " as well, so there is no narrower token"}
		}
	}
	return nil
}

// lastingToken gets a token that has the wanted time left. Where the server's tokens live shorter than that allows, a
// share of their life is enough. The default asks for no more than what is left when the background refresh is due: many
// scripts at once would otherwise renew every token before its time.
func lastingToken(ctx context.Context, tokens unity.TokenSource, engine *auth.Engine, f tokenFlags) (string, auth.Status, error) {
	for range 3 {
		token, err := tokens.Token(ctx)
		if err != nil {
			return "", auth.Status{}, err
		}
		st := engine.Status()
		if st.ExpiresAt.IsZero() || time.Until(st.ExpiresAt) >= f.least(st.ExpiresAt.Sub(st.IssuedAt)) {
			return token, st, nil
		}
		tokens.Reject(token)
	}
	return "", auth.Status{}, &codeError{exitUnreachable, "every token was too old before it could be printed; is this machine's clock right?"}
}

// least is the time that a token of the given life must have left.
func (f tokenFlags) least(life time.Duration) time.Duration {
	if f.chosen {
		return min(f.minTTL, life/2)
	}
	return min(f.minTTL, life/4)
}

// openTokens opens the sign-in of the settings for the sake of its tokens alone. With a scope it is a sign-in of its own
// beside the main one. Nothing runs in the background.
func (a *app) openTokens(ctx context.Context, s *settings, scope []string) (*session, unity.TokenSource, error) {
	if s.ClientID == "" || s.Username == "" {
		return nil, nil, a.noSignIn(s)
	}
	sess := &session{settings: s, calls: newCallLog()}
	if s.Source != nil {
		sess.vault = a.sourceTokens
	}
	err := a.openDebug(sess)
	if err == nil {
		sess.store, err = a.openStore(ctx, s)
	}
	if err != nil {
		sess.close()
		return nil, nil, err
	}
	var tokens unity.TokenSource
	if len(scope) > 0 {
		tokens, err = a.narrow(ctx, sess, scope)
	} else {
		sess.engine, err = auth.NewEngine(auth.Options{Account: s.account(), Store: sess.store, ClientSecret: s.ClientSecret, Scope: s.Scope,
			UserAgent: unity.UserAgent(version), Log: sess.log, Critical: gateOf(ctx).enter})
		tokens = sess.tokens()
	}
	if err != nil {
		sess.close()
		return nil, nil, err
	}
	return sess, tokens, nil
}

// narrow makes the engine of a narrower sign-in, whose slots, lock and everything else are its own.
func (a *app) narrow(ctx context.Context, sess *session, scope []string) (unity.TokenSource, error) {
	s := sess.settings
	var err error
	sess.engine, err = auth.NewEngine(auth.Options{Account: s.account(), Store: sess.store, ClientSecret: s.ClientSecret, Scope: scope, Narrow: true,
		UserAgent: unity.UserAgent(version), Log: sess.log, Critical: gateOf(ctx).enter})
	return &narrowTokens{app: a, settings: s, engine: sess.engine}, err
}

// narrowTokens are the tokens of a narrower sign-in. It cannot be widened.
type narrowTokens struct {
	app      *app
	settings *settings
	engine   *auth.Engine
}

// Token gives a token, after a sign-in where it takes one.
func (t *narrowTokens) Token(ctx context.Context) (string, error) {
	token, err := t.engine.Token(ctx)
	if err == nil || !errors.Is(err, auth.ErrNeedsLogin) {
		return token, err
	}
	c, err := t.credentials()
	if err != nil {
		return "", err
	}
	if err := t.engine.EnsureSignedIn(ctx, c); err != nil {
		return "", err
	}
	return t.engine.Token(ctx)
}

// Reject says that a token was not accepted.
func (t *narrowTokens) Reject(token string) { t.engine.Reject(token) }

// Accept says that a call with a token was answered.
func (t *narrowTokens) Accept(token string) { t.engine.Accept(token) }

// credentials are those of the environment, or what a person types.
func (t *narrowTokens) credentials() (auth.Credentials, error) {
	s := t.settings
	if !t.app.terminal && !s.fromEnvironment() {
		return auth.Credentials{}, &codeError{exitSignIn, "a narrower token comes from a sign-in of its own, which there is none of yet: set UNITTY_PASSWORD and UNITTY_CLIENT_SECRET for one call, or make it once on a terminal"}
	}
	secret, err := t.app.secretOf("Client secret", true, s.ClientSecret)
	if err != nil {
		return auth.Credentials{}, err
	}
	password, err := t.app.secretOf("Password of "+s.Username, true, s.Password)
	if err != nil {
		return auth.Credentials{}, err
	}
	return auth.Credentials{Password: password, ClientID: s.ClientID, ClientSecret: secret}, nil
}
