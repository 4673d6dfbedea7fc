package ui

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Words longer than longWord are ids and paths rather than words; what is left of one has leastLeft cells.
const (
	longWord  = 24
	leastLeft = 8
)

// shorten makes a line at most w cells wide. An id or a path in it gives way before what stands behind does: of an id the beginning
// stays, of a path the end, which tells it from others.
func shorten(s string, w int, ellipsis string) string {
	over := ansi.StringWidth(s) - w
	if over <= 0 {
		return s
	}
	long, most := "", longWord
	for _, word := range strings.Fields(s) {
		if n := ansi.StringWidth(word); n > most {
			long, most = word, n
		}
	}
	if long == "" {
		return ansi.Truncate(s, w, ellipsis)
	}
	keep := max(most-over, leastLeft)
	short := ansi.Truncate(long, keep, ellipsis)
	if strings.ContainsAny(long, `/\`) {
		short = ansi.TruncateLeft(long, most-keep+ansi.StringWidth(ellipsis), ellipsis)
	}
	return ansi.Truncate(strings.Replace(s, long, short, 1), w, ellipsis)
}

// shortIDs leaves the beginnings of the long parts of an address: ids, which tell less than what stands around them.
func shortIDs(address, ellipsis string) string {
	var b strings.Builder
	for rest := address; rest != ""; {
		n := strings.IndexAny(rest, "/?&=")
		if n < 0 {
			n = len(rest)
		}
		part := rest[:n]
		if ansi.StringWidth(part) > 2*leastLeft {
			part = ansi.Truncate(part, leastLeft+1, ellipsis)
		}
		end := min(n+1, len(rest))
		b.WriteString(part + rest[n:end])
		rest = rest[end:]
	}
	return b.String()
}

// atHome writes a path as a shell takes it too, with ~ for the home folder.
func atHome(path string) string {
	home, err := os.UserHomeDir()
	if err != nil || home == "" {
		return path
	}
	if rest, ok := strings.CutPrefix(path, filepath.Clean(home)+string(filepath.Separator)); ok {
		return "~" + string(filepath.Separator) + rest
	}
	return path
}
