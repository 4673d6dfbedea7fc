package selector

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestExplain(t *testing.T) {
	unjoined := sample()
	unjoined.joined = false
	for _, x := range []struct {
		expr    string
		row     row
		fields  []string
		not     string
		against []string
		answer  Answer
	}{
		{"", sample(), nil, "", nil, Yes},
		{"frontdesk", sample(), []string{"host"}, "", nil, Yes},
		{"renee", sample(), []string{"user"}, "host", nil, Yes},
		{"r", sample(), []string{"host", "site", "user"}, "", nil, Yes},
		{"cafe", sample(), []string{"site"}, "host", nil, Yes},
		{"ab12cd34", sample(), []string{"keycode"}, "host", nil, Yes},
		{"user:renee", sample(), []string{"user"}, "", nil, Yes},
		{"seen:<7d user:renee seen:>1d", sample(), []string{"seen", "user"}, "", nil, Yes},
		{"!status:stale front", sample(), []string{"!status", "host"}, "", nil, Yes},
		{"!nobody", sample(), []string{"!host"}, "", nil, Yes},
		{"renee status:stale", sample(), []string{"user"}, "host", []string{"status"}, No},
		{"nobody", sample(), nil, "", []string{"host"}, No},
		{"!frontdesk", sample(), nil, "", []string{"!host"}, No},
		{"status:ok front", unjoined, []string{"host"}, "", []string{"status"}, Unknown},
		{"status:ok nobody", unjoined, nil, "", []string{"status", "host"}, No},
		{"renee", unjoined, nil, "", []string{"host"}, No},
	} {
		w := mustParse(t, x.expr).Explain(x.row, now)
		if w.Answer != x.answer || w.Not != x.not || !slices.Equal(w.Fields, x.fields) || !slices.Equal(w.Against, x.against) {
			t.Errorf("%q: %+v", x.expr, w)
		}
	}
}

// TestExplainAgreesWithEval over random expressions: the answer is the same, and every field that is named would match alone.
func TestExplainAgreesWithEval(t *testing.T) {
	words := []string{"front", "renee", "cafe", "10.0", "ab12", "host:front", "user:renee", "!user:x", "status:ok", "!status:stale", "seen:<7d", "seats:>20", "version:>=9"}
	rapid.Check(t, func(t *rapid.T) {
		expr := ""
		for _, w := range rapid.SliceOfN(rapid.SampledFrom(words), 0, 4).Draw(t, "terms") {
			expr += w + " "
		}
		r := sample()
		r.joined = rapid.Bool().Draw(t, "joined")
		r.host = rapid.SampledFrom([]string{r.host, "renee-pc", ""}).Draw(t, "host")
		p, err := language().Parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		w := p.Explain(r, now)
		if w.Answer != p.Eval(r, now) {
			t.Fatalf("%q: %s, but %s", expr, w.Answer, p.Eval(r, now))
		}
		if (w.Answer == Yes) != (len(w.Against) == 0) {
			t.Fatalf("%q: %s with %q against it", expr, w.Answer, w.Against)
		}
		if w.Answer == Yes && !p.Empty() && len(w.Fields) == 0 {
			t.Fatalf("%q matches and nobody knows why", expr)
		}
	})
}
