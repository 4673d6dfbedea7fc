package table

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSortIsTheOrderOfCompare compares the sort by keys with the plain one, on texts that share long beginnings, end in zero bytes
// or are the same, and on numbers of both signs.
func TestSortIsTheOrderOfCompare(t *testing.T) {
	columns := []string{"name", "n", "less", "rank", "id"}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			head := rapid.SampledFrom([]string{"", "DESKTOP-", "desktop-desktop-", strings.Repeat("x", deepest+window)}).Draw(t, "head")
			return head + rapid.StringMatching("[aAbé\x00]{0,3}").Draw(t, "tail")
		})
		r := newHosts(nil)
		r.SetSort(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) SortKey {
			return SortKey{Column: rapid.SampledFrom(columns).Draw(t, "column"), Desc: rapid.Bool().Draw(t, "desc")}
		}), 0, 3).Draw(t, "keys"))
		var rows []*row[host, hostID]
		for i := range rapid.IntRange(0, 200).Draw(t, "rows") {
			n := rapid.SampledFrom([]int{0, 1, -1, math.MaxInt64, math.MinInt64}).Draw(t, "n")
			x := &row[host, hostID]{item: &host{id: hostID(text.Draw(t, "id")), name: text.Draw(t, "name"), n: n}, seq: uint32(i)}
			r.foldRow(x)
			rows = append(rows, x)
		}
		want := slices.Clone(rows)
		slices.SortFunc(want, r.compare)
		slices.Reverse(rows)
		r.sort(rows)
		for i := range want {
			if rows[i] != want[i] {
				t.Fatalf("row %d is %+v, want %+v; by %v", i, *rows[i].item, *want[i].item, r.SortKeys())
			}
		}
	})
}

func TestTextKeySortsLikeTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 2*window)
		a, b := string(bytes.Draw(t, "a")), string(bytes.Draw(t, "b"))
		want := strings.Compare(a[:min(len(a), window)], b[:min(len(b), window)])
		if got := cmp.Compare(textKey(a, 0), textKey(b, 0)); got != want {
			t.Errorf("%q and %q: %d, want %d", a, b, got, want)
		}
		if got, want := textKey(a, window), textKey(a[min(len(a), window):], 0); got != want {
			t.Errorf("%q from %d: %x, want %x", a, window, got, want)
		}
	})
}

// TestPlaceWithAnOrderThatChanged asks for places after the order of a column has become another one behind the table's back, as
// one that looks at the clock does.
func TestPlaceWithAnOrderThatChanged(t *testing.T) {
	sign := 1
	r := NewRows(hostKey, []Column[host]{{ID: "n", Less: func(a, b *host) int { return sign * cmp.Compare(a.n, b.n) }}}, nil)
	r.SetSort([]SortKey{{Column: "n"}})
	r.Merge(manyHosts(50))
	if r.Len() != 50 {
		t.Fatal("rows are missing")
	}
	sign = -1
	for i := range 50 {
		if at := r.Index(r.KeyAt(i)); at != i {
			t.Fatalf("the row at %d is said to be at %d", i, at)
		}
	}
}

// TestNumberingStartsAgain lets the count of arrivals run out.
func TestNumberingStartsAgain(t *testing.T) {
	r := newHosts(nil)
	r.seq = math.MaxUint32 - 2
	var want []hostID
	for i := range 6 {
		id := hostID(fmt.Sprintf("h%d", i))
		want = append(want, id)
		r.Merge([]*host{{id: id, name: "same"}})
	}
	wantShown(t, r, want...)
	if r.seq != 6 {
		t.Errorf("the count stands at %d", r.seq)
	}
}
