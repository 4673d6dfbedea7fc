package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// session is one profile in use: its sign-in and its client.
type session struct {
	settings *settings
	store    auth.Store
	engine   *auth.Engine
	client   *unity.Client
	audit    *dispatch.Audit
	calls    *callLog
	log      *slog.Logger
	cleanup  []func()
	// console is the console's name where it is known already; plans read it otherwise.
	console string
	// vault makes a token source that reads the credentials from a vault; nil without [profiles.NAME.source].
	vault func(*session) unity.TokenSource
	// changing is called before a change is carried out; nil where nobody wants to know.
	changing func()
}

// open makes the session of the settings. It reads no secret before it has to.
func (a *app) open(ctx context.Context, s *settings) (*session, error) {
	if s.ClientID == "" || s.Username == "" {
		return nil, a.noSignIn(s)
	}
	if s.Key == "" {
		return nil, usagef("the GSM key is missing: give --gsm-key, UNITTY_GSM_KEY, or run `%s`", a.loginLine())
	}
	sess := &session{settings: s, calls: newCallLog(), changing: func() { a.changes = true }}
	if s.Source != nil {
		sess.vault = a.sourceTokens
	}
	if err := a.openDebug(sess); err != nil {
		return nil, err
	}
	store, err := a.openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	sess.store = store
	if err := sess.connect(ctx, a.flags.timeout); err != nil {
		sess.close()
		return nil, err
	}
	return sess, nil
}

// noSignIn is the error of a profile that nobody has signed in to.
func (a *app) noSignIn(s *settings) error {
	return &codeError{exitSignIn, fmt.Sprintf("profile %q has no sign-in yet: run `%s`, or set UNITTY_USERNAME, UNITTY_PASSWORD, UNITTY_CLIENT_ID and UNITTY_CLIENT_SECRET", s.Profile, a.loginLine())}
}

func (sess *session) connect(ctx context.Context, timeout time.Duration) error {
	s := sess.settings
	engine, err := auth.NewEngine(auth.Options{Account: s.account(), Store: sess.store, ClientSecret: s.ClientSecret, Scope: s.Scope,
		UserAgent: unity.UserAgent(version), Log: sess.log, Critical: gateOf(ctx).enter})
	if err != nil {
		return err
	}
	sess.engine = engine
	engine.Start(ctx)
	sess.audit = dispatch.NewAudit(s.paths.auditFile(), s.Profile, s.RequireAudit)
	sess.client, err = unity.New(unity.Options{BaseURL: s.BaseURL, GSMKey: s.Key, Tokens: sess.tokens(), Version: version,
		Timeout: timeout, ReadOnly: s.ReadOnly, Observe: sess.calls.add})
	return err
}

// tokens is the engine, which signs in by itself where the environment holds the credentials.
func (sess *session) tokens() unity.TokenSource {
	switch {
	case sess.settings.fromEnvironment():
		given := sess.settings.credentials()
		return &signingTokens{Engine: sess.engine, credentials: func(context.Context) (auth.Credentials, error) { return given, nil }}
	case sess.vault != nil:
		return sess.vault(sess)
	}
	return sess.engine
}

// signingTokens signs in with credentials that are at hand when there is no chain. A refused password is not tried again:
// the engine remembers it.
type signingTokens struct {
	*auth.Engine
	credentials func(context.Context) (auth.Credentials, error)
	mu          sync.Mutex
}

// Token gives a token, after a sign-in where it takes one.
func (t *signingTokens) Token(ctx context.Context) (string, error) {
	token, err := t.Engine.Token(ctx)
	if err == nil || !errors.Is(err, auth.ErrNeedsLogin) {
		return token, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if token, err := t.Engine.Token(ctx); err == nil {
		return token, nil // another caller has signed in meanwhile
	}
	given, err := t.credentials(ctx)
	if err != nil {
		return "", err
	}
	if err := t.EnsureSignedIn(ctx, given); err != nil {
		return "", err
	}
	return t.Engine.Token(ctx)
}

// close ends the background work; a refresh under way is finished first.
func (sess *session) close() {
	if sess == nil {
		return
	}
	if sess.engine != nil {
		// The time limit of the critical section is the engine's own; this one only keeps a broken store from holding the exit up.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = sess.engine.Close(ctx)
	}
	if sess.store != nil {
		_ = sess.store.Close()
	}
	for _, f := range sess.cleanup {
		f()
	}
}

func (a *app) openStore(ctx context.Context, s *settings) (auth.Store, error) {
	store, notices, err := auth.Choose(ctx, auth.ChooseOptions{Name: s.Store, Pinned: s.Pinned, Dir: s.paths.secrets(),
		PassphraseFile: s.PassphraseFile, Interactive: a.terminal, Prompt: a.promptPassphrase, Ask: a.askStore})
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		if n.Name == "auto" {
			_, _ = fmt.Fprintln(a.err, "unitty: "+n.Reason)
		}
	}
	return store, nil
}

func (a *app) openDebug(sess *session) error {
	if a.flags.debug == "" {
		return nil
	}
	f, err := os.OpenFile(a.flags.debug, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return usagef("--debug: %v", err)
	}
	sess.cleanup = append(sess.cleanup, func() { _ = f.Close() })
	sess.log = slog.New(slog.NewJSONHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sess.calls.log = sess.log
	return nil
}

// verb opens the session of the settings for the length of one verb.
func (a *app) verb(ctx context.Context, do func(context.Context, *session) error) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	sess, err := a.open(ctx, s)
	if err != nil {
		return err
	}
	defer sess.close()
	sess.audit.Complain(a.complainAudit)
	return do(ctx, sess)
}

// complainAudit says that a change is not written down, where nobody requires that it is.
func (a *app) complainAudit(err error) {
	_, _ = fmt.Fprintf(a.err, "unitty: warning: the audit cannot be written: %s\n", unity.Clean(err.Error()))
}

// callLog keeps the latest API calls for the live pane.
type callLog struct {
	mu sync.Mutex
	// n counts the attempts, again those of them that repeat an earlier one.
	n, again uint64
	calls    []call
	log      *slog.Logger
	// tell is told of every attempt, under the lock.
	tell func(unity.Attempt)
}

type call struct {
	unity.Attempt
	n uint64
}

const keptCalls = 300

func newCallLog() *callLog { return &callLog{} }

func (l *callLog) add(at unity.Attempt) {
	l.mu.Lock()
	l.n++
	if at.Retry > 0 {
		l.again++
	}
	l.calls = append(l.calls, call{at, l.n})
	if len(l.calls) > keptCalls {
		l.calls = append(l.calls[:0], l.calls[len(l.calls)-keptCalls:]...)
	}
	if l.tell != nil {
		l.tell(at)
	}
	l.mu.Unlock()
	if l.log == nil {
		return
	}
	attrs := []any{slog.String("method", at.Method), slog.String("path", unity.Clean(at.Path)), slog.Int("status", at.Status),
		slog.Duration("took", at.Took), slog.Int("retry", at.Retry), slog.String("request_id", at.RequestID)}
	if at.Err != nil {
		attrs = append(attrs, slog.String("error", unity.Clean(at.Err.Error())))
	}
	l.log.Debug("call "+http.StatusText(at.Status), attrs...)
}

// repetitions is how many attempts there were that repeat an earlier one.
func (l *callLog) repetitions() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.again
}

func (l *callLog) list() []call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]call(nil), l.calls...)
}
