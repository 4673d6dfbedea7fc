package secretservertest

import (
	"strings"
	"time"
)

// Options describe a simulated Secret Server. The zero value is a server with
// its usual settings and one user, "unitty" with the password "secret-server",
// but with refresh tokens switched off, as they are on a new installation.
type Options struct {
	// Base is the virtual directory in front of every path, for example
	// "/SecretServer"; empty means none.
	Base string
	// Timeout is the API session timeout, the life of an access token. Default 20
	// minutes.
	Timeout time.Duration
	// Unlimited is the unlimited session timeout: access tokens live on, and there
	// are no refresh tokens.
	Unlimited bool
	// RefreshEnabled is the setting "Enable Refresh Tokens for Web Services".
	RefreshEnabled bool
	// MaxRefreshes is the setting "Maximum Token Refreshes Allowed". Default 3.
	MaxRefreshes int
	// OmitLast leaves the refresh token out of the answer to the last refresh that
	// is allowed. Otherwise a token is issued that will be refused.
	OmitLast bool
	// Username and Password are the one user.
	Username, Password string
	// Domain is the domain of the user; empty means a local user.
	Domain string
	// OTP is the one-time code that a sign-in has to bring; empty means none.
	OTP string
	// Secrets are what the user may read.
	Secrets []Secret
	// Now is the clock that Advance moves ahead; nil means time.Now.
	Now func() time.Time
}

// Secret is one secret of the server.
type Secret struct {
	// ID is above 0.
	ID int
	// Path is the folder and the name with backslashes, `\MSP\Webroot GSM`.
	Path string
	// Fields are the items in the order of the template.
	Fields []Field
	// NeedsComment refuses a reading without a comment; the comment has to come in
	// the body of a restricted reading.
	NeedsComment bool
	// NeedsCheckout refuses a reading that may not check the secret out.
	NeedsCheckout bool
	// NeedsApproval refuses every reading.
	NeedsApproval bool
	// Masked hides password fields in the secret itself, so that they have to be
	// read one by one.
	Masked bool
}

// Field is one item of a secret.
type Field struct {
	// Slug names the field in addresses, "client-id".
	Slug string
	// Value is what is secret.
	Value string
	// Password marks a field that the secret may mask.
	Password bool
	// File marks an attached file, which only its own address returns.
	File bool
}

// name is the last part of the path.
func (s Secret) name() string { return s.Path[strings.LastIndexByte(s.Path, '\\')+1:] }

// WebrootSecret returns a secret with the fields of a Unity API sign-in under
// the slugs client-id, client-secret, username, password and gsm-key.
func WebrootSecret(id int, path, clientID, clientSecret, username, password, gsmKey string) Secret {
	return Secret{ID: id, Path: path, Fields: []Field{
		{Slug: "client-id", Value: clientID},
		{Slug: "client-secret", Value: clientSecret, Password: true},
		{Slug: "username", Value: username},
		{Slug: "password", Value: password, Password: true},
		{Slug: "gsm-key", Value: gsmKey},
	}}
}

func (o Options) withDefaults() Options {
	if o.Base = strings.Trim(o.Base, "/"); o.Base != "" {
		o.Base = "/" + o.Base
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Minute
	}
	if o.MaxRefreshes <= 0 {
		o.MaxRefreshes = 3
	}
	if o.Username == "" {
		o.Username = "unitty"
	}
	if o.Password == "" {
		o.Password = "secret-server"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
