package selector

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTermsOnAKnownRow(t *testing.T) {
	for _, x := range []struct {
		expr string
		want Answer
	}{
		{"", Yes}, {"   \t ", Yes},
		// Bare words: folded substrings of several fields.
		{"desk", Yes}, {"DESK-02", Yes}, {"cafe", Yes}, {"ＣＡＦＥ", Yes}, {"RENEE.MULLER", Yes}, {"10.0.0.12", Yes}, {"nothing", No},
		{"3c:4d", Yes}, {"00:1a:2b:3c:4d:5e", Yes}, {"fe80::1a2b", Yes}, {"fe80:", Yes}, {"dead::beef", No}, {"ab12cd34", Yes}, {"ab12-cd34", Yes},
		{"desk cafe", Yes}, {"desk nothing", No}, {`"café nord"`, Yes}, {`"cafe  nord"`, No}, {`caf"é n"ord`, Yes}, {"!nothing", Yes}, {"!desk", No},
		{"a|b", No}, // no alternatives in bare words
		// Text.
		{"host:desk", Yes}, {"HOST:desk", Yes}, {"host:=desk", No}, {"host:=frontdesk-02", Yes}, {"host:x|desk|y", Yes}, {"host:x|y", No},
		{"!host:x|desk", No}, {`host:"x|desk"`, No}, {`site:"café nord"`, Yes}, {`site:="CAFE NORD"`, Yes}, {"site:=cafe", No},
		{"mac:00:1a:2b", Yes}, {"ip:fe80::", Yes},
		// Exact.
		{"id:11111111-2222-3333-4444-555555555555", Yes}, {"id:1111", No}, {"status:ok", Yes}, {"status:OK", Yes}, {"status:=ok", Yes},
		{"status:stale|ok", Yes}, {"!status:stale", Yes}, {`status:"two words"`, No},
		// Keycodes without regard to dashes.
		{"keycode:AB12-CD34", Yes}, {"keycode:ab12cd34ef", Yes}, {"keycode:=ab12cd34ef56gh78ij90", Yes}, {"keycode:=ab12", No}, {"keycode:ZZ", No},
		// Ages.
		{"seen:<3d", Yes}, {"seen:<2d", No}, {"seen:<=2d", Yes}, {"seen:>=48h", Yes}, {"seen:>30m", Yes}, {"seen:>1.5d", Yes}, {"seen:>1w", No},
		{"seen:<1y", Yes}, {"seen:never", No}, {"!seen:never", Yes}, {"seen:>1d seen:<3d", Yes},
		{"ends:<30d", Yes}, {"ends:<10d", No}, {"ends:>10d", Yes}, {"ends:never", No},
		// Versions.
		{"version:9", Yes}, {"version:9.0.3", No}, {"version:9.0.36", Yes}, {"version:9.0.36.", Yes}, {"version:=9.0.36", No}, {"version:=9.0.36.40", Yes},
		{"version:>=9.0.36", Yes}, {"version:<9.0.36", No}, {"version:>9.0.9", Yes}, {"version:<9.0.100", Yes}, {"version:8|9", Yes},
		// Numbers.
		{"seats:12", Yes}, {"seats:>11", Yes}, {"seats:<12", No}, {"seats:<=12", Yes}, {"seats:>=12.5", No}, {"seats:1|12", Yes}, {"seats:>-1", Yes},
		// Escapes in quotes, and ! inside of a word.
		{`host:"a\"b"`, No}, {`"\\"`, No}, {`"!desk"`, No}, {"d!esk", No},
	} {
		if got := mustParse(t, x.expr).Eval(sample(), now); got != x.want {
			t.Errorf("%q gives %v, want %v", x.expr, got, x.want)
		}
	}
}

func TestNeverAndUnset(t *testing.T) {
	never := row{host: "old"}
	for expr, want := range map[string]Answer{
		"seen:>30d": Yes, "seen:>100y": Yes, "seen:<30d": No, "seen:never": Yes, "seen:NEVER": Yes, "seen:=never": Yes, "!seen:never": No,
		"ends:<30d": No, "ends:>30d": Yes, "ends:never": Yes,
	} {
		if got := mustParse(t, expr).Eval(never, now); got != want {
			t.Errorf("%q gives %v, want %v", expr, got, want)
		}
	}
	future := row{seen: now.Add(time.Hour), ends: ago(day)}
	for expr, want := range map[string]Answer{"seen:<1m": Yes, "seen:>1m": No, "ends:<1d": Yes, "ends:>0s": No} {
		if got := mustParse(t, expr).Eval(future, now); got != want {
			t.Errorf("%q gives %v for an instant on the other side, want %v", expr, got, want)
		}
	}
}

