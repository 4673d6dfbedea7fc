package snapshot

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// TestLargeSite: a site of more machines than one part of a frame takes comes back whole.
func TestLargeSite(t *testing.T) {
	f := testFile(t, testBinding, 1)
	want := picturetest.Random(4, 1, 70_000)
	save(t, f, want, time.Now())
	_, got, err := load(f)
	if err != nil || got.Len() != want.Len() || len(got.Chunks()) != 1 {
		t.Fatalf("%d machines of %d sites, %v", got.Len(), len(got.Chunks()), err)
	}
	a, b := got.Chunks()[0], want.Chunks()[0]
	for i := 0; i < a.Len(); i += 331 {
		m, n := a.Row(i).Machine(0), b.Row(i).Machine(0)
		r, s := m.Status, n.Status
		m.Status, n.Status = nil, nil
		if show(*m) != show(*n) || show(r) != show(s) || a.Row(i).IPs() != b.Row(i).IPs() {
			t.Fatalf("row %d:\n%s\n%s", i, show(*m), show(*n))
		}
	}
}
