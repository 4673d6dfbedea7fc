package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

type proxyFlags struct {
	listen, socket string
	allow          []string
	scope          []string
	yes            bool
	note           string
}

func (a *app) proxyCommand() *cobra.Command {
	var f proxyFlags
	c := &cobra.Command{Use: "proxy", Short: "A local door to the API that adds the token for scripts", Args: cobra.NoArgs,
		Long: `Serves the API to scripts of this user until it is interrupted: requests come without a token and leave with one. One
JSON line on standard output says where it listens.

On Unix it listens on a socket that only this user can reach; the host of the address is localhost. With --listen, and on
Windows, it listens on loopback and wants the random bearer of this run, which lies in a private file: bearer_file has it
bare, header_file as a line for curl -H @FILE. The Host has to be that of the listener, and requests of browsers are
refused.

  curl -sS --unix-socket "$socket" http://localhost/service/api/console/gsm/KEY/sites
  curl -sS -H @"$header_file" "$base_url"/service/api/console/gsm/KEY/sites

Paths below /service/api/console/gsm and /service/api/status pass; --allow adds others below /service/api. Reads pass.
A change is refused unless the proxy runs with --yes; then it passes the same gate as every other change, so a list of
endpoints has to name them. What destroys (uninstall, deactivate, change keycode), touches more than 25 machines, or
touches a whole group or site has to carry the right number of machines in the header X-Unitty-Expect, like --expect of
the other verbs. A read-only profile refuses every change. Each change is written into the audit before it is sent and
after the answer. What the proxy itself refuses has status 403 and the body of an error of the API.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.proxy(cmd.Context(), f) },
		Example: `  unitty proxy --socket "$XDG_RUNTIME_DIR/unitty.sock"  reads only, on a socket of that name
  unitty proxy --listen 127.0.0.1:0                     loopback and a bearer, for what speaks no sockets
  unitty proxy --scope SkyStatus.Reporting              with a token that is good for nothing else
  unitty proxy --yes --note TICKET-4711                 changes too, each written down with the ticket`}
	c.Flags().StringVar(&f.listen, "listen", "", "loopback address to listen on instead of a socket, for example 127.0.0.1:0")
	c.Flags().StringVar(&f.socket, "socket", "", "path of the socket, in a folder of mode 0700")
	c.Flags().StringArrayVar(&f.allow, "allow", nil, "further path below /service/api that passes; repeats")
	c.Flags().StringArrayVar(&f.scope, "scope", nil, "use a narrower token with this scope only; repeats")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "let changes pass")
	c.Flags().StringVar(&f.note, "note", "", "remark for the audit")
	return c
}

// defaultAllow are the paths that pass without --allow.
func defaultAllow() []string { return []string{"/service/api/console/gsm", "/service/api/status"} }

// allowed puts the paths together that pass, in lower case and without a slash at the end.
func (f *proxyFlags) allowed() ([]string, error) {
	out := defaultAllow()
	for _, p := range f.allow {
		clean := strings.TrimRight(strings.ToLower(p), "/")
		if _, err := unity.Inspect(http.MethodGet, clean, "", nil); err != nil || !strings.HasPrefix(clean, "/service/api/") || strings.ContainsAny(clean, "?%") {
			return nil, usagef("--allow takes a plain path below /service/api/, not %q", unity.Clean(p))
		}
		out = append(out, clean)
	}
	return out, nil
}

// proxyLine is the line that tells scripts where the proxy listens.
type proxyLine struct {
	Version    int    `json:"version"`
	Profile    string `json:"profile"`
	BaseURL    string `json:"base_url"`
	Socket     string `json:"socket,omitempty"`
	BearerFile string `json:"bearer_file,omitempty"`
	HeaderFile string `json:"header_file,omitempty"`
	GSMKey     string `json:"gsm_key"`
	Changes    bool   `json:"changes"`
}

func (a *app) proxy(ctx context.Context, f proxyFlags) error {
	allow, err := f.allowed()
	if err != nil {
		return err
	}
	scope, err := parseScope(f.scope)
	if err != nil {
		return err
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	if s.Key == "" && s.ClientID != "" && s.Username != "" {
		return usagef("the GSM key is missing: give --gsm-key, UNITTY_GSM_KEY, or run `%s`", a.loginLine())
	}
	if f.listen != "" && f.socket != "" {
		return usagef("--listen and --socket exclude each other")
	}
	sess, err := a.openProxied(ctx, s, scope)
	if err != nil {
		return err
	}
	defer sess.close()
	door := &door{app: a, sess: sess, allow: allow, yes: f.yes, note: f.note}
	l, err := openDoor(ctx, a.env, s, f)
	if err != nil {
		return err
	}
	defer l.close()
	door.hosts, door.bearer = l.hosts, l.bearer
	line := l.line
	line.Version, line.Profile, line.GSMKey, line.Changes = 1, s.Profile, s.Key.String(), f.yes && !s.ReadOnly
	return a.serveDoor(ctx, door, l, line)
}

// openProxied opens the sign-in, proves that there is a token, and starts the background refresh.
func (a *app) openProxied(ctx context.Context, s *settings, scope []string) (*session, error) {
	sess, tokens, err := a.openTokens(ctx, s, scope)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*session, error) {
		sess.close()
		return nil, err
	}
	if _, err := tokens.Token(ctx); err != nil {
		return fail(err)
	}
	if err := scopeMatches(scope, sess.engine.Status().Scopes); err != nil {
		return fail(err)
	}
	sess.engine.Start(ctx)
	sess.audit = dispatch.NewAudit(s.paths.auditFile(), s.Profile, s.RequireAudit)
	sess.client, err = unity.New(unity.Options{BaseURL: s.BaseURL, GSMKey: s.Key, Tokens: tokens, Version: version, Timeout: a.flags.timeout,
		ReadOnly: s.ReadOnly, Observe: sess.calls.add})
	if err != nil {
		return fail(err)
	}
	return sess, nil
}

// Times of the proxy's own server.
const (
	headerTime = 5 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 2 * time.Minute
	idleTime   = 2 * time.Minute
	// stopTime is how long requests under way are waited for at the end.
	stopTime = 45 * time.Second
)

// serveDoor answers requests until the context ends, and then lets those under way finish.
func (a *app) serveDoor(ctx context.Context, d *door, l *doorListener, line proxyLine) error {
	server := &http.Server{Handler: d, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: 16 << 10}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	raw, err := json.Marshal(line)
	if err == nil {
		_, err = fmt.Fprintf(a.out, "%s\n", raw)
	}
	if err != nil {
		_ = server.Close()
		<-done //nolint:errcheck // it was closed on purpose
		return err
	}
	select {
	case <-ctx.Done():
	case err := <-done:
		return fmt.Errorf("the proxy stopped: %w", err)
	}
	// Cancelled already: what is waited for now is the requests under way.
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := server.Shutdown(stopCtx); err != nil {
		_ = server.Close()
	}
	<-done //nolint:errcheck // it was closed on purpose
	return nil
}

// tokenTrouble tells whether a call failed for lack of a token, and whether a person has to sign in.
func tokenTrouble(err error) (lacking, signIn bool) {
	var e *unity.Error
	if !errors.As(err, &e) || e.Status != 0 || !errors.Is(err, unity.ErrUnauthenticated) {
		return false, false
	}
	return true, !errors.Is(err, auth.ErrOutOfReach) && !errors.Is(err, auth.ErrBusy) && !errors.Is(err, auth.ErrStore)
}
