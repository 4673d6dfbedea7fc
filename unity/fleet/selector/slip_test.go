package selector

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAFieldTakesAColon(t *testing.T) {
	for expr, want := range map[string]string{
		"site=albion":              "column 5: a field takes a colon: write site:=albion or site:albion",
		"!site=albion":             "column 6: a field takes a colon: write !site:=albion or !site:albion",
		"!SITE=albion":             "column 6: a field takes a colon: write !site:=albion or !site:albion",
		"ｓｉｔｅ=albion":              "column 5: a field takes a colon: write site:=albion or site:albion",
		"site!=albion":             "column 5: a field takes a colon: write !site:=albion or !site:albion",
		"!site!=albion":            "column 6: a field takes a colon: write site:=albion or site:albion",
		"front  site == albion x":  "column 13: a field takes a colon: write site:=albion or site:albion",
		`site="albion travel"`:     `column 5: a field takes a colon: write site:="albion travel" or site:"albion travel"`,
		"site>albion":              "column 5: a field takes a colon: write site:albion",
		"site=":                    "column 5: a field takes a colon: write site:=… or site:…",
		"site=\x1b[2J":             "column 5: a field takes a colon: write site:=… or site:…",
		"host=x":                   "column 5: a field takes a colon: write host:=x or host:x",
		"keycode=AB12":             "column 8: a field takes a colon: write keycode:=AB12 or keycode:AB12",
		"status=infected":          "column 7: a field takes a colon: write status:infected",
		"status=infected|stale":    "column 7: a field takes a colon: write status:infected|stale",
		"status<>ok":               "column 7: a field takes a colon: write !status:ok",
		"seen>30d":                 "column 5: a field takes a colon: write seen:>30d",
		"seen =< 30d":              "column 6: a field takes a colon: write seen:<=30d",
		"seen=30d":                 "column 5: a field takes a colon: write seen:>30d or seen:<30d",
		"seen=Never":               "column 5: a field takes a colon: write seen:Never",
		"version>=9.0.36":          "column 8: a field takes a colon: write version:>=9.0.36",
		"version=9":                "column 8: a field takes a colon: write version:9",
		"!seats>>3":                "column 7: a field takes a colon: write !seats:>3",
		"view=mine":                "column 5: a field takes a colon: write view:mine",
		"status:ok | seen > 3d":    "column 18: a field takes a colon: write seen:>3d",
		"user=" + longWord():       "column 5: a field takes a colon: write user:=… or user:…",
		"host:front*":              "column 6: there are no wildcards: host:front finds it anywhere in the text; in quotes * stands for itself",
		"!host:a|ab*-02":           "column 9: there are no wildcards: host:-02 finds it anywhere in the text; in quotes * stands for itself",
		"mac:*":                    "column 5: there are no wildcards; in quotes * stands for itself",
		"ip:10.0.*":                "column 4: there are no wildcards: ip:10.0. finds it anywhere in the text; in quotes * stands for itself",
		"user:=*vance":             "column 7: there are no wildcards: user:vance finds it anywhere in the text; in quotes * stands for itself",
		"host=front*":              "column 5: a field takes a colon: write host:=front* or host:front*",
		"!site=albion nofield:nix": "column 6: a field takes a colon: write !site:=albion or !site:albion",
	} {
		_, err := withViews().Parse(expr)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Error() != want {
			t.Errorf("%q gives %v,\nnot %s", expr, err, want)
		}
	}
}

func longWord() string { return strings.Repeat("x", longestShown+1) }

func TestWordsWithSignsStayWords(t *testing.T) {
	r := sample()
	r.host = "a x=y SITE=albion seen>30d front* = host < sites!=1 view=mine"
	for _, expr := range []string{
		"x=y", "y", `"site=albion"`, `site"=albion"`, `"site"=albion`, `"seen>30d"`, `"seen">30d`, "sites!=1", "s!=1", `"front*"`, "front*", "*", "=", "<", `host:"front*"`,
		`host:front"*"`, "host:x=y", "host:q|x=", "mine", "view=mine", "1 !site:nobody",
	} {
		if got := mustParse(t, expr).Eval(r, now); got != Yes {
			t.Errorf("%q gives %v", expr, got)
		}
	}
	if got := mustParse(t, `!"site=albion"`).Eval(r, now); got != No {
		t.Errorf("the negation gives %v", got)
	}
	hosts := language()
	hosts.Bare = []string{"host"}
	var syntax *SyntaxError
	if _, err := hosts.Parse("x front*"); !errors.As(err, &syntax) || syntax.Column != 3 || !strings.Contains(syntax.Text, ": front finds it") {
		t.Errorf("a wildcard where words are host names gives %v", err)
	}
}

// TestWhatAMistakeProposesIsMeant: for a field, a sign and a value, every spelling that a message proposes can be read, is of that
// field, compares as the sign does, and says what the negation says.
func TestWhatAMistakeProposesIsMeant(t *testing.T) {
	values := map[string]string{"host": "desk", "site": `"café nord"`, "user": "a|b", "ip": "10.0", "mac": "00:1a", "keycode": "AB12", "id": "1-2", "status": "ok|stale",
		"version": "9.0.36", "seen": "30d", "ends": "2w", "seats": "12", "view": "mine"}
	rapid.Check(t, func(t *rapid.T) {
		l := withViews()
		field := rapid.SampledFrom(append(l.fieldNames(), viewField)).Draw(t, "field")
		sign := rapid.SampledFrom([]string{"=", "==", "<", "<=", "=<", ">", ">=", "=>", "!=", "<>"}).Draw(t, "sign")
		not := rapid.SampledFrom([]string{"", "!"}).Draw(t, "not")
		blank := rapid.SampledFrom([]string{"", " ", "\u3000\t"}).Draw(t, "blank")
		before := rapid.SampledFrom([]string{"", "desk ", "é status:ok "}).Draw(t, "before")
		expr := before + not + rapid.SampledFrom([]string{field, strings.ToUpper(field)}).Draw(t, "case") + blank
		column := len([]rune(expr)) + 1
		expr += sign + blank + values[field]
		_, err := l.Parse(expr)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Column != column {
			t.Fatalf("%q gives %v, not a mistake in column %d", expr, err, column)
		}
		_, proposed, _ := strings.Cut(syntax.Text, "write ")
		negated := (not == "!") != (sign == "!=" || sign == "<>")
		if field == viewField && negated {
			return // a view has no negation, as the next message says
		}
		for _, term := range strings.Split(proposed, " or ") {
			p, err := l.Parse(term)
			if err != nil {
				t.Fatalf("%q proposes %q: %v", expr, term, err)
			}
			if field == viewField {
				if !slices.Equal(p.Views(), []string{"mine"}) {
					t.Fatalf("%q proposes %q", expr, term)
				}
				continue
			}
			x := p.Tests()[0]
			if len(p.Tests()) != 1 || x.Field != field || x.Neg != negated {
				t.Fatalf("%q proposes %q", expr, term)
			}
			ordered := x.Kind == Age || x.Kind == Until || x.Kind == Version || x.Kind == Number
			if order := strings.Trim(sign, "=!"); ordered && order != "" && order != "<>" && (x.Op[:1] != order || strings.Contains(x.Op, "=") != strings.Contains(sign, "=")) {
				t.Fatalf("%q proposes %q", expr, term)
			}
		}
	})
}

func (l *Language[T]) fieldNames() []string {
	var out []string
	for i := range l.Fields {
		out = append(out, l.Fields[i].Name)
	}
	return out
}