func TestWhatARowDoesNotKnowIsNeverGuessed(t *testing.T) {
	r := sample()
	r.joined = false
	for expr, want := range map[string]Answer{
		"status:ok": Unknown, "!status:ok": Unknown, "user:renee": Unknown, "!user:renee": Unknown, "seats:>1": Unknown, "!seats:>1": Unknown,
		"status:ok host:desk": Unknown, "status:ok host:nothing": No, "host:nothing !status:ok": No, "!host:desk status:ok": No,
		"renee": No, "desk": Yes, "host:desk": Yes,
	} {
		p := mustParse(t, expr)
		if got := p.Eval(r, now); got != want {
			t.Errorf("%q gives %v, want %v", expr, got, want)
		}
		if p.Match(r, now) != (want == Yes) {
			t.Errorf("%q: Match and Eval differ", expr)
		}
	}
	for _, version := range []string{"", "beta", "9.0-rc", ".9"} {
		for _, expr := range []string{"version:<9.0.36", "!version:<9.0.36", "!version:>=9"} {
			if got := mustParse(t, expr).Eval(row{version: version}, now); got != Unknown {
				t.Errorf("%q gives %v for the version %q, which has no place in the order", expr, got, version)
			}
		}
	}
}

func TestMistakesNameTheColumn(t *testing.T) {
	for _, x := range []struct {
		expr   string
		column int
		text   string
	}{
		{"nofield:x", 1, "unknown field"}, {"desk  nofield:x", 7, "unknown field"}, {"éé nofield:x", 4, "unknown field"},
		{"host:", 6, "value is expected"}, {"host: x", 6, "value is expected"}, {"host:a|", 8, "value is expected"}, {"host:|a", 6, "value is expected"},
		{`host:""`, 6, "value is expected"}, {`""`, 1, "value is expected"}, {`host:" "`, 6, "value is expected"}, {`" "`, 1, "value is expected"},
		{"host:\u0301", 6, "value is expected"}, {"desk \u0301", 6, "value is expected"}, {`id:" "`, 4, "value is expected"},
		{"keycode:-", 9, "value is expected"}, {"keycode:=--", 10, "value is expected"},
		{"!", 2, "after !"}, {"desk !", 7, "after !"}, {"! desk", 2, "after !"}, {"!!desk", 2, "one !"}, {"!!host:a", 2, "one !"},
		{`host:"abc`, 6, "not closed"}, {`a "b`, 3, "not closed"}, {`host:a|"b`, 8, "not closed"},
		{"host:>3", 7, "has no >"}, {"status:<=ok", 10, "has no <="},
		{"status:sick", 8, "one of"}, {"status:ok|sick", 11, "one of"},
		{"seen:30d", 6, "needs < or >"}, {"seen:=30d", 7, "needs < or >"}, {"seen:>30", 7, "no time"}, {"seen:>x", 7, "no time"}, {"seen:>-3d", 7, "no time"},
		{"seen:>1.2.3d", 7, "no time"}, {"seen:>99999999999999y", 7, "no time"}, {"seen:>3d|x", 10, "no time"}, {"seen:>1w|<3d", 10, "no time"}, {"seen:<never", 7, "no time"},
		{"version:>nine", 10, "no version"}, {"version:>.9", 10, "no version"},
		{"seats:many", 7, "no number"}, {"seats:>NaN", 8, "no number"}, {"seats:<inf", 8, "no number"}, {"seats:1|x", 9, "no number"},
	} {
		_, err := language().Parse(x.expr)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("Parse(%q) gives %v, want a SyntaxError", x.expr, err)
			continue
		}
		if e.Column != x.column || !strings.Contains(e.Error(), x.text) {
			t.Errorf("Parse(%q): %v, want column %d and %q", x.expr, e, x.column, x.text)
		}
	}
}

