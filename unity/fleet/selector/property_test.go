package selector

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
)

// part is a term as a test means it, before it is written down.
type part struct {
	neg    bool
	field  string // "" for a bare word
	op     string // "=", < <= > >= or ""
	values []string
}

// write gives the term as a person would type it.
func (p part) write() string {
	var b strings.Builder
	if p.neg {
		b.WriteByte('!')
	}
	if p.field != "" {
		b.WriteString(p.field + ":" + p.op)
	}
	for i, v := range p.values {
		if i > 0 {
			b.WriteByte('|')
		}
		if p.field == "" && !slices.Contains(signed(), v) || p.field != "" && strings.ContainsAny(v, ` "\|<>=!*`) {
			v = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		}
		b.WriteString(v)
	}
	return b.String()
}

// judge answers for one value without any code of the package.
func (p part) judge(r row, want string) bool {
	has := func(text string) bool { return strings.Contains(unity.Fold(text), unity.Fold(want)) }
	bareKey := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "")) }
	texts := map[string]string{"host": r.host, "site": r.site, "user": r.user, "ip": r.ip, "mac": r.mac}
	switch p.field {
	case "":
		return has(r.host) || has(r.site) || r.joined && (has(r.user) || has(r.ip) || has(r.mac)) ||
			bareKey(want) != "" && strings.Contains(bareKey(r.key), bareKey(want))
	case "keycode":
		if p.op == "=" {
			return bareKey(r.key) == bareKey(want)
		}
		return strings.Contains(bareKey(r.key), bareKey(want))
	case "status":
		return unity.Fold(r.status) == unity.Fold(want)
	case "seats":
		n, _ := strconv.ParseFloat(want, 64)
		return holds(p.op, cmp.Compare(r.seats, n))
	case "seen":
		hours, _ := strconv.Atoi(strings.TrimSuffix(want, "h"))
		if r.seen.IsZero() {
			return p.op == ">" || p.op == ">="
		}
		return holds(p.op, cmp.Compare(now.Sub(r.seen), time.Duration(hours)*time.Hour))
	case "version":
		return holds(p.op, compareNumbers(r.version, want))
	}
	if p.op == "=" {
		return unity.Fold(texts[p.field]) == unity.Fold(want)
	}
	return has(texts[p.field])
}

func holds(op string, c int) bool {
	return slices.Contains(map[int][]string{-1: {"<", "<="}, 0: {"", "=", "<=", ">="}, 1: {">", ">="}}[c], op)
}

func compareNumbers(a, b string) int {
	var x, y [4]int
	_, _ = fmt.Sscanf(a+".0.0.0", "%d.%d.%d.%d", &x[0], &x[1], &x[2], &x[3])
	_, _ = fmt.Sscanf(b+".0.0.0", "%d.%d.%d.%d", &y[0], &y[1], &y[2], &y[3])
	for i := range x {
		if c := cmp.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return 0
}

func naive(parts []part, r row) Answer {
	answer := Yes
	for _, p := range parts {
		needsReport := p.field == "user" || p.field == "ip" || p.field == "mac" || p.field == "status" || p.field == "seats"
		if needsReport && !r.joined || p.field == "version" && r.version == "" {
			answer = Unknown
			continue
		}
		hit := false
		for _, v := range p.values {
			hit = hit || p.judge(r, v)
		}
		if hit == p.neg {
			return No
		}
	}
	return answer
}

// signed are words that are bare words although they look a little like a field with a sign.
func signed() []string { return []string{"x=y", "sites=1", "a<b>c", "02>=", "é!=e", "a*b"} }

func words() []string {
	return []string{"desk", "FRONT", "02", "é", "e", "Büro", "buro", "経理", "a b", `q"uote`, `back\slash`, "x|y", "-", "AB12", "CD-34", "10.0", "00:1A", "fe80::1",
		"=eq", "<lt", "!not", "ß", "ss"}
}

func genText(t *rapid.T, label string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(append(words(), signed()...)), 0, 3).Draw(t, label), "")
}

func genRow(t *rapid.T) row {
	r := row{host: genText(t, "host"), site: genText(t, "site"), user: genText(t, "user"), ip: genText(t, "ip"), mac: genText(t, "mac"),
		key: rapid.SampledFrom([]string{"AB12-CD34", "AB12CD34", "", "ZZ99"}).Draw(t, "key"), seats: float64(rapid.IntRange(-2, 3).Draw(t, "seats")),
		status:  rapid.SampledFrom([]string{"infected", "stale", "ok"}).Draw(t, "status"),
		version: rapid.SampledFrom([]string{"", "9", "9.0.9", "9.0.36", "9.0.36.40", "10.1"}).Draw(t, "version"), joined: rapid.Bool().Draw(t, "joined")}
	if rapid.Bool().Draw(t, "was seen") {
		r.seen = ago(time.Duration(rapid.IntRange(-3, 5).Draw(t, "hours")) * time.Hour)
	}
	return r
}

