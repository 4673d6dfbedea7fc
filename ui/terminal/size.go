// Package terminal holds what the program has to know of the terminal itself: whether it can be drawn on, how large it is,
// whether frames can be sent as a whole, and how text reaches the user's clipboard.
package terminal

import (
	"os"
	"strconv"
)

// Limits of the window, in cells.
const (
	// DefaultWidth and DefaultHeight are used where nobody knows the size.
	DefaultWidth, DefaultHeight = 80, 24
	// MaxWidth and MaxHeight bound what is drawn.
	MaxWidth, MaxHeight = 500, 200
	// absurd is a size that no window has; some serial gateways and jump hosts report such numbers.
	absurd = 4096
)

// Size turns a reported window size into one to draw with. A side that is zero, negative or absurd is taken from COLUMNS
// or LINES, else it is 80 or 24; what is larger than 500×200 is cut to that.
func Size(w, h int) (width, height int) { return SizeIn(os.Environ(), w, h) }

// SizeIn is Size with an environment given as "NAME=value".
func SizeIn(env []string, w, h int) (width, height int) {
	return side(env, w, "COLUMNS", DefaultWidth, MaxWidth), side(env, h, "LINES", DefaultHeight, MaxHeight)
}

func side(env []string, n int, name string, fallback, most int) int {
	if !Plausible(n) {
		// An unreadable number is as good as none.
		n, _ = strconv.Atoi(lookup(env, name))
	}
	if !Plausible(n) {
		n = fallback
	}
	return min(n, most)
}

// Plausible reports whether a window side is a number that a window can have.
func Plausible(n int) bool { return n > 0 && n <= absurd }

// lookup returns the value of a variable; of several with one name the last counts, as for a child process.
func lookup(env []string, name string) string {
	value, _ := find(env, name)
	return value
}

func find(env []string, name string) (value string, ok bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if len(env[i]) > len(name) && env[i][len(name)] == '=' && env[i][:len(name)] == name {
			return env[i][len(name)+1:], true
		}
	}
	return "", false
}
