package secretserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/unitty/unitty/auth"
)

// accountClient stands for the API client that Secret Server does not have. It
// keeps the stored session apart from a Unity chain.
const accountClient = "secretserver"

// Source reads Unity credentials from one secret. It is safe for use by several
// goroutines; readings happen one after another.
type Source struct {
	opts    Options
	ref     secretRef
	user    string
	domain  string
	client  *client
	account auth.Account
	kept    *auth.Engine // the session's engine when it is kept

	mu sync.Mutex // one reading at a time
}

// Reading is what a secret holds.
type Reading struct {
	// Credentials are the user, the password and the API client of the console.
	// They are for one sign-in; nobody keeps the password.
	Credentials auth.Credentials
	// GSMKey is the parent keycode of the console, empty when no field is named
	// for it.
	GSMKey string
	// SecretID is the id of the secret that was read.
	SecretID int64
	// Notice is something that the user should know although the reading went
	// well, such as why the session cannot be kept; usually empty.
	Notice string
}

// New checks the options. It sends nothing and reads no store.
func New(o Options) (*Source, error) {
	if o.Kind != "" && o.Kind != Kind {
		return nil, fmt.Errorf("source: kind %q is not known, only %q is", auth.Clean(o.Kind, 40), Kind)
	}
	s := &Source{}
	var err error
	if s.ref, err = parseRef(o.Secret); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if o.Fields, err = o.Fields.withDefaults(); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	s.user, s.domain = splitUser(o.Username, o.Domain)
	switch {
	case auth.HasControl(o.Comment) || len(o.Comment) > 1000:
		return nil, errors.New("source: the comment holds control characters or is too long")
	case auth.HasControl(s.user+s.domain) || strings.Contains(s.user, `\`) || strings.Contains(s.domain, `\`):
		return nil, errors.New("source: the user name or domain holds characters that it cannot have")
	case o.MaxRefreshes < 0:
		return nil, errors.New("source: max_refreshes cannot be negative")
	case !o.Bearer.Empty() && !auth.ValidToken(o.Bearer.Reveal()):
		return nil, errors.New("source: the bearer token holds characters that no token has")
	case o.Bearer.Empty() && s.user == "":
		return nil, errors.New("source: the Secret Server user is missing")
	case o.Bearer.Empty() && o.KeepSession && o.Store == nil:
		return nil, errors.New("source: a session that is kept needs a secret store")
	}
	o.Comment = strings.TrimSpace(o.Comment)
	setDefaults(&o)
	if s.client, err = newClient(o); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	s.opts = o
	s.account = auth.Account{BaseURL: s.client.base, ClientID: accountClient, Username: joinUser(s.user, s.domain)}
	if o.KeepSession && o.Bearer.Empty() {
		if s.kept, err = s.engine(o.Store); err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
	}
	return s, nil
}

func setDefaults(o *Options) {
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.UserAgent == "" {
		o.UserAgent = "unitty/dev"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

func (s *Source) engine(store auth.Store) (*auth.Engine, error) {
	return auth.NewEngine(auth.Options{
		Account: s.account, Store: store, Provider: &provider{client: s.client, domain: s.domain}, Scope: []string{accountClient},
		Now: s.opts.Now, Policy: policy(s.opts.MaxRefreshes, s.opts.Timeout), LockDir: s.opts.LockDir, Log: s.opts.Log,
	})
}

// Read reads the fields of the secret, signing in to Secret Server first when
// there is no session. Errors match the sentinels of this package and of package
// auth; a demand of Secret Server is an *Error with its Demand set.
func (s *Source) Read(ctx context.Context) (Reading, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opts.Bearer.Empty() {
		return s.fetch(ctx, s.opts.Bearer)
	}
	if s.kept != nil {
		r, _, err := s.readOn(ctx, s.kept)
		if st := s.kept.Status(); err == nil && st.State != auth.Ready {
			r.Notice = st.Text
		}
		return r, err
	}
	e, err := s.engine(auth.NewMemoryStore())
	if err != nil {
		return Reading{}, err
	}
	r, token, err := s.readOn(ctx, e)
	s.drop(ctx, e, token)
	return r, err
}

// fetch reads the fields with an access token.
func (s *Source) fetch(ctx context.Context, token auth.Secret) (Reading, error) {
	rd := &reader{client: s.client, token: token, ref: s.ref, comment: s.opts.Comment, op: "read secret " + s.ref.String()}
	f := s.opts.Fields
	slugs := []string{f.ClientID, f.ClientSecret, f.Username, f.Password}
	if f.GSMKey != "" {
		slugs = append(slugs, f.GSMKey)
	}
	id, values, err := rd.values(ctx, slugs)
	if err != nil {
		return Reading{}, err
	}
	for i, v := range values {
		if err := checkValue(v, i == 1 || i == 3); err != nil {
			return Reading{}, failure(rd.op, fmt.Sprintf("field %s %s", auth.Clean(slugs[i], 60), err.Error()), ErrField)
		}
	}
	out := Reading{SecretID: id, Credentials: auth.Credentials{
		ClientID: strings.TrimSpace(values[0]), ClientSecret: auth.NewSecret(values[1]),
		Username: strings.TrimSpace(values[2]), Password: auth.NewSecret(values[3]),
	}}
	if f.GSMKey != "" {
		out.GSMKey = strings.TrimSpace(values[4])
	}
	return out, nil
}

// checkValue refuses values that no sign-in can have. A secret may hold any
// character but control characters; a name may hold no invisible ones either.
func checkValue(v string, secret bool) error {
	switch {
	case strings.TrimSpace(v) == "":
		return errors.New("is empty")
	case len(v) > maxValue:
		return errors.New("is too long")
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }), !secret && auth.HasControl(v):
		return errors.New("holds control characters")
	case v == mask:
		return errors.New("is not shown to this user")
	}
	return nil
}

// Status returns where the session with Secret Server stands. A session that is
// not kept is signed out between readings.
func (s *Source) Status() auth.Status {
	if s.kept != nil {
		return s.kept.Status()
	}
	return auth.Status{State: auth.SignedOut}
}

// Start keeps a session alive in the background as long as the counted
// refreshes allow; without it they are made when a reading needs them, which
// makes them last longer. It does nothing when the session is not kept.
func (s *Source) Start(ctx context.Context) {
	if s.kept != nil {
		s.kept.Start(ctx)
	}
}

// Forget ends a kept session on the server as far as it is in reach, and removes
// it from the store, with the memory of a refused password.
func (s *Source) Forget(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opts.Bearer.Empty() {
		return nil
	}
	e := s.kept
	if e == nil {
		var err error
		if e, err = s.engine(auth.NewMemoryStore()); err != nil {
			return err
		}
		defer func() { _ = e.Close(ctx) }() // an engine without tokens has nothing to save
	} else if token, err := e.Token(ctx); err == nil {
		s.end(ctx, auth.NewSecret(token))
	}
	return wrapSession(e.SignOut(ctx))
}

// Close stops the background work and waits for a refresh to be saved. The kept
// session stays in the store. Its error is that of auth.Engine.Close.
func (s *Source) Close(ctx context.Context) error {
	if s.kept == nil {
		return nil
	}
	return wrapSession(s.kept.Close(ctx))
}
