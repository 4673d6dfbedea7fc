package picture_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
	"github.com/unitty/unitty/unity/fleet/selector"
)

func clock() time.Time { return now }

// drawTerm writes a term of any field, often one that means something.
func drawTerm(t *rapid.T) string {
	quoted := func(label string) string {
		s := rapid.SampledFrom([]string{"a", "7", "desk", "0", ".", "k2", drawText(t, label).Raw()}).Draw(t, "piece")
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	from := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "value") }
	field := rapid.SampledFrom([]string{"", "", "host", "site", "group", "policy", "status", "seen", "first", "os", "version", "mac", "ip", "user", "id", "keycode",
		"type"}).Draw(t, "field")
	neg, exact := from("", "", "!"), from("", "", "=")
	value := func() string {
		switch field {
		case "status":
			return from(fleet.States()...)
		case "type":
			return from("pc", "mac", "PC")
		case "group", "policy", "os":
			return from("front", "büro", "strict", "buro", "windows", "mac", "g1", "audit", quoted("text"))
		case "keycode":
			return from("AAAA", "aaaa-bbbb", "AB12CD34EF56GH78IJ90", "bad", "-a")
		case "id":
			return from("00000001-0000-4000-8000-000000000000", "0000000A-0000-4000-8000-000000000000", "0000", quoted("text"))
		case "version":
			return from("9", "9.0.36", "9.0.36.41", "10", "beta", "9.0.")
		}
		return quoted("text")
	}
	if field == "" {
		return neg + value()
	}
	op := exact
	switch field {
	case "seen", "first":
		if op = from("<", "<=", ">", ">=", ""); op == "" {
			return neg + field + ":never"
		}
		values := from("0s", "1s", "1h", "3h", "2d", "36h", "100y")
		return neg + field + ":" + op + values + from("", "|1h", "|3d")
	case "version":
		op = from("", "=", "<", "<=", ">", ">=")
	}
	return neg + field + ":" + op + value() + from("", "", "|"+value())
}

// everyField are terms of which each has some row in nearly every world.
func everyField() []string {
	return []string{"!zzz", "!host:zzz", "!site:zzz", "!group:zzz", "!policy:zzz", "!status:attention", "!seen:>100y", "first:>0s", "!os:zzz", "version:9|10", "!mac:zzz",
		"!ip:zzz", "!user:zzz", "!id:zzz", "!keycode:zzz", "type:pc|mac"}
}

func TestSelectEqualsAskingRowByRow(t *testing.T) {
	seen := map[selector.Answer]int{}
	byField := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p := w.build(0)
		forChange := rapid.Bool().Draw(t, "for a change")
		g := picture.Language(forChange, staleAfter, clock, nil)
		machines := fleet.MachineLanguage(forChange, clock, nil)
		asMachine := map[picture.Row]*fleet.Machine{}
		for s, site := range w.sites {
			for i := range w.records[s] {
				asMachine[p.Chunk(site.ID).Row(i)] = w.records[s][i].machine(site, staleAfter)
			}
		}
		exprs := everyField()
		for range 12 {
			exprs = append(exprs, strings.Join(rapid.SliceOfN(rapid.Custom(drawTerm), 0, 2).Draw(t, "terms"), " "))
		}
		for _, expr := range exprs {
			q, err := g.Compile(expr)
			plan, otherErr := machines.Parse(expr)
			if (err == nil) != (otherErr == nil) {
				t.Fatalf("%q: rows say %v, machines %v", expr, err, otherErr)
			}
			if err != nil {
				continue
			}
			set := p.Select(context.Background(), q, now)
			leftOut, count := 0, 0
			for row, m := range asMachine {
				want := plan.Eval(m, now)
				if got := q.Plan().Eval(row, now); got != want {
					t.Fatalf("%q: row %d of %s is %v by its plan, its machine %v", expr, row.Index(), row.SiteID(), got, want)
				}
				if set.Has(row) != (want == selector.Yes) {
					t.Fatalf("%q: row %d of %s (%q) is in: %v, asked alone it is %v", expr, row.Index(), row.SiteID(), row.HostName().Raw(), set.Has(row), want)
				}
				seen[want]++
				switch want {
				case selector.Unknown:
					leftOut++
				case selector.Yes:
					count++
					for _, f := range q.Plan().Fields() {
						byField[f]++
					}
				case selector.No:
				}
			}
			if set.LeftOut != leftOut || set.Len() != count {
				t.Fatalf("%q: %d chosen and %d left out, want %d and %d", expr, set.Len(), set.LeftOut, count, leftOut)
			}
			n := 0
			for row := range set.Rows() {
				if !set.Has(row) {
					t.Fatalf("%q: Rows gives a row that is not in the set", expr)
				}
				n++
			}
			if n != count {
				t.Fatalf("%q: Rows gives %d, want %d", expr, n, count)
			}
		}
	})
	for _, a := range []selector.Answer{selector.No, selector.Unknown, selector.Yes} {
		if seen[a] == 0 {
			t.Errorf("no row was answered with %v: the property says too little", a)
		}
	}
	for _, f := range []string{"", "host", "site", "group", "policy", "status", "seen", "first", "os", "version", "mac", "ip", "user", "id", "keycode", "type"} {
		if byField[f] == 0 {
			t.Errorf("the field %q never chose a row", f)
		}
	}
}

