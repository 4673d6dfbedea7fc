//go:build linux

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/unitty/unitty/auth/secretservertest"
	"github.com/unitty/unitty/unity/unitytest"
)

func scenes() []scene {
	return []scene{
		{"The form of the full-screen program", "`unitty` without a profile opens the form. `+` ticks a step that is done, `>` is under way, `x` has failed; here the list of sites is still being read.", form},
		{"A wrong password", "The steps before it are done, so neither the address nor the API client is at fault. The fields to look at are marked; the others stay as they are.", wrongPassword},
		{"On a terminal, with a choice of the store", "Without a keychain of the desktop `unitty login` asks where the sign-in is kept. The passphrase, the client's secret and the password are not shown while they are typed. On Linux the unlocked store stays open for this user until twelve hours after its last use; `unitty doctor` says until when.", terminalLogin},
		{"From a file descriptor", "For scripts and password managers: the items come as JSON on a descriptor, never as arguments.", descriptor},
		{"From the environment", "With the items in the environment no `login` is needed: any verb signs in when it has to.", environmentOnly},
		{"With a refresh token", "A refresh token that was issued elsewhere is pasted instead of the password. It is spent at once; its successor is kept here.", refreshToken},
		{"By authorization code", "No password is typed here. This way is built from the documentation and unverified against the real service.", code},
		{"A new client secret only", "After the secret of the API client was rotated: the new one is proved by one refresh, and the sign-in goes on.", clientSecret},
		{"From Secret Server", "The items are fields of a secret in Delinea Secret Server; only the vault's password is typed.", vault},
		{"A lost sign-in", "Nothing on the screen is lost when the sign-in is.", recovered},
	}
}

func terminalLogin(s *stage) {
	srv := s.console(false)
	line := "unitty login --base-url " + srv.url
	t := s.shell(line)
	s.answer(t, "Number [1]:", "1")
	s.answerSecret(t, "New passphrase", passphrase)
	s.answerSecret(t, "Once more", passphrase)
	s.answer(t, "GSM keycode:", srv.creds.GSMKey)
	s.answer(t, "Client id:", srv.creds.ClientID)
	s.answer(t, "User name (e-mail):", srv.creds.Username)
	s.answerSecret(t, "Client secret:", srv.creds.ClientSecret)
	s.answerSecret(t, "Password:", srv.creds.Password)
	s.end(t, "", line, 0)
}

func descriptor(s *stage) {
	srv := s.console(false)
	line := "unitty login --secrets-fd 3 3<" + s.secretsFile(srv)
	s.end(s.shell(line, s.unlocked()...), "", line, 0)
}

func environmentOnly(s *stage) {
	srv := s.console(false)
	c := srv.creds
	env := append(s.unlocked(), "UNITTY_BASE_URL="+srv.url, "UNITTY_GSM_KEY="+c.GSMKey, "UNITTY_USERNAME="+c.Username, "UNITTY_PASSWORD="+c.Password,
		"UNITTY_CLIENT_ID="+c.ClientID, "UNITTY_CLIENT_SECRET="+c.ClientSecret)
	const line = "unitty status"
	s.end(s.shell(line, env...),
		"`UNITTY_BASE_URL`, `UNITTY_GSM_KEY`, `UNITTY_USERNAME`, `UNITTY_PASSWORD`, `UNITTY_CLIENT_ID` and `UNITTY_CLIENT_SECRET` are set:", line, 0)
}

func refreshToken(s *stage) {
	srv := s.console(false)
	token := s.issued(srv)
	c := srv.creds
	line := "unitty login --refresh-token --base-url " + srv.url
	t := s.shell(line, s.unlocked()...)
	s.answer(t, "GSM keycode:", c.GSMKey)
	s.answer(t, "Client id:", c.ClientID)
	s.answer(t, "User name (e-mail):", c.Username)
	s.answerSecret(t, "Client secret:", c.ClientSecret)
	s.answerSecret(t, "Refresh token:", token)
	s.end(t, "", line, 0)
}

// issued signs in elsewhere and gives the refresh token.
func (s *stage) issued(srv *server) string {
	c := srv.creds
	form := url.Values{"grant_type": {"password"}, "username": {c.Username}, "password": {c.Password}, "scope": {"Console.GSM SkyStatus.GSM SkyStatus.Site SkyStatus.Reporting"}}
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, srv.url+"/auth/token", strings.NewReader(form.Encode()))
	s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "captures")
	r.SetBasicAuth(c.ClientID, c.ClientSecret)
	resp, err := http.DefaultClient.Do(r)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	var token struct {
		Refresh string `json:"refresh_token"`
	}
	s.must(json.NewDecoder(resp.Body).Decode(&token))
	if token.Refresh == "" {
		s.Fatalf("the simulator gave no refresh token: %s", resp.Status)
	}
	return token.Refresh
}

func code(s *stage) {
	srv := s.console(false, "authorization-code")
	c := srv.creds
	line := "unitty login --code --redirect-uri https://portal.example/cb --base-url " + srv.url
	t := s.shell(line, s.unlocked()...)
	s.answer(t, "GSM keycode:", c.GSMKey)
	s.answer(t, "Client id:", c.ClientID)
	s.answer(t, "User name (e-mail):", c.Username)
	s.answerSecret(t, "Client secret:", c.ClientSecret)
	t.WaitText("Address:")
	back := s.agree(s.find(t, srv.url+`/auth/authorize\?\S+`))
	s.secrets = append(s.secrets, back)
	t.Type(back + "\r")
	s.end(t, "", line, 0)
}

// agree is the browser of a person who agrees: it gives the address that the browser ends at.
func (s *stage) agree(address string) string {
	r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, address, nil)
	s.must(err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusFound {
		s.Fatalf("the simulator does not send the browser back: %s", resp.Status)
	}
	return resp.Header.Get("Location")
}

func clientSecret(s *stage) {
	srv := s.console(false)
	env := s.unlocked()
	s.signedIn(srv, env)
	const fresh = "a rotated client secret"
	srv.RotateClientSecret(unitytest.UserSuper, fresh)
	const line = "unitty login --only client-secret"
	t := s.shell(line, env...)
	s.answerSecret(t, "New client secret:", fresh)
	s.end(t, "", line, 0)
}

func vault(s *stage) {
	srv := s.console(false)
	c := srv.creds
	const user, password, base = "unitty", "the password of the vault", "/SecretServer"
	v := httptest.NewServer(secretservertest.New(secretservertest.Options{Base: base, RefreshEnabled: true, Username: user, Password: password,
		Secrets: []secretservertest.Secret{secretservertest.WebrootSecret(126, `\MSP\Webroot GSM`, c.ClientID, c.ClientSecret, c.Username, c.Password, c.GSMKey)}}))
	s.Cleanup(func() { v.CloseClientConnections(); v.Close() })
	line := `unitty login --from secretserver --source-url ` + v.URL + base + ` --source-secret 126 --source-user ` + user +
		` --gsm-key ` + c.GSMKey + ` --base-url ` + srv.url
	t := s.shell(line, s.unlocked()...)
	s.answerSecret(t, "Password of "+user, password)
	s.answer(t, "One-time code", "")
	s.end(t, "", line, 0)
}
