package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// probeAnswer is what the server did about one thing that its documentation leaves open.
type probeAnswer struct {
	Letter   string
	Question string
	Answer   string // yes, no or unknown; a number for lengths
	Detail   string
}

// authProbe asks the server in sign-ins of its own; the sign-in of the profile is not spent.
type authProbe struct {
	provider auth.Provider
	client   auth.Client
	user     string
	password auth.Secret
	scope    []string
	console  string // address of a call that shows whether an access token is good
	http     *http.Client
	seen     *tokenWatch
	answers  []probeAnswer
}

// probeAuth asks the person, then the server.
func (a *app) probeAuth(ctx context.Context, sess *session) ([]probeAnswer, error) {
	s := sess.settings
	_, _ = fmt.Fprintf(a.err, "The probe signs %s in twice more at %s and reuses a spent refresh token on purpose.\nOn some servers that ends other sign-ins of this user, here and elsewhere. Go on? y/N ",
		unity.Clean(s.Username), unity.Clean(s.BaseURL))
	if answer, err := a.readLine(); err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return nil, refusedf("cancelled: nothing was sent")
	}
	secret, err := a.secretOf("Client secret", true, s.ClientSecret)
	if err != nil {
		return nil, err
	}
	password, err := a.secretOf("Password of "+s.Username, true, s.Password)
	if err != nil {
		return nil, err
	}
	scope := s.Scope
	if granted := sess.engine.Status().Scopes; len(granted) > 0 {
		scope = granted // what is known to be granted is not refused
	}
	if len(scope) == 0 {
		scope = auth.DefaultScope()
	}
	watch := &tokenWatch{next: plainTransport()}
	defer watch.next.CloseIdleConnections()
	p := &authProbe{client: auth.Client{ID: s.ClientID, Secret: secret}, user: s.Username, password: password, scope: scope, seen: watch,
		console: s.BaseURL + "/service/api/console/gsm/" + url.PathEscape(s.Key.String()),
		http:    &http.Client{Transport: watch, Timeout: doctorTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if p.provider, err = auth.NewUnityProvider(s.BaseURL, unity.UserAgent(version), p.http, time.Now); err != nil {
		return nil, err
	}
	main, _ := sess.engine.Token(ctx)
	if err := p.run(ctx, sess.engine.Status(), main); err != nil {
		return p.answers, fmt.Errorf("the probe stopped: %w", err)
	}
	return p.answers, nil
}

func (p *authProbe) say(letter, question, answer, format string, args ...any) {
	p.answers = append(p.answers, probeAnswer{Letter: letter, Question: question, Answer: answer, Detail: unity.Clean(fmt.Sprintf(format, args...))})
}

// run asks the questions, those first that leave the others undisturbed.
func (p *authProbe) run(ctx context.Context, st auth.Status, main string) error {
	first, err := p.signIn(ctx)
	if err != nil {
		return err
	}
	second, err := p.provider.Refresh(ctx, p.client, first.Refresh, p.scope)
	if err != nil {
		return err
	}
	dead, err := p.dead(ctx, first.Access)
	if err != nil {
		return err
	}
	p.say("a", "Does a refresh end the access token before it?", yesNo(dead), "")
	other, err := p.chains(ctx, keep(second, first), main)
	if err != nil {
		return err
	}
	if err := p.reuse(ctx, other); err != nil {
		return err
	}
	p.sliding(st)
	p.say("f", "What does a refused sign-in look like?", firstOf(p.seen.refusal(), "unknown"), "")
	if n, retry := p.seen.retryAfter(); retry == "" {
		p.say("g", "Does Retry-After appear?", "unknown", "in none of %d answers; none of them was 429 or 503", n)
	} else {
		p.say("g", "Does Retry-After appear?", "yes", "%s", retry)
	}
	p.say("h", "How long are the tokens?", fmt.Sprintf("%d and %d", len(first.Access.Reveal()), len(first.Refresh.Reveal())),
		"characters, access and refresh token; Windows' Credential Manager takes 2560 bytes in all")
	sort.SliceStable(p.answers, func(i, j int) bool { return p.answers[i].Letter < p.answers[j].Letter })
	return nil
}

// keep gives a grant the refresh token of the one before when the server sent none.
func keep(g, before auth.Grant) auth.Grant {
	if g.Refresh.Empty() {
		g.Refresh = before.Refresh
	}
	return g
}

func (p *authProbe) signIn(ctx context.Context) (auth.Grant, error) {
	g, err := p.provider.Password(ctx, p.client, p.user, p.password, p.scope)
	if err == nil && g.Refresh.Empty() {
		err = errors.New("the server issued no refresh token")
	}
	return g, err
}

// chains signs in beside a sign-in that is under way and sees whether that lives on.
func (p *authProbe) chains(ctx context.Context, under auth.Grant, main string) (auth.Grant, error) {
	const question = "Can one user and client have several sign-ins at once?"
	other, err := p.signIn(ctx)
	if err != nil {
		return other, err
	}
	access, err := p.dead(ctx, under.Access)
	if err != nil {
		return other, err
	}
	refresh, err := p.refusedRefresh(ctx, under.Refresh)
	if err != nil {
		return other, err
	}
	detail := ""
	if main != "" {
		gone, err := p.dead(ctx, auth.NewSecret(main))
		if err != nil {
			return other, err
		}
		if gone {
			detail = "the sign-in of this profile was ended by it: sign in again"
		}
	}
	switch {
	case !access && !refresh:
		p.say("d", question, "yes", "%s", detail)
	case access && refresh:
		p.say("d", question, "no", "%s", firstOf(detail, "a new sign-in ends the others"))
	default:
		p.say("d", question, "no", "a new sign-in ends the others' %s", map[bool]string{true: "access tokens", false: "refresh tokens"}[access])
	}
	return other, nil
}

// reuse spends a refresh token twice.
func (p *authProbe) reuse(ctx context.Context, g auth.Grant) error {
	const family, grace = "Does the reuse of a spent refresh token end the whole sign-in?", "Is a spent refresh token good for a moment longer?"
	next, err := p.provider.Refresh(ctx, p.client, g.Refresh, p.scope)
	if err != nil {
		return err
	}
	if next.Refresh.Empty() || next.Refresh.Equal(g.Refresh) {
		p.say("b", family, "unknown", "this server does not rotate refresh tokens")
		p.say("c", grace, "unknown", "this server does not rotate refresh tokens")
		return nil
	}
	refused, err := p.refusedRefresh(ctx, g.Refresh)
	if err != nil {
		return err
	}
	if !refused {
		p.say("b", family, "unknown", "the reuse was accepted")
		p.say("c", grace, "yes", "at least at once")
		return nil
	}
	p.say("c", grace, "no", "refused at once")
	access, err := p.dead(ctx, next.Access)
	if err != nil {
		return err
	}
	refresh, err := p.refusedRefresh(ctx, next.Refresh)
	if err != nil {
		return err
	}
	p.say("b", family, yesNo(refresh), "%s", map[bool]string{true: "its access tokens too", false: ""}[access])
	return nil
}

// sliding judges by the sign-in of the profile: its generation counts from the millisecond of the sign-in.
func (p *authProbe) sliding(st auth.Status) {
	const question, life = "Do the 14 days of a refresh token count from its last use?", 14 * 24 * time.Hour
	born := time.UnixMilli(int64(st.Gen)) //nolint:gosec // a generation is a time in milliseconds
	age := time.Since(born)
	switch {
	case st.Gen == 0 || age < 0 || st.State != auth.Ready:
		p.say("e", question, "unknown", "the profile has no sign-in that could tell")
	case age > life:
		p.say("e", question, "yes", "this sign-in is from %s and still works", born.Local().Format("2006-01-02"))
	default:
		p.say("e", question, "unknown", "cannot be seen in one run: if this sign-in still works after %s, they do", born.Add(life).Local().Format("2006-01-02 15:04"))
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// refusedRefresh tells whether the server refuses a refresh token as such; any other trouble is an error.
func (p *authProbe) refusedRefresh(ctx context.Context, token auth.Secret) (bool, error) {
	_, err := p.provider.Refresh(ctx, p.client, token, p.scope)
	if errors.Is(err, auth.ErrInvalidGrant) {
		return true, nil
	}
	return false, err
}

// dead tells whether the API no longer takes an access token. A refusal for lack of rights proves that the token is good.
func (p *authProbe) dead(ctx context.Context, token auth.Secret) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.console, nil)
	if err != nil {
		return false, errors.New("the address cannot be used")
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", unity.UserAgent(version))
	resp, err := p.http.Do(req)
	if err != nil {
		return false, fmt.Errorf("%w: the API does not answer", auth.ErrOutOfReach)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	switch resp.StatusCode {
	case http.StatusOK, http.StatusForbidden, http.StatusNotFound:
		return false, nil
	case http.StatusUnauthorized:
		return true, nil
	default:
		return false, fmt.Errorf("the API answered with status %d", resp.StatusCode)
	}
}

// tokenWatch looks at answers of the server on their way.
type tokenWatch struct {
	next *http.Transport
	mu   sync.Mutex
	n    int
	// refused describes the last refused token request, without any value but the error code.
	refused, retry string
}

// RoundTrip sends the request.
func (t *tokenWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	if v := resp.Header.Get("Retry-After"); v != "" {
		t.retry = fmt.Sprintf("%q with status %d", unity.Clean(v), resp.StatusCode)
	}
	if resp.StatusCode < 400 || resp.StatusCode >= 500 || !strings.HasSuffix(r.URL.Path, "/auth/token") {
		return resp, nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	t.refused = refusalWords(resp.StatusCode, resp.Header.Get("Content-Type"), body)
	return resp, nil
}

// refusalWords names status, type, members and error code of a body, but no other value.
func refusalWords(status int, mediaType string, body []byte) string {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	text := fmt.Sprintf("%d %s", status, firstOf(mediaType, "without a type"))
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return unity.Clean(fmt.Sprintf("%s, no JSON object (%d bytes)", text, len(body)))
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	var code string
	_ = json.Unmarshal(fields["error"], &code)
	return unity.Clean(fmt.Sprintf("%s, error %q, members %s", text, code, strings.Join(names, " ")))
}

func (t *tokenWatch) refusal() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}

func (t *tokenWatch) retryAfter() (int, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n, t.retry
}
