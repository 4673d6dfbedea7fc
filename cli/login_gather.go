package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// secrets is what --secrets-fd reads.
type secrets struct {
	Username     string `json:"username"`
	Password     string `json:"password"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`
	GSMKey       string `json:"gsm_key"`
	BaseURL      string `json:"base_url"`
	// The vault's own: a password with or without a one-time code, or an access token of it.
	SourcePassword string `json:"source_password"`
	SourceOTP      string `json:"source_otp"`
	SourceToken    string `json:"source_token"`
}

func readSecrets(fd int) (secrets, error) {
	var s secrets
	if fd < 0 {
		return s, nil
	}
	f := os.NewFile(uintptr(fd), "secrets")
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
	ask := f.secretsFD < 0 && f.source.from == ""
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
		if key == "" {
			return auth.Credentials{}, usagef("the GSM keycode is missing: give --gsm-key or UNITTY_GSM_KEY")
		}
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
	case f.code:
		c.Username, c.RefreshToken = "", auth.Secret{}
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
