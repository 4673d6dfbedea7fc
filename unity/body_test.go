package unity

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// TestReadBody holds that a body is read as io.ReadAll reads it, however it comes, and no further than one byte beyond the
// limit.
func TestReadBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SampledFrom([]int{0, 1, firstPiece - 1, firstPiece, firstPiece + 1, 3 * firstPiece, 400 << 10})
		size := sizes.Draw(t, "size")
		want := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		limit := int64(sizes.Draw(t, "limit"))
		from := io.Reader(bytes.NewReader(want))
		switch rapid.IntRange(0, 2).Draw(t, "way") {
		case 1:
			from = iotest.HalfReader(from)
		case 2:
			from = iotest.DataErrReader(from)
		}
		got, err := readBody(from, limit)
		if want = want[:min(len(want), int(limit)+1)]; err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes instead of %d: %v", len(got), len(want), err)
		}
	})
}

// TestReadBodyCut holds that a body that breaks off is not taken for a whole one.
func TestReadBodyCut(t *testing.T) {
	for _, cause := range []error{io.ErrUnexpectedEOF, iotest.ErrTimeout} {
		got, err := readBody(io.MultiReader(bytes.NewReader([]byte("half")), iotest.ErrReader(cause)), 100)
		if !errors.Is(err, cause) || string(got) != "half" {
			t.Errorf("%q, %v instead of %v", got, err, cause)
		}
	}
}
