// Package cells makes text safe and countable for the terminal: nothing in its results moves the cursor or reorders a line, and
// their width in cells is the same for terminals that count grapheme clusters and for those that count runes.
package cells

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// scanLimit bounds how much of a text is looked at for a cell, so that a value of megabytes costs no more than a name.
func scanLimit(cells int) int { return 16*cells + 64 }

// Clean makes a text harmless and countable and cuts it to at most width cells; cut tells whether something is missing.
// Terminals disagree about the width of joined emoji: some count the cluster, some its runes, and over SSH nobody can ask.
// So the result uses only clusters on whose width both ways of counting agree.
func Clean(s string, width int) (text string, cells int, cut bool) {
	if width <= 0 {
		return "", 0, s != ""
	}
	if n := plainPrefix(s, width+1); n == len(s) || n > width {
		if n > width {
			return s[:width], width, true
		}
		return s, n, false
	}
	if limit := scanLimit(width); len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s, cut = s[:limit], true
	}
	text, cells, more := cleanClusters(s, width)
	// Two clusters that were apart may join again once something between them is gone, and some runes join the blank that
	// follows them.
	if !counts(text, cells) || !counts(text+" ", cells+1) {
		var again bool
		text, cells, again = asciiOnly(text, width)
		more = more || again
	}
	return text, cells, cut || more
}

// counts reports whether a text has this width in both ways of counting.
func counts(s string, n int) bool { return ansi.StringWidth(s) == n && ansi.StringWidthWc(s) == n }

// plainPrefix returns how many of the first bytes, at most limit, are printable ASCII.
func plainPrefix(s string, limit int) int {
	n := min(len(s), limit)
	for i := range n {
		if s[i] < ' ' || s[i] > '~' {
			return i
		}
	}
	return n
}

func cleanClusters(s string, width int) (text string, cells int, more bool) {
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		cluster, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if cluster == "" {
			break
		}
		s = s[len(cluster):]
		shown, w := safeCluster(cluster)
		if cells+w > width {
			return b.String(), cells, true
		}
		b.WriteString(shown)
		cells += w
	}
	return b.String(), cells, false
}

// maxCluster is longer than any character of a living script; what is longer is a stack of accents.
const maxCluster = 32

// safeCluster returns what is drawn for a cluster and its width.
func safeCluster(cluster string) (string, int) {
	if len(cluster) > maxCluster || hostile(cluster) {
		return "?", 1
	}
	w := ansi.StringWidth(cluster)
	if cluster[0] >= utf8.RuneSelf && bindsBack(cluster) {
		// A mark that has lost its letter would go to the next best one, be it the blank of the column before.
		if w == 0 {
			return "", 0
		}
		return "?", 1
	}
	if w == ansi.StringWidthWc(cluster) {
		return cluster, w
	}
	_, n := utf8.DecodeRuneInString(cluster)
	first := cluster[:n]
	if joined, _ := ansi.FirstGraphemeCluster(first+" ", ansi.GraphemeWidth); joined != first {
		// It binds to whatever comes next; alone it would hide the character it came with.
		return "?", 1
	}
	if w = ansi.StringWidth(first); w > 0 && w == ansi.StringWidthWc(first) {
		return first, w
	}
	return "?", 1
}

// bindsBack reports whether a cluster becomes part of what stands before it.
func bindsBack(cluster string) bool {
	const letter = "x"
	joined, _ := ansi.FirstGraphemeCluster(letter+cluster, ansi.GraphemeWidth)
	return joined != letter
}

// hostile reports whether a cluster holds what a terminal obeys or what reorders a line: control and format characters
// but for the joiners, separators of lines, and bytes that are no text.
func hostile(cluster string) bool {
	for _, r := range cluster {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
			return true
		case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d':
			return true
		}
	}
	return false
}

// asciiOnly is the last resort: one question mark for every cell that is not ASCII.
func asciiOnly(s string, width int) (text string, cells int, more bool) {
	var b strings.Builder
	for _, r := range s {
		if cells == width {
			return b.String(), cells, true
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		b.WriteRune(r)
		cells++
	}
	return b.String(), cells, false
}

// Fit returns the text cut to width cells with an ellipsis when something is missing, and its width.
func Fit(s string, width int, ellipsis string) (string, int) {
	text, cells, cut := Clean(s, width)
	if !cut || width <= 0 {
		return text, cells
	}
	mark := ansi.StringWidth(ellipsis)
	if width <= mark {
		return text, cells
	}
	text, cells, _ = Clean(s, width-mark)
	return text + ellipsis, cells + mark
}

// Blanks returns n blanks.
func Blanks(n int) string {
	const many = "                                                                                                    "
	if n <= 0 {
		return ""
	}
	if n <= len(many) {
		return many[:n]
	}
	return strings.Repeat(" ", n)
}

// Cluster is a character as a person sees it.
type Cluster struct {
	// Text is what is drawn for it and Width its cells.
	Text  string
	Width int
	// Runes is how many runes of the original it stands for, which is what editors count in.
	Runes int
}

// Clusters splits a text into characters that are safe to draw.
func Clusters(s string) []Cluster {
	var all []Cluster
	for s != "" {
		cluster, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if cluster == "" {
			break
		}
		s = s[len(cluster):]
		shown, w := safeCluster(cluster)
		all = append(all, Cluster{Text: shown, Width: w, Runes: utf8.RuneCountInString(cluster)})
	}
	return all
}
