package ui_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestRightAndLeftMoveAmongNumbers as long as there is a column on that side; beyond it right opens, as everywhere.
func TestRightAndLeftMoveAmongNumbers(t *testing.T) {
	_, d := startBoard(t, "", 16, 80, 24) // eighteen numbers with those of the shell: three columns of six
	d.Press("tab", "j", "right", "right", "enter")
	want(t, d, "behind 13")
	d.Press("esc", "right") // there is no column any more
	want(t, d, "behind 13")
	d.Press("esc", "left", "left", "enter")
	want(t, d, "behind 1")
	d.Press("esc", "left", "right", "j", "enter") // there is no column on the left, and nothing to go back to
	want(t, d, "behind 8")
}

// TestLOpensANumberWhereverItStands: only the arrows move.
func TestLOpensANumberWhereverItStands(t *testing.T) {
	_, d := startBoard(t, "", 9, 80, 24)
	d.Press("tab", "l")
	want(t, d, "behind 0")
}

// TestTheNumbersStandApart at every width: a value never looks like the key of the number beside it.
func TestTheNumbersStandApart(t *testing.T) {
	for width := 60; width <= 200; width += 20 {
		_, d := startBoard(t, "", 16, width, 30)
		line := d.LineWith("number 0 ")
		if line == "" {
			t.Fatalf("at %d:\n%s", width, d.Screen())
		}
		for i := range 16 {
			row := d.LineWith(fmt.Sprintf("number %d ", i))
			if _, after, more := strings.Cut(row, fmt.Sprintf(" %d", 100+i)); more {
				after = strings.TrimLeft(after, " #.")
				if next := strings.Index(row, after); after != "" && !strings.HasSuffix(row[:next], "   ") {
					t.Errorf("at %d nothing stands between two numbers: %q", width, row)
				}
			}
		}
	}
}
