package picture_test

import (
	"slices"
	"testing"

	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// TestSetOfSharedChunks asks sets of pictures that hold the same chunks at other places, and of rows that they do not hold.
func TestSetOfSharedChunks(t *testing.T) {
	p := picturetest.Random(3, 9, 400)
	q, err := picture.Language(false, 0, picturetest.Now, nil).Compile("desk")
	if err != nil {
		t.Fatal(err)
	}
	want := map[picture.Row]bool{}
	for r := range p.Select(t.Context(), q, picturetest.Now()).Rows() {
		want[r] = true
	}
	if len(want) == 0 || len(want) == p.Len() {
		t.Fatalf("%d of %d rows are no choice", len(want), p.Len())
	}
	turned := slices.Clone(p.Chunks())
	slices.Reverse(turned)
	few := turned[:4]
	for name, other := range map[string]*picture.Picture{
		"the same":          p,
		"turned round":      picture.New(turned, picture.Picture{}),
		"few of them":       picture.New(few, picture.Picture{}),
		"without the first": p.Without(p.Chunks()[0].Site().ID),
	} {
		set := other.Select(t.Context(), q, picturetest.Now())
		for r := range p.Rows() {
			held := other.Chunk(r.SiteID()) == r.Chunk()
			in, known := set.Ask(r)
			if known != held || in != (held && want[r]) || set.Has(r) != in {
				t.Fatalf("%s: %s is in %v, known %v, held %v, matches %v", name, r.Name(), in, known, held, want[r])
			}
		}
	}
}
