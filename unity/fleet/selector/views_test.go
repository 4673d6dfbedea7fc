package selector

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func withViews() *Language[row] {
	l := language()
	l.Views = map[string]string{"lost-laptops": "seen:>30d front", "mine": "user:renee", "two words": "status:ok", "empty": "", "wrong": "seats:>1 nonsense:x", "nested": "view:mine"}
	return l
}

func TestViews(t *testing.T) {
	for expr, same := range map[string]string{
		"view:mine":                          "user:renee",
		"view:=mine":                         "user:renee",
		"VIEW:Lost-Laptops":                  "seen:>30d front",
		`front view:"two words" version:>=9`: "front status:ok version:>=9",
		"view:empty":                         "",
		"view:mine view:lost-laptops":        "user:renee seen:>30d front",
	} {
		p, err := withViews().Parse(expr)
		if err != nil {
			t.Errorf("%q: %v", expr, err)
			continue
		}
		want := mustParse(t, same)
		if !slices.Equal(p.Fields(), want.Fields()) || len(p.Tests()) != len(want.Tests()) || p.Eval(sample(), now) != want.Eval(sample(), now) {
			t.Errorf("%q has the fields %q, %q has %q", expr, p.Fields(), same, want.Fields())
		}
	}
	for expr, named := range map[string][]string{"front": nil, "VIEW:Lost-Laptops front view:mine": {"lost-laptops", "mine"}} {
		if p, err := withViews().Parse(expr); err != nil || !slices.Equal(p.Views(), named) {
			t.Errorf("%q names the views %q (%v), not %q", expr, p.Views(), err, named)
		}
	}
}

func TestWrongViews(t *testing.T) {
	for _, x := range []struct {
		expr, text string
		column     int
	}{
		{"front view:nobody", `there is no view nobody; there are empty lost-laptops mine nested "two words" wrong`, 12},
		{"!view:mine", "cannot be negated", 1},
		{"view:mine|wrong", "one view", 6},
		{"view:>mine", "one view", 7},
		{"view:", "a value is expected", 6},
		{"view:wrong", "in the view wrong, column 10: ", 6},
		{"view:nested", "in the view nested, column 1: ", 6},
	} {
		_, err := withViews().Parse(x.expr)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Column != x.column || !strings.Contains(syntax.Text, x.text) {
			t.Errorf("%q: %v", x.expr, err)
		}
	}
	none := language()
	none.Views = map[string]string{}
	if _, err := none.Parse("view:mine"); err == nil || !strings.Contains(err.Error(), "none is saved") {
		t.Errorf("without views: %v", err)
	}
	if _, err := language().Parse("view:mine"); err == nil || !strings.Contains(err.Error(), "unknown field") {
		t.Errorf("in a language without views: %v", err)
	}
}

// TestViewIsItsExpression: a view among other terms is the same as its expression among them.
func TestViewIsItsExpression(t *testing.T) {
	words := []string{"front", "renee", "host:front", "!user:x", "status:ok", "!status:stale", "seen:<7d", "seats:>20", "version:>=9", "mac:00"}
	some := func(t *rapid.T, name string) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 3).Draw(t, name), " ")
	}
	rapid.Check(t, func(t *rapid.T) {
		before, saved, after := some(t, "before"), some(t, "view"), some(t, "after")
		r := sample()
		r.joined = rapid.Bool().Draw(t, "joined")
		name := rapid.StringMatching(`[a-z "\\|=<-]{1,8}`).Draw(t, "name")
		l := language()
		l.Views = map[string]string{name: saved}
		if strings.TrimSpace(l.Fold(name)) == "" {
			return
		}
		p, err := l.Parse(before + " view:" + quoteName(name) + " " + after)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if got, want := p.Explain(r, now), parsed(t, before+" "+saved+" "+after).Explain(r, now); got.Answer != want.Answer || !slices.Equal(got.Fields, want.Fields) {
			t.Fatalf("%+v, but %+v", got, want)
		}
	})
}

func parsed(t *rapid.T, expr string) *Plan[row] {
	p, err := language().Parse(expr)
	if err != nil {
		t.Fatalf("%q: %v", expr, err)
	}
	return p
}

func TestCompleteViews(t *testing.T) {
	for expr, want := range map[string][]string{
		"vi":            {"view:"},
		"front v":       {"front version:", "front view:"},
		"view:":         {"view:empty", "view:lost-laptops", "view:mine", "view:nested", `view:"two words"`, "view:wrong"},
		"front view:Lo": {"front view:lost-laptops"},
		"view:x":        nil,
	} {
		if got := withViews().Complete(expr); !slices.Equal(got, want) {
			t.Errorf("%q: %q", expr, got)
		}
	}
	if got := language().Complete("vi"); got != nil {
		t.Errorf("without views: %q", got)
	}
}