func TestALargePictureIsAskedByAllProcessors(t *testing.T) {
	p := picturetest.Random(3, 60, 40_000)
	g := picture.Language(false, 0, picturetest.Now, nil)
	for _, expr := range []string{"desk 7f", "status:stale !user:kim", "version:<9.0.36 host:k", "seen:>3d type:mac", "dental"} {
		q, err := g.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		set := p.Select(t.Context(), q, picturetest.Now())
		count, left := 0, 0
		for r := range p.Rows() {
			switch q.Plan().Eval(r, picturetest.Now()) {
			case selector.Yes:
				count++
				if !set.Has(r) {
					t.Fatalf("%q leaves %s out", expr, r.Name())
				}
			case selector.Unknown:
				left++
			case selector.No:
			}
		}
		if count == 0 || set.Len() != count || set.LeftOut != left {
			t.Errorf("%q: %d chosen and %d left out, want %d and %d", expr, set.Len(), set.LeftOut, count, left)
		}
	}
}

func TestACancelledSelectEnds(t *testing.T) {
	p := picturetest.Random(4, 30, 3000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q, err := picture.Language(false, 0, picturetest.Now, nil).Compile("desk")
	if err != nil {
		t.Fatal(err)
	}
	if set := p.Select(ctx, q, picturetest.Now()); set.Len() != 0 {
		t.Errorf("%d rows were looked at", set.Len())
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"", "desk", `host:"a b"|7 !status:ok seen:>30d`, "version:>=9.0.36", "fe80::1 00:1a:2b", `!"a\"b"`, "first:never|<3d", "id:=b", "\xff:\x00|",
		"!type:mac", "keycode:a-a", "group:front policy:p1", "\n", `"\n"`} {
		f.Add(seed)
	}
	p := picture.New([]*picture.Chunk{siteOf("a", "1", "2", "\n", ""), picturetest.Random(2, 1, 70).Chunks()[0]}, picture.Picture{})
	g := picture.Language(false, 0, picturetest.Now, nil)
	f.Fuzz(func(t *testing.T, expr string) {
		_ = g.Complete(expr)
		q, err := g.Compile(expr)
		if err != nil {
			return
		}
		set := p.Select(t.Context(), q, picturetest.Now())
		for r := range p.Rows() {
			if set.Has(r) != q.Plan().Match(r, picturetest.Now()) {
				t.Fatalf("%q: %s is in the set: %v", expr, r.Name(), set.Has(r))
			}
		}
	})
}

// TestManyReadOnePicture says something under the race detector only.
func TestManyReadOnePicture(t *testing.T) {
	p := picturetest.Random(6, 12, 20_000)
	g := picture.Language(false, 0, picturetest.Now, nil)
	q, err := g.Compile("desk status:ok|stale version:>9")
	if err != nil {
		t.Fatal(err)
	}
	first := p.Chunks()[0]
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			next := p.With(first)
			for _, x := range []*picture.Picture{p, next} {
				if r, ok := x.Get(first.Row(0).ID()); !ok || !x.Select(t.Context(), q, picturetest.Now()).Picture().Complete() || r.Chunk() != first {
					t.Error("a picture is not whole")
				}
				x.Find(t.Context(), "dsk7", 5)
				x.Counts(picturetest.Now(), 0)
			}
		})
	}
	group.Wait()
}
