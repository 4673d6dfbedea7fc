package picture

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
)

// TestPackings holds that a text which takes one of the forms comes back byte for byte, within the length the form names.
func TestPackings(t *testing.T) {
	texts := rapid.OneOf(
		rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
		rapid.StringMatching(`[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-[0-9a-f]{4}-[0-9a-g]{4}-[0-9a-f]{11,12}`),
		rapid.StringMatching(`[0-2]?[0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-2]?[0-9]`),
		rapid.StringMatching(`([0-9A-F]{2}[:-]){5}[0-9A-F]{2}`),
		rapid.StringMatching(`([0-9a-f]{2}[:-]){5}[0-9a-fA-F]{2}`),
		rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		s := texts.Draw(t, "text")
		for form, p := range packings() {
			packed, ok := p.pack([]byte("x"), s)
			if !ok {
				continue
			}
			if back := p.text(nil, packed[1:]); string(back) != s || len(packed) != 1+p.size || len(s) > p.long {
				t.Fatalf("form %d: %q came back as %q, from %d bytes", form, s, back, len(packed)-1)
			}
		}
	})
}

// TestPackingsTake holds that the forms take what servers send.
func TestPackingsTake(t *testing.T) {
	for form, s := range []string{"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "192.168.0.255", "00:1A:2B:3C:4D:5E", "00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e", "00-1a-2b-3c-4d-5e"} {
		if _, ok := packings()[form].pack(nil, s); !ok {
			t.Errorf("form %d does not take %q", form, s)
		}
	}
}

// TestPackedColumns writes columns of one form, of several and with gaps, and reads them again.
func TestPackedColumns(t *testing.T) {
	mac := rapid.StringMatching(`([0-9A-F]{2}:){5}[0-9A-F]{2}`)
	other := rapid.SampledFrom([]string{"", "00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e", "unknown", "10.0.0.1"})
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.OneOf(mac, rapid.SampledFrom([]string{""}))
		if rapid.Bool().Draw(t, "mixed") {
			of = rapid.OneOf(mac, other)
		}
		rows := rapid.SliceOfN(of, 1, 70).Draw(t, "rows")
		column := packTexts(len(rows), func(i int) string { return rows[i] })
		var e Encoder
		e.packedColumn(&column, 0, len(rows), formMAC, formMAC+1, formMAC+2, formMAC+3)
		d := decoder{nums: e.nums, noise: e.noise, texts: string(e.texts)}
		var back texts
		d.column(len(rows), &back)
		if d.bad || len(d.nums) > 0 || len(d.noise) > 0 || d.texts != "" {
			t.Fatalf("the column is not read to its end: %+v", d)
		}
		for i, want := range rows {
			if got := back.at(i); got != want {
				t.Fatalf("row %d: %q instead of %q", i, got, want)
			}
		}
	})
}

// TestFoldedColumn holds that a column is folded as unity.Fold folds the view of each text.
func TestFoldedColumn(t *testing.T) {
	letters := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.Int32Range(' ', '~'), rapid.Int32Range(firstLatin-5, lastLatin+5),
		rapid.SampledFrom([]rune{' ', 'ß', 'İ', 'ŉ', 'ﬀ', '\u0301', '\u00ad', '\x1b', '\ufffd'})))
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.OneOf(letters, rapid.SampledFrom([]string{"", "DESKTOP-7F3K2L1", "renée.MÜLLER", strings.Repeat("é", 300)})), 1, 8).Draw(t, "rows")
		column := packTexts(len(rows), func(i int) string { return rows[i] })
		folded := column.folded(len(rows), true)
		for i, s := range rows {
			if got, want := folded.at(i), unity.Fold(unity.Clean(s)); got != want {
				t.Fatalf("%q is folded to %q instead of %q", s, got, want)
			}
		}
	})
}
