package table

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// reference is the list as a person would keep it on paper: slow and plain.
type reference struct {
	held  map[hostID]host
	order []hostID // of arrival
	marks map[hostID]bool
	part  string
	only  bool
	keys  []SortKey
}

func (m *reference) shown() []hostID {
	var rows []hostID
	for _, k := range m.order {
		if strings.Contains(m.held[k].name, m.part) && (!m.only || m.marks[k]) {
			rows = append(rows, k)
		}
	}
	slices.SortStableFunc(rows, func(a, b hostID) int {
		for _, k := range m.keys {
			c := cmp.Compare(m.held[a].n, m.held[b].n)
			switch k.Column {
			case "id":
				c = strings.Compare(string(a), string(b))
			case "name":
				c = strings.Compare(strings.ToLower(m.held[a].name), strings.ToLower(m.held[b].name))
			}
			if k.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return rows
}

func (m *reference) merge(h host) {
	if _, ok := m.held[h.id]; !ok {
		m.order = append(m.order, h.id)
	}
	m.held[h.id] = h
}

func (m *reference) remove(k hostID) {
	delete(m.held, k)
	m.order = slices.DeleteFunc(m.order, func(x hostID) bool { return x == k })
}

// expectCursor is where the cursor must be after the shown rows changed from before to after.
func expectCursor(cursor hostID, before, after []hostID) (hostID, bool) {
	if len(after) == 0 {
		return "", true
	}
	if slices.Contains(after, cursor) {
		return cursor, true
	}
	at := slices.Index(before, cursor)
	if at < 0 {
		return "", false // it comes back from an empty list, where it may stand is tested by itself
	}
	for _, k := range before[at+1:] {
		if slices.Contains(after, k) {
			return k, true
		}
	}
	for _, k := range slices.Backward(before[:at]) {
		if slices.Contains(after, k) {
			return k, true
		}
	}
	return after[0], true
}

// TestRowsBehaveLikeTheReference runs random sequences of everything a screen does, and after each step compares the shown
// rows, the cursor and the marks with the plain reference.
func TestRowsBehaveLikeTheReference(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) hostID { return hostID(fmt.Sprint(rapid.IntRange(0, 11).Draw(t, "id"))) })
	item := rapid.Custom(func(t *rapid.T) host {
		return host{id: key.Draw(t, "key"), name: rapid.StringMatching("[aAbB]{1,2}").Draw(t, "name"), n: rapid.IntRange(0, 3).Draw(t, "n")}
	})
	sortKeys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) SortKey {
		return SortKey{Column: rapid.SampledFrom([]string{"name", "n"}).Draw(t, "column"), Desc: rapid.Bool().Draw(t, "desc")}
	}), 0, 2)
	rapid.Check(t, func(t *rapid.T) {
		r := newHosts(nil)
		m := &reference{held: map[hostID]host{}, marks: map[hostID]bool{}}
		var aside *Reorder[host, hostID]
		// An observed step asks after every change, an unobserved one lets changes pile up.
		step := func(change func()) {
			before, cursor, marks := m.shown(), r.CursorKey(), maps.Clone(m.marks)
			change()
			compareMarks(t, r, m)
			after := m.shown()
			if got := shownKeys(r); !slices.Equal(got, after) {
				t.Fatalf("shown %v, want %v (marks before %v)", got, after, marks)
			}
			if want, known := expectCursor(cursor, before, after); known && r.CursorKey() != want {
				t.Fatalf("cursor on %q, want %q: was %q, rows %v then %v", r.CursorKey(), want, cursor, before, after)
			}
			checkPlaces(t, r, len(m.held))
		}
		t.Repeat(map[string]func(*rapid.T){
			"merge": func(t *rapid.T) {
				items := rapid.SliceOfN(item, 0, 6).Draw(t, "items")
				step(func() { mergeBoth(r, m, items) })
			},
			"reload": func(t *rapid.T) {
				items := rapid.SliceOfN(item, 0, 12).Draw(t, "items")
				complete := rapid.Bool().Draw(t, "complete")
				step(func() { reloadBoth(r, m, items, complete) })
			},
			"pile up": func(t *rapid.T) {
				items := rapid.SliceOfN(item, 0, 6).Draw(t, "items")
				keys := sortKeys.Draw(t, "keys")
				gone := key.Draw(t, "gone")
				part := rapid.SampledFrom([]string{"", "a"}).Draw(t, "part")
				before := m.shown()
				mergeBoth(r, m, items)
				sortBoth(r, m, keys)
				filterBoth(r, m, part)
				mergeBoth(r, m, items[:len(items)/2])
				r.Remove(gone)
				m.remove(gone)
				if got := shownKeys(r); !slices.Equal(got, m.shown()) {
					t.Fatalf("shown %v, want %v (before %v)", got, m.shown(), before)
				}
				checkPlaces(t, r, len(m.held))
			},
			"remove": func(t *rapid.T) {
				k := key.Draw(t, "key")
				step(func() { r.Remove(k); m.remove(k) })
			},
			"sort": func(t *rapid.T) {
				keys := sortKeys.Draw(t, "keys")
				step(func() { sortBoth(r, m, keys) })
			},
			"begin an order aside": func(t *rapid.T) {
				column, desc := rapid.SampledFrom([]string{"name", "rank"}).Draw(t, "column"), rapid.Bool().Draw(t, "desc")
				aside = r.reorder([]SortKey{{Column: column, Desc: desc}, {Column: "name"}, {Column: "id"}}[:rapid.IntRange(1, 3).Draw(t, "keys")])
				aside.some(rapid.IntRange(0, 12).Draw(t, "read"))
			},
			"end an order aside": func(t *rapid.T) {
				if aside == nil {
					t.Skip("none was begun")
				}
				for aside.Read(time.Time{}) {
				}
				aside.Sort()
				void := aside.id != r.orders
				step(func() {
					if r.Adopt(aside) == void {
						t.Fatalf("an order that is void: %v, is adopted: %v", void, !void)
					}
					if !void {
						m.keys = aside.Keys()
					}
				})
				aside = nil
			},
			"filter": func(t *rapid.T) {
				part := rapid.SampledFrom([]string{"", "a", "B"}).Draw(t, "part")
				step(func() { filterBoth(r, m, part) })
			},
			"marked only": func(t *rapid.T) {
				m.only = !m.only
				step(func() { r.SetMarkedOnly(m.only) })
			},
			"toggle": func(t *rapid.T) {
				if k := r.CursorKey(); k != "" {
					step(func() { r.ToggleMark(); m.marks[k] = !m.marks[k] })
				}
			},
			"mark shown": func(t *rapid.T) {
				shown := m.shown()
				step(func() {
					r.MarkShown()
					for _, k := range shown {
						m.marks[k] = true
					}
				})
			},
			"invert": func(t *rapid.T) {
				shown := m.shown()
				step(func() {
					r.Invert()
					for _, k := range shown {
						m.marks[k] = !m.marks[k]
					}
				})
			},
			"mark foreign": func(t *rapid.T) {
				k := key.Draw(t, "key")
				step(func() { r.Marks().Set(k, true); m.marks[k] = true })
			},
			"move": func(t *rapid.T) {
				n := rapid.IntRange(-20, 20).Draw(t, "delta")
				at := r.CursorIndex()
				r.Move(n)
				if shown := m.shown(); len(shown) > 0 {
					if want := shown[max(0, min(at+n, len(shown)-1))]; r.CursorKey() != want {
						t.Fatalf("moved to %q, want %q", r.CursorKey(), want)
					}
				}
			},
		})
	})
}

