package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Account is the identity of a chain of tokens: one API origin, one API client,
// one console user. Another base URL, client or user is another chain, and never
// sees this one's tokens or client secret.
type Account struct {
	// BaseURL is the address of the API, https unless it is a loopback address.
	BaseURL string
	// ClientID is the id of the API client, as the console shows it.
	ClientID string
	// Username is the e-mail address of the console user. It may be empty when
	// the chain starts from a refresh token.
	Username string
}

// Credentials start a session: a user name and password, or a refresh token
// that was issued elsewhere, with the API client they belong to.
type Credentials struct {
	// Username is the e-mail address of the console user.
	Username string
	// Password is sent once and never stored.
	Password Secret
	// ClientID is the id of the API client.
	ClientID string
	// ClientSecret is stored beside the tokens after a successful sign-in.
	ClientSecret Secret
	// RefreshToken replaces user name and password when it is set.
	RefreshToken Secret
}

// normalise checks an account and returns it with a canonical base URL.
func (a Account) normalise() (Account, error) {
	base, err := checkBaseURL(a.BaseURL)
	if err != nil {
		return a, err
	}
	a.BaseURL = base
	a.ClientID = strings.TrimSpace(a.ClientID)
	a.Username = strings.TrimSpace(a.Username)
	switch {
	case a.ClientID == "":
		return a, errors.New("the API client id is missing")
	case strings.Contains(a.ClientID, ":"):
		return a, errors.New("the API client id holds a colon, which HTTP Basic cannot carry")
	case hasControl(a.ClientID) || hasControl(a.Username):
		return a, errors.New("the client id or user name holds control characters")
	}
	return a, nil
}

// key names the chain in stores and folders: no personal data in it, and only
// characters that every store, NTFS and APFS keep apart.
func (a Account) key() string {
	sum := sha256.Sum256([]byte(a.BaseURL + "\x00" + a.ClientID + "\x00" + a.Username))
	return "v1-" + hex.EncodeToString(sum[:])[:32]
}

// person names the user of the API whose password it is: one user may sign in
// through several API clients, and a wrong password counts against the user.
func (a Account) person() string {
	sum := sha256.Sum256([]byte(a.BaseURL + "\x00" + a.Username))
	return "v1-" + hex.EncodeToString(sum[:])[:32]
}

// local reports whether the API runs on this machine itself, as simulators do.
func (a Account) local() bool {
	u, err := url.Parse(a.BaseURL)
	return err == nil && isLoopback(strings.ToLower(u.Hostname()))
}

// matches reports whether credentials belong to this account.
func (a Account) matches(c Credentials) error {
	if id := strings.TrimSpace(c.ClientID); id != "" && id != a.ClientID {
		return ErrOtherAccount
	}
	if name := strings.TrimSpace(c.Username); name != "" && name != a.Username {
		return ErrOtherAccount
	}
	return nil
}

// checkBaseURL returns the canonical form of an API address: scheme and host in
// lower case, no default port, no trailing slash.
func checkBaseURL(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return "", errors.New("the API address cannot be read as a URL")
	}
	switch {
	case u.Host == "" || u.Hostname() == "":
		return "", errors.New("the API address has no host")
	case u.User != nil:
		return "", errors.New("the API address must not contain a user name or password")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", errors.New("the API address must not contain a query or a fragment")
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
	switch scheme {
	case "https":
	case "http":
		if !isLoopback(host) {
			return "", fmt.Errorf("http is only accepted for this machine itself, not for %s: use https", clean(host, 80))
		}
	default:
		return "", errors.New("the API address must start with https://")
	}
	port := u.Port()
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		port = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
