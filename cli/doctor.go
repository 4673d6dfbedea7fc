package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// doctorReport is what `doctor -o json` prints. It holds no token, no password and no client secret.
type doctorReport struct {
	Version, Go  string
	Profile      string
	BaseURL      string
	Verdict      string // ok, wrong, sign-in needed or out of reach
	Stores       []storeCheck
	Lock         *lockCheck
	SignIn       signInCheck
	Network      networkCheck
	Scopes       []scopeCheck
	Sites        *sitesCheck
	Dependencies []dependency
	Problems     []string
	Warnings     []string
	ProbeAuth    []probeAnswer `json:",omitempty"`
}

// signInCheck tells about the chain of tokens, never about their values.
type signInCheck struct {
	State                                            string
	Store                                            string
	Generation                                       uint64
	AccessIssuedAt, AccessExpiresAt                  *time.Time
	AccessAgeSeconds, AccessLifeSeconds              int64
	RefreshExpiresAt                                 *time.Time
	Text                                             string
	needed, unreachable, storeFailed, wrongOtherwise bool
}

// scopeCheck tells whether the token may show a view.
type scopeCheck struct {
	View    string
	Scope   string
	Granted bool
}

// sitesCheck counts the sites that the user sees.
type sitesCheck struct {
	Console       string
	Visible       int
	WithoutAccess int
}

