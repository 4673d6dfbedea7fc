package picture

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestANeedleIsFoundWhereItIs(t *testing.T) {
	hits, misses := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"ab", "abc-", "7f3 \n", "\x00\x01a", "\x80\xff\x7f", "deskop"}).Draw(t, "alphabet")
		draw := func(label string, low, high int) string {
			return rapid.StringOfN(rapid.SampledFrom([]rune(strings.ToValidUTF8(alphabet, "é"))), low, high, -1).Draw(t, label)
		}
		hay := strings.Repeat(draw("begin", 0, 40), rapid.IntRange(1, 9).Draw(t, "times")) + draw("end", 0, 20)
		word := draw("word", 1, 9)
		n := newNeedle(word)
		for from := 0; from <= len(hay); from += 1 + len(hay)/5 {
			want := strings.Index(hay[from:], word)
			if want >= 0 {
				want += from
				hits++
			} else {
				misses++
			}
			if got := n.index(hay, from); got != want {
				t.Fatalf("%q in %q from %d: %d, want %d", word, hay, from, got, want)
			}
			if got := n.pairs(hay, from); got != want {
				t.Fatalf("%q in %q from %d, by pairs: %d, want %d", word, hay, from, got, want)
			}
		}
	})
	if hits == 0 || misses == 0 {
		t.Errorf("%d hits and %d misses: the property says too little", hits, misses)
	}
}

func TestNoHitReachesIntoTheNextRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("ab\n")), 0, 5, -1), 0, 150).Draw(t, "rows")
		word := rapid.StringOfN(rapid.SampledFrom([]rune("ab\n")), 1, 4, -1).Draw(t, "word")
		column := packTexts(len(rows), func(i int) string { return rows[i] }).scanned()
		n := newNeedle(word)
		part, whole := make(bitmap, wordsOf(len(rows))), make(bitmap, wordsOf(len(rows)))
		column.mark(&n, false, part)
		column.mark(&n, true, whole)
		for i, row := range rows {
			if column.at(i) != row {
				t.Fatalf("row %d is %q, want %q", i, column.at(i), row)
			}
			if part.has(i) != strings.Contains(row, word) || whole.has(i) != (row == word) {
				t.Fatalf("%q: row %d (%q) has it: %v, is it: %v", word, i, row, part.has(i), whole.has(i))
			}
		}
	})
}

func TestAMaskNeverHidesAWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		for from := range len(s) {
			if maskOf(s[from:])&^maskOf(s) != 0 {
				t.Fatalf("%q hides %q", s, s[from:])
			}
		}
	})
}
