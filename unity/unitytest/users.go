package unitytest

import (
	"fmt"
	"strings"
)

// user is someone who can sign in; admin with the same address is what the
// console knows of them.
type user struct {
	name, email, password, clientID, clientSecret string
	scopes                                        []string
}

// consoleScopes are the scopes that a fully equipped console user has.
func consoleScopes() []string {
	return []string{"Console.GSM", "Console.Access", "SkyStatus.GSM", "SkyStatus.Site", "SkyStatus.Reporting", "SkyStatus.Usage",
		"Notifications.Subscriptions"}
}

// knownScopes are all scopes of the reference, in the order they are granted.
func knownScopes() []string {
	return append(consoleScopes(), "ECom.Shop", "ECom.Licenses", "ECom.Orders", "SecureCloud.Platform")
}

func builtinUsers(seed uint64) []*user {
	r := newRandom(seed, 7)
	make1 := func(name string, scopes []string) *user {
		return &user{name: name, email: name + "@acme.example", password: "pw-" + r.hex(12) + "!&=", clientID: "client_" + r.hex(8) + "@acme.example",
			clientSecret: "cs-" + r.hex(20) + "/+", scopes: scopes}
	}
	monitoring := []string{"Console.GSM", "SkyStatus.GSM", "SkyStatus.Site", "SkyStatus.Reporting"}
	return []*user{make1(UserSuper, consoleScopes()), make1(UserLimited, monitoring), make1(UserAPIOnly, monitoring),
		make1(UserDefault, []string{"Console.GSM"})}
}

func errNoUser(name string) error { return fmt.Errorf("unitytest: no user is named %q", name) }

func (s *Server) userNamed(name string) *user {
	for _, u := range s.users {
		if u.name == name || strings.EqualFold(u.email, name) {
			return u
		}
	}
	return nil
}

// Credentials returns what the user chosen in the options signs in with.
func (s *Server) Credentials() Credentials { return s.CredentialsOf(s.opts.User) }

// CredentialsOf returns what a built-in user signs in with, by name or
// e-mail address; it is the zero value for an unknown one.
func (s *Server) CredentialsOf(name string) Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.userNamed(name)
	if u == nil {
		return Credentials{}
	}
	return Credentials{GSMKey: dashed(s.world.gsmKey), Username: u.email, Password: u.password, ClientID: u.clientID, ClientSecret: u.clientSecret}
}

// ChangePassword sets a new password, which revokes every token of the user
// at once. Unknown users are ignored.
func (s *Server) ChangePassword(name, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.userNamed(name); u != nil {
		u.password = password
		s.tokens.revokeUser(u)
	}
}

// RotateClientSecret gives the API client of a user a new secret; the tokens
// stay good. Unknown users are ignored.
func (s *Server) RotateClientSecret(name, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.userNamed(name); u != nil {
		u.clientSecret = secret
	}
}

// RevokeTokens revokes every token of a user but leaves the password, as the
// vendor's support may do. Unknown users are ignored.
func (s *Server) RevokeTokens(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.userNamed(name); u != nil {
		s.tokens.revokeUser(u)
	}
}

func (w *world) adminOf(u *user) *admin {
	for _, a := range w.admins {
		if strings.EqualFold(a.email, u.email) {
			return a
		}
	}
	return nil
}

// expandScopes resolves a scope request (names and wildcards, separated by
// blanks, any case) against what the user may have. Names are granted in the
// order of the reference. refused lists what was asked for by name but does
// not exist or is beyond the user.
func expandScopes(request string, allowed []string) (granted, refused []string) {
	wanted := map[string]bool{}
	for _, pattern := range strings.Fields(request) {
		matched := false
		for _, name := range allowed {
			if scopeMatches(pattern, name) {
				wanted[name], matched = true, true
			}
		}
		if !matched {
			refused = append(refused, pattern)
		}
	}
	for _, name := range knownScopes() {
		if wanted[name] {
			granted = append(granted, name)
		}
	}
	return granted, refused
}

func scopeMatches(pattern, name string) bool {
	if pattern == "*" {
		return true
	}
	extension, domain, ok := strings.Cut(pattern, ".")
	if !ok {
		return false
	}
	e, d, _ := strings.Cut(name, ".")
	return (extension == "*" || strings.EqualFold(extension, e)) && (domain == "*" || strings.EqualFold(domain, d))
}

// scopeOf is the scope that guards a path below /service/api.
func scopeOf(path string) (string, bool) {
	lower := strings.ToLower(path)
	for _, p := range [][2]string{{"/console/gsm", "Console.GSM"}, {"/console/access", "Console.Access"}, {"/status/gsm", "SkyStatus.GSM"},
		{"/status/site", "SkyStatus.Site"}, {"/status/reporting", "SkyStatus.Reporting"}, {"/usage", "SkyStatus.Usage"},
		{"/ecom/shop", "ECom.Shop"}, {"/ecom/licenses", "ECom.Licenses"}, {"/ecom/orders", "ECom.Orders"},
		{"/securecloud", "SecureCloud.Platform"}, {"/notifications/subscriptions", "Notifications.Subscriptions"}} {
		if lower == p[0] || strings.HasPrefix(lower, p[0]+"/") {
			return p[1], true
		}
	}
	return "", false
}
