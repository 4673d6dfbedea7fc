package table

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestComparingIsTheOrderOfAList: rows sorted by it stand as a list with the same sort keys has them.
func TestComparingIsTheOrderOfAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]*host, rapid.IntRange(0, 40).Draw(t, "rows"))
		for i := range rows {
			rows[i] = &host{id: hostID(fmt.Sprint(i)), name: rapid.SampledFrom([]string{"", "a", "A", "ab", "b", "B2", "é"}).Draw(t, "name"), n: rapid.IntRange(-2, 2).Draw(t, "n")}
		}
		keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) SortKey {
			return SortKey{Column: rapid.SampledFrom([]string{"name", "n", "less", "rank", "id", "nobody"}).Draw(t, "column"), Desc: rapid.Bool().Draw(t, "desc")}
		}), 0, 3).Draw(t, "keys")
		list := newHosts(nil)
		list.SetSort(keys)
		list.Begin()
		list.Merge(rows)
		list.Finish(true)
		want := shownKeys(list)
		slices.SortStableFunc(rows, Comparing(hostColumns(), keys))
		for i, h := range rows {
			if h.id != want[i] {
				t.Fatalf("%+v: row %d is %s, in a list %s", keys, i, h.id, want[i])
			}
		}
	})
}
