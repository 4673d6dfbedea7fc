package table

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestKeySetBehavesLikeASlice adds, takes out and flips random ids, one by one and many at once, and compares with a plain slice.
func TestKeySetBehavesLikeASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, want := newKeySet[hostID](), []hostID{}
		ids := rapid.IntRange(1, 400).Draw(t, "ids")
		key := rapid.Custom(func(t *rapid.T) hostID { return hostID(fmt.Sprint(rapid.IntRange(0, ids).Draw(t, "id"))) })
		distinct := rapid.SliceOfNDistinct(key, 0, min(ids, ahead), rapid.ID[hostID])
		flip := func(k hostID) bool {
			if i := slices.Index(want, k); i >= 0 {
				want = slices.Delete(want, i, i+1)
				return false
			}
			want = append(want, k)
			return true
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				k := key.Draw(t, "key")
				fresh := !slices.Contains(want, k)
				if fresh {
					want = append(want, k)
				}
				if set.add(k) != fresh {
					t.Fatalf("adding %q", k)
				}
			},
			"remove": func(t *rapid.T) {
				k := key.Draw(t, "key")
				held := slices.Contains(want, k)
				want = slices.DeleteFunc(want, func(x hostID) bool { return x == k })
				if set.remove(k) != held {
					t.Fatalf("removing %q", k)
				}
			},
			"flip": func(t *rapid.T) {
				if k := key.Draw(t, "key"); set.flip(k) != flip(k) {
					t.Fatalf("flipping %q", k)
				}
			},
			"flip many": func(t *rapid.T) {
				some := distinct.Draw(t, "keys")
				set.each(some, (*keySet[hostID]).flipHashed)
				for _, k := range some {
					flip(k)
				}
			},
			"add many": func(t *rapid.T) {
				some := distinct.Draw(t, "keys")
				set.each(some, (*keySet[hostID]).addHashed)
				for _, k := range some {
					if !slices.Contains(want, k) {
						want = append(want, k)
					}
				}
			},
			"reserve": func(t *rapid.T) { set.reserve(rapid.IntRange(0, 500).Draw(t, "room")) },
			"clear":   func(*rapid.T) { set.clear(); want = want[:0] },
			"": func(t *rapid.T) {
				if got := slices.Collect(set.all()); !slices.Equal(got, want) || set.len() != len(want) {
					t.Fatalf("%d of %v, want %v", set.len(), got, want)
				}
				for i := range ids + 1 {
					if k := hostID(fmt.Sprint(i)); set.has(k) != slices.Contains(want, k) {
						t.Fatalf("%q is held: %v", k, set.has(k))
					}
				}
			},
		})
	})
}

// TestKeySetWithManyKeys goes far beyond the smallest table, with ids that were taken out in between.
func TestKeySetWithManyKeys(t *testing.T) {
	set := newKeySet[hostID]()
	key := func(i int) hostID { return hostID(fmt.Sprintf("%036d", i)) }
	const many = 30_000
	for i := range many {
		set.add(key(i))
		if i%3 == 0 {
			set.remove(key(i / 2))
		}
	}
	gone := map[hostID]bool{}
	for i := range many {
		if i%3 == 0 {
			gone[key(i/2)] = true
		}
	}
	var want []hostID
	for i := range many {
		if !gone[key(i)] {
			want = append(want, key(i))
		}
	}
	if got := slices.Collect(set.all()); !slices.Equal(got, want) {
		t.Fatalf("%d keys, want %d", len(got), len(want))
	}
	if 2*len(set.keys) > len(set.slots) {
		t.Fatalf("%d keys in %d slots", len(set.keys), len(set.slots))
	}
}
