package ui_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/unitty/unitty/ui/uitest"
)

// longList is a list that is too long to be sorted at once. Its names run against its ids.
func longList(t *testing.T) (*world, *uitest.Driver) {
	t.Helper()
	const n = 12_000
	w := newWorld(t, n)
	for i, m := range w.machines {
		m.name, m.site = fmt.Sprintf("HOST-%05d", i), fmt.Sprintf("Site %05d", n-i)
	}
	d := w.start(100, 20)
	want(t, d, "12,000 rows", "HOST-00000")
	return w, d
}

func TestLongListIsSortedAside(t *testing.T) {
	_, d := longList(t)
	d.Press("j", "space", "o", "down")
	d.Deliver(uitest.Key("enter"))
	want(t, d, "sorting", "HOST-00000") // the old order, until the new one is there
	d.Deliver(uitest.Key("j"))
	if l := selected(t, d); !strings.Contains(l, "HOST-00003") {
		t.Fatalf("a key while a list is sorted leads to %q", l)
	}
	d.Settle()
	wantNot(t, d, "sorting")
	want(t, d, "1 marked")
	if l := selected(t, d); !strings.Contains(l, "HOST-00003") {
		t.Fatalf("sorting moved the cursor to %q", l)
	}
	d.Press("g")
	want(t, d, "HOST-11999", "Site 00001")
}

func TestOnlyTheLastOrderCounts(t *testing.T) {
	_, d := longList(t)
	d.Press("o", "down")
	d.Deliver(uitest.Key("enter"))
	want(t, d, "sorting")
	// The same column again turns the order round that is on its way.
	for _, key := range []string{"o", "down", "enter"} {
		d.Deliver(uitest.Key(key))
		d.Until(func() bool { return key != "o" || d.Has("Sort Machines by") })
	}
	d.Settle()
	d.Press("g")
	wantNot(t, d, "sorting")
	want(t, d, "HOST-00000", "Site 12000")
	if strings.Contains(d.Screen(), "HOST-11999") {
		t.Fatalf("an order that was given up came into force:\n%s", d.Screen())
	}
}
