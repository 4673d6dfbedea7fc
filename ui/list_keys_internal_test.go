package ui

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/ui/table"
)

// TestRememberedSelectionIsTheSelection changes what is selected in every way, and compares what was remembered with what is.
func TestRememberedSelectionIsTheSelection(t *testing.T) {
	type thing struct{ id, name string }
	type thingID string
	rapid.Check(t, func(t *rapid.T) {
		l := NewList(Resource[thing, thingID]{
			Key: func(x *thing) thingID { return thingID(x.id) }, Name: func(x *thing) string { return x.name },
			Columns: []table.Column[thing]{{ID: "name", Text: func(x *thing) string { return x.name }}}, Sort: []table.SortKey{{Column: "name"}},
		})
		key := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id")) })
		seen := l.remembered()
		t.Repeat(map[string]func(*rapid.T){
			"merge": func(t *rapid.T) {
				l.rows.Merge([]*thing{{key.Draw(t, "key"), rapid.StringMatching("[ab]{1,2}").Draw(t, "name")}})
			},
			"remove": func(t *rapid.T) { l.rows.Remove(thingID(key.Draw(t, "key"))) },
			"mark":   func(*rapid.T) { l.rows.ToggleMark() },
			"invert": func(*rapid.T) { l.rows.Invert() },
			"clear":  func(*rapid.T) { l.rows.Marks().Clear() },
			"move":   func(t *rapid.T) { l.rows.Move(rapid.IntRange(-2, 2).Draw(t, "by")) },
			"filter": func(t *rapid.T) { l.applyFilter(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "filter")) },
			"": func(t *rapid.T) {
				for _, arity := range []Arity{None, One, Many} {
					got, want := seen(arity), l.selection(arity)
					if !slices.Equal(got.Keys, want.Keys) || got.Filter != want.Filter || got.Marked != want.Marked {
						t.Fatalf("remembered %+v, want %+v", got, want)
					}
				}
			},
		})
	})
}
