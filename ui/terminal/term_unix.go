//go:build !windows

package terminal

// needsTerm is true where a terminal without TERM is none.
const needsTerm = true