func TestNothingThatMatchesEverythingSlipsIn(t *testing.T) {
	for _, blank := range []string{`" "`, `"` + "\u00a0" + `"`, "\u0301", `"` + "\u3000 " + `"`} {
		for _, form := range []string{"%", "host:%", "host:=%", "!host:%", "host:x|%"} {
			expr := strings.ReplaceAll(form, "%", blank)
			if p, err := language().Parse(expr); err == nil {
				t.Errorf("%q is taken, and gives %v for a machine it does not name", expr, p.Eval(sample(), now))
			}
		}
	}
}

func TestMissingScopeIsNamed(t *testing.T) {
	l := language()
	l.MissingScope = func(scope string) bool { return scope == "S" }
	var e *ScopeError
	if _, err := l.Parse("host:a status:ok"); !errors.As(err, &e) || e.Field != "status" || e.Scope != "S" {
		t.Errorf("a field without its scope gives %v", err)
	}
	if p, err := l.Parse("host:desk seen:<3d"); err != nil || p.Eval(sample(), now) != Yes {
		t.Errorf("fields that need no scope give %v", err)
	}
	if _, err := l.Parse("renee"); err != nil {
		t.Errorf("a bare word gives %v", err)
	}
}

func TestFieldsAndEmpty(t *testing.T) {
	p := mustParse(t, "desk !HOST:x seen:>3d")
	if got := p.Fields(); !reflect.DeepEqual(got, []string{"", "host", "seen"}) || p.Empty() {
		t.Errorf("Fields is %q, Empty %v", got, p.Empty())
	}
	if !mustParse(t, " ").Empty() {
		t.Error("blanks are not empty")
	}
}

func TestComplete(t *testing.T) {
	for _, x := range []struct {
		expr string
		want []string
	}{
		{"", nil}, {"desk ", nil}, {"s", []string{"site:", "status:", "seen:", "seats:"}}, {"desk !se", []string{"desk !seen:", "desk !seats:"}},
		{"STAT", []string{"status:"}}, {"status:", []string{"status:infected", "status:stale", "status:ok", `status:"two words"`}},
		{"a status:S", []string{"a status:stale"}}, {"!status:=o", []string{"!status:=ok"}}, {"status:ok|i", []string{"status:ok|infected"}},
		{"nofield:a", nil}, {"host:a", nil}, {`site:"Harbour s`, nil}, {`site:"Harbour D" sta`, []string{`site:"Harbour D" status:`}},
	} {
		got := language().Complete(x.expr)
		if !reflect.DeepEqual(got, x.want) {
			t.Errorf("Complete(%q) is %q, want %q", x.expr, got, x.want)
		}
		for _, c := range got {
			if strings.HasSuffix(c, ":") {
				continue
			}
			if _, err := language().Parse(c); err != nil {
				t.Errorf("the completion %q does not parse: %v", c, err)
			}
		}
	}
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"", "1", "8.0.8.53", "9", "9.0.9", "9.0.36", "9.0.36.1", "9.0.36.40", "9.0.100", "9.1", "10",
		"10.99999999999999999999998", "10.99999999999999999999999"}
	for i, a := range ordered {
		for j, b := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := CompareVersions(a, b); got != want {
				t.Errorf("CompareVersions(%q, %q) is %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"9", "9.0.0"}, {"9.0", "09.00"}, {"", "0.0"}, {"9.x", "9.0"}} {
		if CompareVersions(same[0], same[1]) != 0 {
			t.Errorf("%q and %q differ", same[0], same[1])
		}
	}
}

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "15m": 15 * time.Minute, "15min": 15 * time.Minute, "2h": 2 * time.Hour,
		"30d": 30 * day, "6W": 42 * day, "1y": 365 * day, "1.5h": 90 * time.Minute, "0d": 0} {
		if got, err := ParseAge(text); err != nil || got != want {
			t.Errorf("ParseAge(%q) is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "30", "-1d", "1e3d", "3 d", "3d4h", "300y300y", "1000000y"} {
		if got, err := ParseAge(text); err == nil {
			t.Errorf("ParseAge(%q) is %v", text, got)
		}
	}
}
