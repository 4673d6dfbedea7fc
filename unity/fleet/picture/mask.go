package picture

import "strings"

// maskOf has a bit for each letter and digit, and for the kinds of other bytes, in a folded text. A text that lacks a bit of
// a word has not got the word, not even with gaps between its letters.
func maskOf(s string) uint64 {
	var m uint64
	for i := 0; i < len(s); i++ {
		m |= bitOf(s[i])
	}
	return m
}

// bitOf is the bit of a byte; without branches, since it is asked for each byte of a console.
func bitOf(b byte) uint64 { return 1 << bitOfByte[b] }

// bitOfByte has the number of the bit of each byte.
var bitOfByte = func() (out [256]uint8) {
	for i := range out {
		switch b := byte(i); {
		case b >= 'a' && b <= 'z':
			out[i] = b - 'a'
		case b >= '0' && b <= '9':
			out[i] = b - '0' + 26
		default:
			out[i] = b%28 + 36
		}
	}
	return out
}()

// guidMask is maskOf a column with all that GUIDs may have.
var guidMask = maskOf(hexLower + "-\n")

// gapMask is maskOf for matches with gaps. Those take some letters beyond ASCII for others, so a text that has such letters
// may hold any word.
func gapMask(s string) uint64 {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return ^uint64(0)
		}
	}
	return maskOf(s)
}

// commonness orders bytes by how often names, users and addresses have them, the most common first.
const commonness = "-.:0e1a2sonrtdlkip35467b89cmuhgfvywxjzq "

// rarest is where in a word the two bytes stand that are likely the rarest. A scan looks for those. In a word of one byte
// they are the same.
func rarest(word string) (first, second int) {
	best, next := -1, -1
	for i := 0; i < len(word); i++ {
		rank := strings.IndexByte(commonness, word[i])
		if rank < 0 {
			rank = len(commonness)
		}
		switch {
		case rank > best:
			best, next, first, second = rank, best, i, first
		case rank > next:
			next, second = rank, i
		}
	}
	return first, second
}
