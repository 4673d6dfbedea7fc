package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

type hostID string

type host struct {
	id   hostID
	name string
	n    int
}

func hostKey(h *host) hostID { return h.id }

func hostColumns() []Column[host] {
	return []Column[host]{
		{ID: "name", Title: "Name", Min: 4, Flex: 1, Text: func(h *host) string { return h.name }},
		{
			ID: "n", Title: "Count", Right: true, Priority: 1,
			Text: func(h *host) string { return fmt.Sprint(h.n) },
			Less: func(a, b *host) int { return cmp.Compare(a.n, b.n) },
		},
		{ID: "less", Hidden: true, Text: func(h *host) string { return h.name }, Less: func(a, b *host) int { return strings.Compare(a.name, b.name) }},
		{ID: "rank", Hidden: true, Text: func(h *host) string { return fmt.Sprint(h.n) }, Rank: func(h *host) int64 { return int64(h.n) }},
		{ID: "id", Hidden: true, Text: func(h *host) string { return string(h.id) }},
	}
}

func newHosts(marks *Marks[hostID]) *Rows[host, hostID] {
	return NewRows(hostKey, hostColumns(), marks)
}

func shownKeys(r *Rows[host, hostID]) []hostID {
	var keys []hostID
	for h := range r.Shown() {
		keys = append(keys, h.id)
	}
	return keys
}

func hosts(names ...string) []*host {
	var all []*host
	for i, name := range names {
		all = append(all, &host{id: hostID(name), name: name, n: i})
	}
	return all
}

func wantShown(t *testing.T, r *Rows[host, hostID], want ...hostID) {
	t.Helper()
	if got := shownKeys(r); !slices.Equal(got, want) {
		t.Fatalf("shown %v, want %v", got, want)
	}
}

func TestCursorStaysOnItsIDWhenRowsComeInAboveIt(t *testing.T) {
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "name"}})
	r.Merge(hosts("m", "p"))
	r.MoveTo("p")
	r.Merge(hosts("a", "b", "z"))
	wantShown(t, r, "a", "b", "m", "p", "z")
	if r.CursorKey() != "p" || r.CursorIndex() != 3 {
		t.Fatalf("cursor on %q at %d", r.CursorKey(), r.CursorIndex())
	}
}

func TestDeletionOfTheCursorRowMovesToTheNext(t *testing.T) {
	for _, tc := range []struct {
		name, at string
		gone     []hostID
		want     hostID
	}{
		{"middle", "b", []hostID{"b"}, "c"},
		{"with the next one too", "b", []hostID{"b", "c"}, "d"},
		{"last", "d", []hostID{"d"}, "c"},
		{"all after it too", "c", []hostID{"c", "d"}, "b"},
		{"others only", "b", []hostID{"a", "c"}, "b"},
		{"all", "b", []hostID{"a", "b", "c", "d"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newHosts(nil)
			r.Merge(hosts("a", "b", "c", "d"))
			r.MoveTo(hostID(tc.at))
			for _, k := range tc.gone {
				r.Remove(k)
			}
			if got := r.CursorKey(); got != tc.want {
				t.Fatalf("cursor on %q, want %q", got, tc.want)
			}
			if (r.Cursor() == nil) != (tc.want == "") {
				t.Fatalf("Cursor() is %v", r.Cursor())
			}
		})
	}
}

func TestCursorRowThatSortsElsewhereKeepsTheCursor(t *testing.T) {
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "n", Desc: true}})
	r.Merge(hosts("a", "b", "c"))
	wantShown(t, r, "c", "b", "a")
	r.MoveTo("a")
	r.Merge([]*host{{id: "a", name: "a", n: 9}})
	wantShown(t, r, "a", "c", "b")
	if r.CursorKey() != "a" || r.CursorIndex() != 0 {
		t.Fatalf("cursor on %q at %d", r.CursorKey(), r.CursorIndex())
	}
}

func TestReloadDropsWhatIsGoneOnlyWhenComplete(t *testing.T) {
	r := newHosts(nil)
	r.Begin()
	r.Merge(hosts("a", "b", "c"))
	r.Finish(true)
	r.Begin()
	r.Merge(hosts("b"))
	r.Finish(false)
	wantShown(t, r, "a", "b", "c")
	r.Begin()
	r.Merge(hosts("b"))
	wantShown(t, r, "a", "b", "c")
	r.Finish(true)
	wantShown(t, r, "b")
	r.Finish(true)
	wantShown(t, r, "b")
}

func TestChangedRowsAreRememberedUntilTheNextReload(t *testing.T) {
	r := newHosts(nil)
	r.Merge(hosts("a", "b"))
	if r.Changed("a") {
		t.Fatal("a new row counts as changed")
	}
	r.Begin()
	r.Merge([]*host{{id: "a", name: "a", n: 0}, {id: "b", name: "b", n: 7}})
	r.Finish(true)
	if r.Changed("a") || !r.Changed("b") || r.Changed("nobody") {
		t.Fatalf("changed: a %v, b %v", r.Changed("a"), r.Changed("b"))
	}
	r.Begin()
	if r.Changed("b") {
		t.Fatal("still changed after the next reload began")
	}
}

func TestVersionTellsSetAndOrderOnly(t *testing.T) {
	r := newHosts(nil)
	r.Merge(hosts("a", "b"))
	v := r.Version()
	r.Move(1)
	r.ToggleMark()
	r.Merge([]*host{{id: "a", name: "a", n: 0}})
	r.SetFilter(func(*host) bool { return true })
	if r.Version() != v {
		t.Fatal("the version changed though the shown rows did not")
	}
	r.SetFilter(func(h *host) bool { return h.id == "a" })
	if r.Version() == v {
		t.Fatal("the version did not change with the filter")
	}
}

