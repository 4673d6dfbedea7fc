package table

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	cols := []Column[host]{{ID: "name", Min: 8, Max: 20}, {ID: "user", Priority: 2}, {ID: "id", Min: 10, Priority: 3}}
	widths := func(at int) []int {
		return [][]int{{4, 12, 12, 12, 12, 12, 12, 12, 12, 30}, {4, 9}, {2, 10}}[at]
	}
	for _, x := range []struct {
		w    int
		want []Fitted
	}{
		{200, []Fitted{{0, 20}, {1, 9}, {2, 10}}}, // no wider than is needed, nor than Max
		{43, []Fitted{{0, 20}, {1, 9}, {2, 10}}},
		{42, []Fitted{{0, 19}, {1, 9}, {2, 10}}}, // the longest cell makes room first
		{33, []Fitted{{0, 12}, {1, 7}, {2, 10}}},
		{28, []Fitted{{0, 8}, {1, 6}, {2, 10}}},
		{27, []Fitted{{0, 16}, {1, 9}}}, // the least important one goes
		{15, []Fitted{{0, 15}}},
		{5, []Fitted{{0, 5}}},
	} {
		if got := Fit(cols, x.w, widths); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%d cells: %v, not %v", x.w, got, x.want)
		}
	}
	numbers := []Column[host]{{ID: "name", Min: 4}, {ID: "n", Right: true, Priority: 1}}
	for w, want := range map[int][]Fitted{20: {{0, 8}, {1, 10}}, 16: {{0, 4}, {1, 10}}, 15: {{0, 15}}} {
		if got := Fit(numbers, w, func(at int) []int { return [][]int{{30}, {6, 10}}[at] }); !reflect.DeepEqual(got, want) {
			t.Errorf("%d cells: %v, not %v", w, got, want)
		}
	}
	if got := Fit(cols, 80, func(int) []int { return []int{3} }); !reflect.DeepEqual(got, []Fitted{{0, 3}, {1, 3}, {2, 3}}) {
		t.Errorf("short cells: %v", got)
	}
}

// TestFitFits: whatever the columns and cells, the line has room, the order stays, and no column is wider than its widest cell.
func TestFitFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "columns")
		cols, widths := make([]Column[host], n), make([][]int, n)
		for i := range cols {
			cols[i] = Column[host]{ID: fmt.Sprint(i), Min: rapid.IntRange(0, 40).Draw(t, "min"), Max: rapid.IntRange(0, 60).Draw(t, "max"), Priority: rapid.IntRange(0, 5).Draw(t, "priority")}
			widths[i] = rapid.SliceOfN(rapid.IntRange(0, 300), 1, 6).Draw(t, "widths")
		}
		w := rapid.IntRange(1, 250).Draw(t, "w")
		used, last := 0, -1
		for _, f := range Fit(cols, w, func(at int) []int { return widths[at] }) {
			widest := 0
			for _, cell := range widths[f.At] {
				widest = max(widest, cell)
			}
			if f.At <= last || f.Width < 1 || f.Width > widest || cols[f.At].Max > 0 && f.Width > cols[f.At].Max {
				t.Fatalf("column %d has %d cells, the widest takes %d, Max is %d; the one before is %d", f.At, f.Width, widest, cols[f.At].Max, last)
			}
			last = f.At
			used += f.Width + 2
		}
		if used-2 > w {
			t.Fatalf("%d cells are used of %d", used-2, w)
		}
	})
}
