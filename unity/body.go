package unity

import "io"

// Sizes of the pieces in which a body is read.
const (
	firstPiece = 8 << 10
	mostPiece  = 128 << 10
)

// readBody reads a body of at most limit bytes, or one byte more where there are more. A body is read in pieces, since a
// buffer that grows with a page of a megabyte leaves five megabytes behind, and a dozen pages are read at once.
func readBody(from io.Reader, limit int64) ([]byte, error) {
	from = io.LimitReader(from, limit+1)
	var full [][]byte
	piece, size := make([]byte, 0, firstPiece), 0
	for {
		n, err := from.Read(piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		size += n
		if err != nil {
			if err == io.EOF { // as io.ReadAll: one with a cause around it is a failure
				err = nil
			}
			return joined(append(full, piece), size), err
		}
		if len(piece) == cap(piece) {
			full = append(full, piece)
			piece = make([]byte, 0, min(2*cap(piece), mostPiece))
		}
	}
}

// joined puts pieces together, in a place that is no larger than they are.
func joined(pieces [][]byte, size int) []byte {
	out := make([]byte, 0, size)
	for _, p := range pieces {
		out = append(out, p...)
	}
	return out
}
