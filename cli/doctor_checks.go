package cli

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
)

// viewScopes are the views and the paths behind them; the scope of a path is the API's.
func viewScopes() [][2]string {
	const console = "/service/api/console/gsm"
	return [][2]string{
		{"sites", console}, {"groups", console}, {"endpoints", console}, {"commands", console}, {"policies", console}, {"threats", console},
		{"admins", console}, {"usage", console}, {"status of a console's endpoints", "/service/api/status/gsm"},
		{"status of a site's endpoints", "/service/api/status/site"}, {"reports", "/service/api/status/reporting"},
	}
}

// checkScopes compares what was granted with what each view needs.
func (r *doctorReport) checkScopes(granted []string) {
	if len(granted) == 0 {
		r.warn("the server did not say which scopes it granted")
	}
	for _, v := range viewScopes() {
		scope := unity.ScopeOf(v[1])
		has := slices.ContainsFunc(granted, func(s string) bool { return s == "*" || strings.EqualFold(s, scope) })
		r.Scopes = append(r.Scopes, scopeCheck{View: v[0], Scope: scope, Granted: has})
		if has || len(granted) == 0 {
			continue
		}
		if v[0] == "sites" {
			r.problem("the token lacks %s, without which there is no view at all", scope)
		} else if scope != unity.ScopeOf(viewScopes()[0][1]) {
			r.warn("%s: no scope (%s); a Webroot representative can add it to the user", v[0], scope)
		}
	}
}

// checkConsole reads the console and its sites with the token.
func (r *doctorReport) checkConsole(ctx context.Context, s *settings, sess *session, timeout time.Duration) {
	r.checkScopes(sess.engine.Status().Scopes)
	client, err := unity.New(unity.Options{BaseURL: s.BaseURL, GSMKey: s.Key, Tokens: sess.tokens(), Version: version, Timeout: timeout, ReadOnly: true})
	if err != nil {
		r.problem("client: %s", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 4*doctorTime)
	defer cancel()
	console, err := client.Console(ctx)
	if err != nil {
		r.blame("console", err)
		return
	}
	r.Sites = &sitesCheck{Console: unity.Clean(console.Name.Raw())}
	list, err := client.Sites(ctx)
	if err != nil {
		r.blame("sites", err)
		return
	}
	for i := range list.Sites {
		if list.Sites[i].Visible() {
			r.Sites.Visible++
		} else {
			r.Sites.WithoutAccess++
		}
	}
	switch {
	case r.Sites.Visible == 0 && r.Sites.WithoutAccess > 0:
		r.problem("the user has access to none of %s: a super admin grants it in the GSM console under Admins", numbered(r.Sites.WithoutAccess, "site"))
	case r.Sites.WithoutAccess > 0:
		r.warn("the user has no access to %d of %d sites", r.Sites.WithoutAccess, r.Sites.Visible+r.Sites.WithoutAccess)
	}
}

// blame counts an error of a call to what it says about the sign-in and the network.
func (r *doctorReport) blame(what string, err error) {
	switch exitCode(err) {
	case exitUnreachable:
		r.SignIn.unreachable = true
	case exitSignIn:
		r.SignIn.needed = true
		r.SignIn.Text = unity.Clean(err.Error())
	}
	if errors.Is(err, unity.ErrDenied) || errors.Is(err, unity.ErrNotFound) {
		r.problem("%s: %s", what, keyError(err).Error())
		return
	}
	r.problem("%s: %s", what, err.Error())
}

// dependency is a module that keeps secrets safe, with its version in this binary.
type dependency struct{ Path, Version string }

// leastJose is the first version of jose2go that does not accept forged items.
const leastJose = "v1.10.0"

// checkDependencies reads the versions out of the binary itself.
func (r *doctorReport) checkDependencies() {
	r.Dependencies = []dependency{}
	if info, ok := debug.ReadBuildInfo(); ok {
		r.Dependencies = securityModules(info)
	}
	if len(r.Dependencies) == 0 {
		r.warn("this binary does not say which versions it was built from")
	}
	for _, d := range r.Dependencies {
		if d.Path == josePath && versionLess(d.Version, leastJose) {
			r.problem("%s %s accepts forged items; %s is the least that is safe", d.Path, d.Version, leastJose)
		}
	}
}

const josePath = "github.com/dvsekhvalnov/jose2go"

// securityModules picks the modules that secrets pass through.
func securityModules(info *debug.BuildInfo) []dependency {
	out := []dependency{}
	for _, path := range []string{"filippo.io/age", "github.com/99designs/keyring", josePath, "github.com/godbus/dbus", "golang.org/x/crypto", "golang.org/x/sys"} {
		for _, m := range info.Deps {
			if m.Path != path {
				continue
			}
			v := m.Version
			if m.Replace != nil {
				v = m.Replace.Version + " (" + m.Replace.Path + ")"
			}
			out = append(out, dependency{Path: path, Version: v})
		}
	}
	return out
}

// versionLess compares two versions of the form v1.2.3, by their first three numbers. What is not of this form is not
// less than anything.
func versionLess(a, b string) bool {
	x, okX := versionNumbers(a)
	y, okY := versionNumbers(b)
	return okX && okY && slices.Compare(x, y) < 0
}

func versionNumbers(v string) ([]int, bool) {
	v, _, _ = strings.Cut(strings.TrimPrefix(v, "v"), "-")
	parts := strings.Split(v, ".")
	if len(parts) != 3 {
		return nil, false
	}
	out := make([]int, 3)
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// checkProfiles warns of profiles with the same user and client: where their stores differ, they are two chains of one
// user that know nothing of each other, and a server may end one for the other.
func (r *doctorReport) checkProfiles(s *settings) {
	seen := map[string]string{}
	for _, name := range s.config.profileNames() {
		p := s.config.Profiles[name]
		if p.Username == "" || p.ClientID == "" {
			continue
		}
		id := strings.Join([]string{strings.ToLower(strings.TrimRight(firstOf(p.BaseURL, unity.DefaultBaseURL), "/")), p.ClientID, strings.ToLower(p.Username)}, "\x00")
		if first, ok := seen[id]; ok {
			r.warn("the profiles %s and %s share user and client: signing out of one, or signing in again, may end the other", first, name)
			continue
		}
		seen[id] = name
	}
}
