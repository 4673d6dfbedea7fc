package secretserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/auth"
)

// Kind is the value of "kind" in a profile's source table.
const Kind = "secretserver"

// Config is the table [profiles.NAME.source] of a configuration file. It holds
// no secret.
type Config struct {
	// Kind is "secretserver".
	Kind string `toml:"kind"`
	// URL is the address of Secret Server with its virtual directory, if it has
	// one: https, or http for this machine itself.
	URL string `toml:"url"`
	// Secret is the id of the secret, or its path with backslashes:
	// `\MSP\Webroot GSM`.
	Secret string `toml:"secret"`
	// Fields are the slugs of the fields.
	Fields Fields `toml:"fields"`
	// Username is the Secret Server user; `DOMAIN\user` sets the domain too.
	Username string `toml:"username"`
	// Domain is the domain of the user; empty for a local one.
	Domain string `toml:"domain"`
	// Comment is given as the reason of each reading; secrets that require a
	// comment cannot be read without.
	Comment string `toml:"comment"`
	// KeepSession keeps the Secret Server session in the secret store, so that the
	// secret can be read again without a password while the session lives.
	KeepSession bool `toml:"keep_session"`
	// MaxRefreshes is the server's setting "Maximum Token Refreshes Allowed"; 0
	// means that it is not known and is learned from a refusal.
	MaxRefreshes int `toml:"max_refreshes"`
}

// Fields are the slugs of the fields of the secret. An empty one means its
// default, except for GSMKey, which is only read when it is named.
type Fields struct {
	// ClientID defaults to "client-id".
	ClientID string `toml:"client_id"`
	// ClientSecret defaults to "client-secret".
	ClientSecret string `toml:"client_secret"`
	// Username defaults to "username".
	Username string `toml:"username"`
	// Password defaults to "password".
	Password string `toml:"password"`
	// GSMKey is the parent keycode of the console; empty means that the secret
	// does not hold it.
	GSMKey string `toml:"gsm_key"`
}

// Ask says what a password is needed for.
type Ask struct {
	// URL is the address of Secret Server.
	URL string
	// Username is the user, with the domain in front if there is one.
	Username string
	// Reason is why a sign-in is needed, sanitised; empty when there was no
	// session before.
	Reason string
}

// Login is the answer to an Ask.
type Login struct {
	// Password is sent once and never stored.
	Password auth.Secret
	// OTP is a one-time code for users with a second factor, or empty.
	OTP auth.Secret
}

// Options configure a Source.
type Options struct {
	Config
	// Bearer is an access token of Secret Server that was obtained elsewhere; with
	// it nothing is signed in to and no session is kept.
	Bearer auth.Secret
	// Login is called when a password is needed; nil means that there is nobody to
	// ask, which is an error that matches auth.ErrNeedsLogin.
	Login func(ctx context.Context, a Ask) (Login, error)
	// Store keeps the session when KeepSession is set; otherwise it is not used.
	Store auth.Store
	// LockDir overrides the folder of the session's lock, see auth.Options.
	LockDir string
	// HTTP is used for all requests; nil means an own client. It is copied, and
	// the copy follows no redirects.
	HTTP *http.Client
	// UserAgent is sent with every request, in the form name/version.
	UserAgent string
	// Timeout bounds one request. Default 15 s.
	Timeout time.Duration
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Log receives debug lines without secrets; nil means none.
	Log *slog.Logger
}

// secretRef names a secret by id, or by path when the id is 0.
type secretRef struct {
	id   int64
	path string
}

// parseRef reads the id or the path of a secret.
func parseRef(text string) (secretRef, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return secretRef{}, errors.New("the id or path of the secret is missing")
	case auth.HasControl(text) || len(text) > 1000:
		return secretRef{}, errors.New("the path of the secret holds control characters or is too long")
	case strings.HasPrefix(text, `\`):
		if strings.Trim(text, `\ `) == "" || strings.HasSuffix(text, `\`) {
			return secretRef{}, errors.New("the path of the secret has no name at its end")
		}
		return secretRef{path: text}, nil
	}
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil || id <= 0 {
		return secretRef{}, fmt.Errorf(`%q is neither the id of a secret nor a path that starts with a backslash, such as \MSP\Webroot GSM`, auth.Clean(text, 80))
	}
	return secretRef{id: id}, nil
}

// String names the secret in messages.
func (r secretRef) String() string {
	if r.id > 0 {
		return strconv.FormatInt(r.id, 10)
	}
	return auth.Clean(r.path, 120)
}

// withDefaults fills in the usual slugs and checks them.
func (f Fields) withDefaults() (Fields, error) {
	for _, d := range []struct {
		slug *string
		def  string
	}{{&f.ClientID, "client-id"}, {&f.ClientSecret, "client-secret"}, {&f.Username, "username"}, {&f.Password, "password"}, {&f.GSMKey, ""}} {
		*d.slug = strings.TrimSpace(*d.slug)
		if *d.slug == "" {
			*d.slug = d.def
		}
		if *d.slug == "" {
			continue
		}
		if err := checkSlug(*d.slug); err != nil {
			return f, err
		}
	}
	return f, nil
}

// checkSlug refuses what would make an address lead elsewhere.
func checkSlug(slug string) error {
	switch {
	case strings.Trim(slug, ". ") == "" || strings.TrimSpace(slug) != slug:
		// Windows takes blanks and dots at the end of a name away.
		return fmt.Errorf("%q is not the slug of a field", auth.Clean(slug, 40))
	case len(slug) > 200 || auth.HasControl(slug) || strings.ContainsAny(slug, `/\%?#`):
		return fmt.Errorf("%q cannot be the slug of a field", auth.Clean(slug, 40))
	}
	return nil
}

// splitUser takes the domain out of `DOMAIN\user`.
func splitUser(username, domain string) (string, string) {
	username, domain = strings.TrimSpace(username), strings.TrimSpace(domain)
	if before, after, ok := strings.Cut(username, `\`); ok && domain == "" {
		return strings.TrimSpace(after), strings.TrimSpace(before)
	}
	return username, domain
}

// joinUser is the name of the account: the domain belongs to it.
func joinUser(username, domain string) string {
	if domain == "" {
		return username
	}
	return domain + `\` + username
}
