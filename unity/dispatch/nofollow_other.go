//go:build !unix

package dispatch

// noFollow has no counterpart here.
const noFollow = 0
