package ui_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
)

// Whatever is pressed, nothing is sent without one of the keys that confirm, and the screen keeps its size.
func TestNothingIsSentWithoutAConfirmingKey(t *testing.T) {
	w := newWorld(t, 30)
	var keys []string
	for _, s := range append(ui.Builtins(), w.catalog()...) {
		keys = append(keys, s.Keys...)
	}
	keys = append(keys, "H", "0", "株", "backspace", "ctrl+u")
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "y" || k == "enter" || k == "ctrl+c" || k == "q" })
	slices.Sort(keys)
	keys = slices.Compact(keys)
	rapid.Check(t, func(rt *rapid.T) {
		d := uitest.New(ui.New(w.cfg), 80, 24)
		defer func() {
			if err := d.Close(); err != nil {
				rt.Fatal(err)
			}
		}()
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keys), 1, 25).Draw(rt, "keys") {
			if rapid.IntRange(0, 9).Draw(rt, "resize") == 0 {
				d.Resize(rapid.IntRange(0, 200).Draw(rt, "w"), rapid.IntRange(0, 60).Draw(rt, "h"))
			}
			d.Press(k)
		}
		if got := w.sentNames(); got != "" {
			rt.Fatalf("sent to %s", got)
		}
	})
}
