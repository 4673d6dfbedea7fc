package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
)

// text is the report for people.
func (r *doctorReport) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(&b, "%-16s %s\n", name, strings.TrimRight(unity.Clean(fmt.Sprintf(format, args...)), " "))
	}
	line("unitty", "%s, %s", r.Version, r.Go)
	line("profile", "%s  %s", r.Profile, r.BaseURL)
	r.networkText(line)
	r.signInText(line)
	for _, s := range r.Stores {
		line("store "+s.Name, "%s", s.words())
	}
	if r.Lock != nil {
		held := ""
		if r.Lock.HeldBy != 0 {
			held = fmt.Sprintf(", held by process %d", r.Lock.HeldBy)
		}
		line("lock", "%s  %s %s%s", r.Lock.Path, r.Lock.Owner, r.Lock.Mode, held)
	}
	if r.Sites != nil {
		line("console", "%s", firstOf(r.Sites.Console, "-"))
		line("sites", "%d visible, %d without access", r.Sites.Visible, r.Sites.WithoutAccess)
	}
	for _, s := range r.Scopes {
		word := "granted"
		if !s.Granted {
			word = "no scope"
		}
		line("scope", "%-8s  %-22s %s", word, s.Scope, s.View)
	}
	for _, d := range r.Dependencies {
		line("built with", "%s %s", d.Path, d.Version)
	}
	for _, p := range r.ProbeAuth {
		line("("+p.Letter+") "+p.Answer, "%s %s", p.Question, p.Detail)
	}
	for _, w := range r.Warnings {
		line("warning", "%s", w)
	}
	for _, p := range r.Problems {
		line("PROBLEM", "%s", p)
	}
	line("verdict", "%s", r.Verdict)
	return b.String()
}

func (r *doctorReport) networkText(line func(string, string, ...any)) {
	reach := "out of reach: " + r.Network.Text
	if r.Network.Reached {
		reach = fmt.Sprintf("answers, %.0f ms", r.Network.Milliseconds)
	}
	line("API", "%s", reach)
	line("proxy", "%s", firstOf(r.Network.Proxy, "none"))
	line("clock", "%s", r.Network.skewWords())
}

func (r *doctorReport) signInText(line func(string, string, ...any)) {
	line("sign-in", "%s  %s", r.SignIn.State, r.SignIn.Text)
	if r.SignIn.Generation == 0 {
		return
	}
	line("generation", "%d", r.SignIn.Generation)
	line("access token", "%s old of %s", seconds(r.SignIn.AccessAgeSeconds), seconds(r.SignIn.AccessLifeSeconds))
	if r.SignIn.RefreshExpiresAt != nil {
		line("refresh token", "good until %s", localTime(*r.SignIn.RefreshExpiresAt))
	}
}

func seconds(n int64) string { return (time.Duration(n) * time.Second).String() }

// words describes a store on one line.
func (c *storeCheck) words() string {
	parts := []string{c.State}
	if c.InUse {
		parts = append(parts, "in use")
	}
	if c.CanaryMS != nil {
		parts = append(parts, fmt.Sprintf("test item %.1f ms", *c.CanaryMS))
	}
	if c.UnlockedUntil != nil {
		parts = append(parts, fmt.Sprintf("open without its passphrase until %s, which each use puts off", localTime(*c.UnlockedUntil)))
	}
	if !c.Tested {
		parts = append(parts, "untested by unitty's own tests")
	}
	if c.Reason != "" {
		parts = append(parts, c.Reason)
	}
	return strings.Join(parts, ", ")
}
