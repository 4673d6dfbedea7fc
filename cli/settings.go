package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/secretserver"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// settings is what flags, environment and file come to: flags override environment, environment overrides the file.
type settings struct {
	paths  paths
	config config
	// Profile is the name in use; it need not be in the file when flags and environment say everything.
	Profile      string
	BaseURL      string
	Key          unity.Keycode
	Username     string
	ClientID     string
	Password     auth.Secret
	ClientSecret auth.Secret
	Scope        []string
	// Store is what the user set, Pinned what the profile remembers.
	Store, Pinned  string
	PassphraseFile string
	ReadOnly       bool
	RequireAudit   bool
	Colour         string
	// Source is the vault of the profile, or nil.
	Source     *secretserver.Config
	StaleAfter time.Duration
	Refresh    time.Duration
	IdleLock   time.Duration
}

func (a *app) settings() (*settings, error) {
	p, err := findPaths(a.env)
	if err != nil {
		return nil, err
	}
	c, warnings, err := loadConfig(p.configFile())
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		_, _ = fmt.Fprintln(a.err, "unitty: "+unity.Clean(w))
	}
	s := &settings{paths: p, config: c}
	s.Profile = firstOf(a.flags.profile, a.env("UNITTY_PROFILE"), c.DefaultProfile, "main")
	if !profileName.MatchString(s.Profile) {
		return nil, usagef("profile name %q: lower-case letters, digits and dashes only, 32 at most", unity.Clean(s.Profile))
	}
	file, known := c.Profiles[s.Profile]
	if !known && (a.flags.profile != "" || a.env("UNITTY_PROFILE") != "") && !a.makesProfile(s.Profile) {
		return nil, usagef("there is no profile %q; there are: %s", s.Profile, strings.Join(c.profileNames(), " "))
	}
	return s, s.merge(a, file)
}

// makesProfile tells whether flags and environment say enough for a profile that the file does not have.
func (a *app) makesProfile(string) bool {
	return a.env("UNITTY_CLIENT_ID") != "" && a.env("UNITTY_USERNAME") != "" || a.flags.profile != "" && a.newProfile
}

func (s *settings) merge(a *app, file profile) error {
	s.BaseURL = firstOf(a.flags.baseURL, a.env("UNITTY_BASE_URL"), file.BaseURL, unity.DefaultBaseURL)
	base, err := unity.ParseBaseURL(s.BaseURL)
	if err != nil {
		return usagef("%v", err)
	}
	s.BaseURL = base.String()
	if key := firstOf(a.flags.gsmKey, a.env("UNITTY_GSM_KEY"), file.GSMKey); key != "" {
		if s.Key, err = unity.ParseKeycode(key); err != nil {
			return usagef("GSM key: %v", err)
		}
	}
	s.Username = firstOf(a.env("UNITTY_USERNAME"), file.Username)
	s.ClientID = firstOf(a.env("UNITTY_CLIENT_ID"), file.ClientID)
	s.Password = auth.NewSecret(a.env("UNITTY_PASSWORD"))
	s.ClientSecret = auth.NewSecret(a.env("UNITTY_CLIENT_SECRET"))
	s.Scope = strings.Fields(firstOf(a.env("UNITTY_SCOPE"), file.Scope))
	s.Store, s.Pinned = a.env("UNITTY_KEYRING"), file.Store
	if name := firstOf(s.Store, s.Pinned); name != "" && !slices.Contains(storeNames(), name) {
		return usagef("there is no secret store %q; there are %s", unity.Clean(name), strings.Join(storeNames(), " "))
	}
	s.PassphraseFile = a.env("UNITTY_KEYRING_PASSPHRASE_FILE")
	s.ReadOnly = a.flags.readOnly || file.ReadOnly || truthy(a.env("UNITTY_READ_ONLY"))
	s.RequireAudit, s.Colour, s.Source = file.RequireAudit, file.Colour, file.Source
	if s.Source != nil && s.Source.Kind != secretserver.Kind {
		return usagef("profiles.%s.source: kind is %q; there is %q", s.Profile, unity.Clean(s.Source.Kind), secretserver.Kind)
	}
	// check has read these already.
	s.StaleAfter, _ = duration(s.config.Fleet.StaleAfter, fleet.DefaultStaleAfter)
	s.Refresh, _ = duration(s.config.UI.Refresh, time.Minute)
	s.IdleLock, _ = duration(s.config.UI.IdleLock, 15*time.Minute)
	return nil
}

// storeNames are the values of UNITTY_KEYRING and of a profile's store. Not each can be used on every system.
func storeNames() []string {
	return []string{"auto", "secret-service", "keychain", "wincred", "kwallet", "keyctl", "pass", "file", "memory"}
}

// account is the identity of the chain of tokens.
func (s *settings) account() auth.Account {
	return auth.Account{BaseURL: s.BaseURL, ClientID: s.ClientID, Username: s.Username}
}

// fromEnvironment tells whether the environment holds all that a sign-in takes.
func (s *settings) fromEnvironment() bool {
	return s.Username != "" && !s.Password.Empty() && s.ClientID != "" && !s.ClientSecret.Empty()
}

func (s *settings) credentials() auth.Credentials {
	return auth.Credentials{Username: s.Username, Password: s.Password, ClientID: s.ClientID, ClientSecret: s.ClientSecret}
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}

func truthy(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}