func sortBoth(r *Rows[host, hostID], m *reference, keys []SortKey) {
	r.SetSort(keys)
	m.keys = keys
}

func filterBoth(r *Rows[host, hostID], m *reference, part string) {
	r.SetFilter(func(h *host) bool { return strings.Contains(h.name, part) })
	m.part = part
}

func mergeBoth(r *Rows[host, hostID], m *reference, items []host) {
	for _, h := range items {
		r.Merge([]*host{&h})
		m.merge(h)
	}
}

func reloadBoth(r *Rows[host, hostID], m *reference, items []host, complete bool) {
	r.Begin()
	mergeBoth(r, m, items)
	r.Finish(complete)
	if !complete {
		return
	}
	for _, k := range slices.Clone(m.order) {
		if !slices.ContainsFunc(items, func(h host) bool { return h.id == k }) {
			m.remove(k)
		}
	}
}

func compareMarks(t *rapid.T, r *Rows[host, hostID], m *reference) {
	t.Helper()
	want := 0
	for k, on := range m.marks {
		if r.Marks().Has(k) != on {
			t.Fatalf("mark of %q is %v", k, !on)
		}
		if on {
			want++
		}
	}
	if r.Marks().Len() != want {
		t.Fatalf("%d marks, want %d", r.Marks().Len(), want)
	}
}

// checkPlaces checks that all ways to ask for a row agree.
func checkPlaces(t *rapid.T, r *Rows[host, hostID], total int) {
	t.Helper()
	if r.Total() != total {
		t.Fatalf("total %d, want %d", r.Total(), total)
	}
	for i := range r.Len() {
		k := r.KeyAt(i)
		if r.Index(k) != i || r.Get(k) != r.At(i) || r.At(i) == nil {
			t.Fatalf("row %d is %q, which is at %d", i, k, r.Index(k))
		}
	}
	if got := len(slices.Collect(r.All())); got != total {
		t.Fatalf("All gives %d of %d rows", got, total)
	}
	if at := r.CursorIndex(); at >= 0 && r.KeyAt(at) != r.CursorKey() {
		t.Fatalf("cursor at %d is not on %q", at, r.CursorKey())
	}
}
