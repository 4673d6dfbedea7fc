//go:build unix

package main

import (
	"fmt"
	"io"
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