func genPart(t *rapid.T) part {
	p := part{neg: rapid.Bool().Draw(t, "neg"),
		field: rapid.SampledFrom([]string{"", "host", "site", "user", "ip", "mac", "keycode", "status", "seats", "seen", "version"}).Draw(t, "field")}
	n := rapid.IntRange(1, 3).Draw(t, "alternatives")
	order := []string{"<", "<=", ">", ">="}
	from := words()
	switch p.field {
	case "":
		n, from = 1, append(from, signed()...)
	case "status":
		from = []string{"infected", "STALE", "ok"}
	case "keycode":
		from = []string{"AB12", "ab12-cd34", "34", "zz"}
		p.op = rapid.SampledFrom([]string{"", "="}).Draw(t, "op")
	case "seats":
		from = []string{"-1", "0", "2", "2.5"}
		p.op = rapid.SampledFrom(append(order, "", "=")).Draw(t, "op")
	case "seen":
		from = []string{"0h", "1h", "4h"}
		p.op = rapid.SampledFrom(order).Draw(t, "op")
	case "version":
		from = []string{"9", "9.0.9", "9.0.36", "9.0.36.41"}
		p.op = rapid.SampledFrom(order).Draw(t, "op")
	default:
		p.op = rapid.SampledFrom([]string{"", "="}).Draw(t, "op")
	}
	for range n {
		p.values = append(p.values, rapid.SampledFrom(from).Draw(t, "value"))
	}
	return p
}

func TestAPlanEqualsANaiveEvaluation(t *testing.T) {
	seen := map[Answer]int{}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Custom(genPart), 0, 4).Draw(t, "parts")
		written := make([]string, len(parts))
		for i, p := range parts {
			written[i] = p.write()
		}
		expr := strings.Join(written, " ")
		plan, err := language().Parse(expr)
		if err != nil {
			t.Fatalf("Parse(%q): %v", expr, err)
		}
		for range 8 {
			r := genRow(t)
			got, want := plan.Eval(r, now), naive(parts, r)
			if got != want {
				t.Fatalf("%q gives %v, want %v, for %+v", expr, got, want, r)
			}
			seen[got]++
		}
	})
	for _, a := range []Answer{No, Unknown, Yes} {
		if seen[a] == 0 {
			t.Errorf("no row was answered with %v: the property says too little", a)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "desk", `host:"a b"|c !status:ok seen:>30d`, "version:>=9.0.36", "fe80::1 00:1a:2b", `!"a\"b"`, "seats:>3|4", "a:=b", "\xff:\x00|", "::", "!:",
		"!site=a", "seen > 30d", "host!=x|y", `status=="a`, "seats<>\x00", "=", "host =<", "host:fr*", "*"} {
		f.Add(seed)
	}
	rows := []row{{}, sample(), {host: "\xff\x1b[2J", version: "..", joined: true}}
	f.Fuzz(func(t *testing.T, expr string) {
		plan, err := language().Parse(expr)
		_ = language().Complete(expr)
		if err != nil {
			columns := len([]rune(expr)) + 1
			if e, ok := err.(*SyntaxError); !ok || e.Column < 1 || e.Column > columns || e.Text == "" { //nolint:errorlint // Parse returns it bare
				t.Fatalf("Parse(%q): %v", expr, err)
			}
			return
		}
		for _, r := range rows {
			a := plan.Eval(r, now)
			if plan.Match(r, now) != (a == Yes) || plan.Empty() && a != Yes {
				t.Fatalf("%q gives %v", expr, a)
			}
		}
		if len(plan.Fields()) == 0 && strings.TrimSpace(expr) != "" {
			t.Fatalf("%q has no terms, so it would match every row", expr)
		}
	})
}

// BenchmarkEval filters 100,000 rows per operation.
func BenchmarkEval(b *testing.B) {
	rows := make([]row, 100_000)
	for i := range rows {
		rows[i] = sample()
		rows[i].host = "DESKTOP-" + strings.ToUpper(strconv.FormatInt(int64(i)*7919+1e9, 36))
		rows[i].site, rows[i].user = "Harbour Dental "+strconv.Itoa(i%300), "kim.vance"
		rows[i].joined = i%7 != 0
	}
	for _, expr := range []string{"zz9", "host:zz9", "seen:<3d version:>=9.0.36", "!status:ok host:a|b"} {
		plan := mustParse(b, expr)
		b.Run(expr, func(b *testing.B) {
			hits := 0
			for b.Loop() {
				for i := range rows {
					if plan.Match(rows[i], now) {
						hits++
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/row")
		})
	}
}
