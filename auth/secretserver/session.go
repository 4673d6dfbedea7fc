package secretserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/unitty/unitty/auth"
)

// endTimeout bounds the request that ends a session which is not kept.
const endTimeout = 5 * time.Second

// readOn reads with the session of an engine. A session that the server has
// ended meanwhile is replaced once; a 401 or the 403 that means expired says for
// certain that nothing was done, so that the reading may be repeated. The token
// that was used last comes back too.
func (s *Source) readOn(ctx context.Context, e *auth.Engine) (Reading, auth.Secret, error) {
	token, asked, err := s.session(ctx, e, false)
	if err != nil {
		return Reading{}, token, err
	}
	r, err := s.fetch(ctx, token)
	if asked || !errors.Is(err, ErrTokenDead) {
		return r, token, err
	}
	e.Reject(token.Reveal())
	if token, _, err = s.session(ctx, e, true); err != nil {
		return Reading{}, token, err
	}
	r, err = s.fetch(ctx, token)
	return r, token, err
}

// session returns an access token, and whether somebody was asked for a password
// to get it.
func (s *Source) session(ctx context.Context, e *auth.Engine, rejected bool) (auth.Secret, bool, error) {
	token, err := e.Token(ctx)
	if err == nil || !errors.Is(err, auth.ErrNeedsLogin) {
		return auth.NewSecret(token), false, wrapSession(err)
	}
	if s.opts.Login == nil {
		return auth.Secret{}, false, wrapSession(err)
	}
	ask := Ask{URL: s.client.base, Username: s.account.Username}
	if st := e.Status(); st.State != auth.SignedOut {
		ask.Reason = st.Text
	}
	login, err := s.opts.Login(ctx, ask)
	if err != nil {
		return auth.Secret{}, true, err
	}
	if err := checkLogin(login); err != nil {
		return auth.Secret{}, true, wrapSession(err)
	}
	creds := auth.Credentials{Username: s.account.Username, Password: joinOTP(login.Password, login.OTP)}
	if rejected {
		err = e.SignIn(ctx, creds)
	} else {
		err = e.EnsureSignedIn(ctx, creds) // another process may have signed in meanwhile
	}
	if err != nil && !errors.Is(err, auth.ErrStore) {
		return auth.Secret{}, true, wrapSession(err)
	}
	// When only the saving failed, the session works in this process.
	token, terr := e.Token(ctx)
	if terr != nil && err != nil {
		terr = err
	}
	return auth.NewSecret(token), true, wrapSession(terr)
}

// checkLogin refuses what cannot be sent.
func checkLogin(l Login) error {
	switch {
	case l.Password.Empty():
		return auth.NewError("sign in", auth.ClassGrant, "the password is missing", auth.ErrNeedsLogin)
	case strings.Contains(l.Password.Reveal(), otpMark):
		return auth.NewError("sign in", auth.ClassGrant, "the password holds a NUL character", auth.ErrNeedsLogin)
	case !l.OTP.Empty() && !auth.ValidToken(l.OTP.Reveal()):
		return auth.NewError("sign in", auth.ClassGrant, "the one-time code holds characters that it cannot have", auth.ErrNeedsLogin)
	}
	return nil
}

// wrapSession says whose sign-in failed, since a Unity sign-in has the same
// words.
func wrapSession(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("secret server: %w", err)
}

// drop ends a session that is not kept: on the server, as far as it is in
// reach, and here.
func (s *Source) drop(ctx context.Context, e *auth.Engine, token auth.Secret) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if !token.Empty() {
		s.end(ctx, token)
	}
	if err := e.Close(ctx); err != nil {
		s.opts.Log.Debug("close", "err", err.Error())
	}
}

// end is POST /api/v1/oauth-expiration, which ends the session of a token.
func (s *Source) end(ctx context.Context, token auth.Secret) {
	rd := &reader{client: s.client, token: token, op: "end session"}
	a, err := rd.send(ctx, http.MethodPost, "/api/v1/oauth-expiration", nil, []byte("{}"))
	if err != nil || a.status != http.StatusOK {
		s.opts.Log.Debug("the session could not be ended on the server", "status", a.status)
	}
}
