package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTokenRefusesTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &errs, env: func(string) string { return "" }, tty: true}
	if code := a.run(t.Context(), []string{"token"}); code != exitRefused {
		t.Errorf("exit code %d, want %d", code, exitRefused)
	}
	if out.Len() > 0 || !strings.Contains(errs.String(), "--show") {
		t.Errorf("printed %q, said %q", out.String(), errs.String())
	}
}

func TestTokenShowsOnTerminal(t *testing.T) {
	a := &app{tty: true, flags: globalFlags{}}
	f := tokenFlags{format: "plain", show: true}
	if _, err := a.checkToken(&f); err != nil {
		t.Error(err)
	}
}

func TestParseScopeIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringMatching(`[A-Z][a-z]{0,5}\.[A-Z][a-z]{0,5}`), 1, 6).Draw(t, "names")
		shuffled := rapid.Permutation(names).Draw(t, "shuffled")
		sep := rapid.SampledFrom([]string{" ", ",", ", "}).Draw(t, "sep")
		one, err := parseScope([]string{strings.Join(names, sep)})
		if err != nil {
			t.Fatal(err)
		}
		two, err := parseScope(shuffled)
		if err != nil || !slices.Equal(one, two) {
			t.Fatalf("%q and %q: %v", one, two, err)
		}
		for _, n := range names {
			if !slices.Contains(one, n) {
				t.Fatalf("%q is lost in %q", n, one)
			}
		}
	})
}

func TestParseScopeRefuses(t *testing.T) {
	for _, bad := range []string{"", " ", "*", "Console.*", "Console", ".GSM", "Console.GSM\x1b", "Console.GSM\nX.Y", `"Console.GSM"`} {
		if got, err := parseScope([]string{bad}); err == nil {
			t.Errorf("%q was read as %q", bad, got)
		}
	}
}

func TestScopeMatches(t *testing.T) {
	for _, c := range []struct {
		asked, granted string
		ok             bool
	}{
		{"", "A.B C.D", true}, {"A.B", "a.b", true}, {"A.B", "A.B C.D", false}, {"A.B C.D", "A.B", false}, {"A.B", "", false}, {"A.B", "*", false},
	} {
		if err := scopeMatches(strings.Fields(c.asked), strings.Fields(c.granted)); (err == nil) != c.ok {
			t.Errorf("asked %q, granted %q: %v", c.asked, c.granted, err)
		}
	}
}

func TestLeastLife(t *testing.T) {
	for _, c := range []struct {
		min, life, chosen, implied time.Duration
	}{
		{time.Minute, 5 * time.Minute, time.Minute, time.Minute},
		{time.Minute, time.Hour, time.Minute, time.Minute},
		{time.Minute, 2 * time.Second, time.Second, 500 * time.Millisecond},
		{time.Hour, 5 * time.Minute, 150 * time.Second, 75 * time.Second},
		{0, 5 * time.Minute, 0, 0},
	} {
		if got := (tokenFlags{minTTL: c.min, chosen: true}).least(c.life); got != c.chosen {
			t.Errorf("--min-ttl %v of %v: %v, want %v", c.min, c.life, got, c.chosen)
		}
		if got := (tokenFlags{minTTL: c.min}).least(c.life); got != c.implied {
			t.Errorf("default %v of %v: %v, want %v", c.min, c.life, got, c.implied)
		}
	}
}