func (a *app) doctorCommand() *cobra.Command {
	var probe bool
	c := &cobra.Command{Use: "doctor", Short: "Check sign-in, secret stores, network and rights", Args: cobra.NoArgs,
		Long: `Checks what a sign-in depends on and says what is wrong: which secret stores work here and why the others do not, the
lock, the age of the tokens (never their values), the clock, the proxy, the reach of the API, the scopes that the views
need, the sites, and the versions of what keeps secrets safe. Each store that is tried gets a test item that is taken
away again.

--probe-auth finds out, on the real server and after asking, what its documentation leaves open: it signs in twice more
and reuses a spent refresh token of one of these sign-ins on purpose. On some servers that ends other sign-ins of the
same user.

Exit codes: 0 all is well, 1 something is wrong, 3 a sign-in is needed, 6 the API is out of reach.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), probe) },
		Example: `  unitty doctor                                  everything, for people
  unitty doctor -o json >report.json             the same for a ticket; it holds no secret
  unitty doctor --jq '.Scopes[] | select(.Granted | not) | .View'
  unitty --profile acme doctor --probe-auth      ask first, then try how the server treats tokens`}
	c.Flags().BoolVar(&probe, "probe-auth", false, "find out how the server treats tokens; asks first")
	return c
}

func (a *app) doctor(ctx context.Context, probe bool) error {
	if a.flags.output == "csv" {
		return usagef("doctor prints a table or JSON, not csv")
	}
	if probe && !a.terminal {
		return refusedf("refused: --probe-auth asks first, and there is no terminal")
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	if s.Key == "" && probe {
		return usagef("--probe-auth needs the GSM key of the console: --gsm-key or UNITTY_GSM_KEY")
	}
	r := &doctorReport{Version: version, Go: runtime.Version(), Profile: s.Profile, BaseURL: s.BaseURL, Stores: []storeCheck{}, Scopes: []scopeCheck{},
		Problems: []string{}, Warnings: []string{}}
	store, err := a.doctorStore(ctx, s)
	if err != nil {
		r.SignIn.storeFailed = true
		r.problem("secret store: %s", err.Error())
	} else if store != nil {
		defer func() { _ = store.Close() }()
	}
	r.Stores = checkStores(ctx, s, store, err)
	r.checkDependencies()
	r.checkProfiles(s)
	r.Network = checkNetwork(ctx, s.BaseURL)
	if store != nil {
		if err := a.checkSignIn(ctx, s, store, r, probe); err != nil {
			return err
		}
	} else if err == nil {
		r.SignIn.State, r.SignIn.needed = auth.SignedOut.String(), true
		r.SignIn.Text = fmt.Sprintf("profile %q has no sign-in yet", s.Profile)
	}
	return a.report(r)
}

// doctorStore opens the store that the profile's sign-in lies in; without a sign-in there is none. Nothing is chosen here,
// so nobody is asked but for the passphrase of a store that is in use.
func (a *app) doctorStore(ctx context.Context, s *settings) (auth.Store, error) {
	if s.ClientID == "" || s.Username == "" {
		return nil, nil
	}
	named := s.Store != "" && s.Store != "auto" || s.Pinned != "" && s.Pinned != "auto"
	store, _, err := auth.Choose(ctx, auth.ChooseOptions{Name: s.Store, Pinned: s.Pinned, Dir: s.paths.secrets(), PassphraseFile: s.PassphraseFile,
		Interactive: a.terminal && named, Prompt: a.promptPassphrase})
	return store, err
}

// checkSignIn looks at the chain and, with its token, at the console.
func (a *app) checkSignIn(ctx context.Context, s *settings, store auth.Store, r *doctorReport, probe bool) error {
	engine, err := auth.NewEngine(auth.Options{Account: s.account(), Store: store, ClientSecret: s.ClientSecret, Scope: s.Scope, UserAgent: unity.UserAgent(version),
		Critical: gateOf(ctx).enter})
	if err != nil {
		r.SignIn.wrongOtherwise = true
		r.problem("sign-in: %s", err.Error())
		return nil
	}
	// The store is closed by the caller.
	sess := &session{settings: s, engine: engine, calls: newCallLog()}
	defer sess.close()
	before := checkLock(engine)
	_, terr := sess.tokens().Token(ctx)
	if r.Lock = checkLock(engine); r.Lock != nil {
		if before != nil && before.HeldBy != 0 {
			r.Lock.HeldBy = before.HeldBy
		}
		if r.Lock.Problem != "" {
			r.problem("lock: %s", r.Lock.Problem)
		}
	}
	r.describeSignIn(engine.Status(), store, terr)
	if terr == nil && s.Key != "" {
		r.checkConsole(ctx, s, sess, a.flags.timeout)
	}
	if !probe {
		return nil
	}
	answers, err := a.probeAuth(ctx, sess)
	r.ProbeAuth = answers
	return err
}

// describeSignIn tells about the chain after a token was asked for.
func (r *doctorReport) describeSignIn(st auth.Status, store auth.Store, err error) {
	c := &r.SignIn
	c.State, c.Store, c.Generation, c.Text = st.State.String(), store.Name(), st.Gen, unity.Clean(st.Text)
	now := time.Now()
	moment := func(at time.Time) *time.Time {
		if at.IsZero() {
			return nil
		}
		at = at.UTC().Truncate(time.Second)
		return &at
	}
	c.AccessIssuedAt, c.AccessExpiresAt, c.RefreshExpiresAt = moment(st.IssuedAt), moment(st.ExpiresAt), moment(st.RefreshExpiresAt)
	if !st.IssuedAt.IsZero() {
		c.AccessAgeSeconds = int64(now.Sub(st.IssuedAt) / time.Second)
	}
	if !st.ExpiresAt.IsZero() {
		c.AccessLifeSeconds = int64(st.ExpiresAt.Sub(st.IssuedAt) / time.Second)
	}
	if left := st.RefreshExpiresAt.Sub(now); err == nil && !st.RefreshExpiresAt.IsZero() && left < 48*time.Hour {
		r.warn("the sign-in ends in %s unless it is used", left.Round(time.Minute))
	}
	switch code := exitCode(err); {
	case err == nil:
	case code == exitSignIn:
		c.needed = true
	case code == exitUnreachable:
		c.unreachable = true
	case errors.Is(err, auth.ErrStore):
		c.storeFailed = true
	default:
		c.wrongOtherwise = true
	}
	if err != nil {
		c.Text = unity.Clean(err.Error())
		r.problem("sign-in: %s", c.Text)
	}
}

func (r *doctorReport) problem(format string, args ...any) {
	r.Problems = append(r.Problems, unity.Clean(fmt.Sprintf(format, args...)))
}

func (r *doctorReport) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, unity.Clean(fmt.Sprintf(format, args...)))
}

// verdict gives the exit code. A server out of reach comes first, since little else can be judged then; a broken store
// comes before the sign-in that is missing because of it.
func (r *doctorReport) verdict() (string, int) {
	switch {
	case !r.Network.Reached, r.SignIn.unreachable:
		return "out of reach", exitUnreachable
	case r.SignIn.storeFailed:
		return "wrong", exitFailed
	case r.SignIn.needed:
		return "sign-in needed", exitSignIn
	case len(r.Problems) > 0:
		return "wrong", exitFailed
	default:
		return "ok", exitDone
	}
}

// report prints everything and ends with the exit code of the verdict.
func (a *app) report(r *doctorReport) error {
	verdict, code := r.verdict()
	r.Verdict = verdict
	var err error
	if f := a.flags.output; f == "json" || f == "ndjson" || a.flags.jq != "" {
		err = a.printValue(r)
	} else {
		_, err = fmt.Fprint(a.out, r.text())
	}
	if err != nil || code == exitDone {
		return err
	}
	switch code {
	case exitSignIn:
		return &codeError{code, "doctor: " + firstOf(r.SignIn.Text, "not signed in") + " — sign in with `" + a.loginLine() + "`"}
	case exitUnreachable:
		return &codeError{code, "doctor: the API is out of reach: " + firstOf(r.Network.Text, r.SignIn.Text)}
	default:
		return &codeError{code, "doctor: " + strings.Join(r.Problems, "; ")}
	}
}
