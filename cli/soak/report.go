//go:build unix

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// table writes a result for people.
func table(r result, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range r.rows() {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", row[0], row[1]) // Flush reports the error
	}
	for _, b := range r.broken() {
		_, _ = fmt.Fprintf(w, "BROKEN\t%s\n", b)
	}
	return w.Flush()
}

// counted lists counts by name.
func counted(n map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, n[name]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
