package picture

import "math/bits"

// bitmap has a bit for each row of a chunk. The bits beyond the last row are 0.
type bitmap []uint64

// wordsOf is the length of the bitmap of n rows.
func wordsOf(n int) int { return (n + 63) / 64 }

func (b bitmap) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitmap) has(i int) bool { return b[i>>6]>>(i&63)&1 != 0 }

// fill sets the bits of n rows.
func (b bitmap) fill(n int) {
	for i := range b {
		b[i] = ^uint64(0)
	}
	if rest := n & 63; rest != 0 {
		b[len(b)-1] = 1<<rest - 1
	}
}

func (b bitmap) empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

func (b bitmap) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// bitmapOf has the rows for which of holds.
func bitmapOf(n int, of func(int) bool) bitmap {
	b := make(bitmap, wordsOf(n))
	for i := range n {
		if of(i) {
			b.set(i)
		}
	}
	return b
}