func TestSortIsStableAndFoldsCase(t *testing.T) {
	r := newHosts(nil)
	r.Merge([]*host{{"1", "beta", 1}, {"2", "Alpha", 1}, {"3", "alpha", 0}, {"4", "Beta", 0}})
	r.SetSort([]SortKey{{Column: "name"}, {Column: "no such column"}})
	wantShown(t, r, "2", "3", "1", "4")
	r.SetSort([]SortKey{{Column: "name", Desc: true}})
	wantShown(t, r, "1", "4", "2", "3")
	r.SetSort([]SortKey{{Column: "n"}, {Column: "name", Desc: true}})
	wantShown(t, r, "4", "3", "1", "2")
	if got := r.SortKeys(); !slices.Equal(got, []SortKey{{Column: "n"}, {Column: "name", Desc: true}}) {
		t.Fatalf("sort keys %v", got)
	}
	r.SetSort(nil)
	wantShown(t, r, "1", "2", "3", "4")
}

func TestRangeMarksWhatTheCursorPassesAndTakesItBack(t *testing.T) {
	r := newHosts(nil)
	r.Merge(hosts("a", "b", "c", "d", "e"))
	r.Marks().Set("d", true)
	r.MoveTo("c")
	r.Range(true)
	r.Bottom()
	wantMarks(t, r, "d", "c", "e")
	r.Top()
	wantMarks(t, r, "d", "c", "a", "b")
	r.Move(2)
	wantMarks(t, r, "d", "c")
	r.Move(1)
	r.Range(false)
	r.Move(1)
	wantMarks(t, r, "d", "c")
	if r.RangeOn() {
		t.Fatal("the range is still on")
	}
}

func wantMarks(t *testing.T, r *Rows[host, hostID], want ...hostID) {
	t.Helper()
	got := r.Marks().Keys()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("marks %v, want %v", got, want)
	}
}

func TestRangeLeavesRowsAloneThatCameInBetween(t *testing.T) {
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "name"}})
	r.Merge(hosts("a", "c", "e"))
	r.Top()
	r.Range(true)
	r.MoveTo("c")
	r.Merge(hosts("b"))
	r.MoveTo("e")
	wantMarks(t, r, "a", "c", "e")
	r.SetFilter(nil)
	if r.RangeOn() {
		t.Fatal("narrowing did not end the range")
	}
}

func TestMarkedOnlyFollowsMarksMadeElsewhere(t *testing.T) {
	marks := NewMarks[hostID]()
	one, two := newHosts(marks), newHosts(marks)
	one.Merge(hosts("a", "b", "c"))
	two.Merge(hosts("b", "x"))
	one.SetMarkedOnly(true)
	wantShown(t, one)
	two.ToggleMark()
	wantShown(t, one, "b")
	two.MarkShown()
	if one.Marks().Len() != 2 {
		t.Fatalf("marks %v", one.Marks().Keys())
	}
	one.SetMarkedOnly(false)
	one.Invert()
	wantMarks(t, one, "a", "c", "x")
}

func TestChosen(t *testing.T) {
	r := newHosts(nil)
	if items, hidden, keys, marked := r.Chosen(); items != nil || hidden != nil || keys != nil || marked {
		t.Fatal("an empty list has a choice")
	}
	r.Merge(hosts("a", "b", "c"))
	r.MoveTo("b")
	items, hidden, keys, marked := r.Chosen()
	if len(items) != 1 || items[0].id != "b" || hidden != nil || !slices.Equal(keys, []hostID{"b"}) || marked {
		t.Fatalf("without marks: %v %v %v %v", items, hidden, keys, marked)
	}
	for _, k := range []hostID{"elsewhere", "c", "a"} {
		r.Marks().Set(k, true)
	}
	r.SetFilter(func(h *host) bool { return h.id != "c" })
	items, hidden, keys, marked = r.Chosen()
	if len(items) != 2 || items[0].id != "a" || items[1].id != "c" || len(hidden) != 1 || hidden[0].id != "c" || !marked {
		t.Fatalf("with marks: %v %v %v", items, hidden, marked)
	}
	if !slices.Equal(keys, []hostID{"elsewhere", "c", "a"}) {
		t.Fatalf("keys %v are not in order of marking", keys)
	}
}

// TestARowIsComparedWithTheBeginOfTheReload has one come in several times in a reload, asked about in between or not.
func TestARowIsComparedWithTheBeginOfTheReload(t *testing.T) {
	for _, asked := range []bool{false, true} {
		r := newHosts(nil)
		r.Merge(hosts("a", "b"))
		first := *r.Get("b")
		r.Begin()
		for i, n := range []int{7, 7, first.n, first.n, 8, first.n, 9} {
			r.Merge([]*host{{id: "b", name: first.name, n: n}})
			if want := n != first.n; (asked || i == 6) && r.Changed("b") != want {
				t.Fatalf("asked in between %v: at the %d. time, with %d, changed is %v", asked, i+1, n, !want)
			}
		}
	}
}

func TestItemsThatCannotBeComparedAreAskedForTheirTexts(t *testing.T) {
	type odd struct {
		id    hostID
		extra any
		n     []int
	}
	r := NewRows(func(o *odd) hostID { return o.id }, []Column[odd]{{ID: "n", Text: func(o *odd) string { return fmt.Sprint(o.extra, o.n) }}}, nil)
	r.Merge([]*odd{{"a", []int{1}, []int{1}}, {"b", []int{1}, []int{1}}})
	r.Begin()
	r.Merge([]*odd{{"a", []int{1}, []int{1}}, {"b", []int{1}, []int{2}}})
	if r.Changed("a") || !r.Changed("b") {
		t.Fatalf("changed: a %v, b %v", r.Changed("a"), r.Changed("b"))
	}
}
