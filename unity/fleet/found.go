package fleet

import (
	"strings"

	"github.com/unitty/unitty/unity/fleet/selector"
)

// Found says how a selector or a filter came upon a machine. The zero value is a machine that was named by itself.
type Found struct {
	// By are the fields through which it matched, with commas between them. Not is the field that was looked at first and does
	// not hold what was looked for, "" for none.
	By, Not string
	// HiddenBy are the fields by which the filter in force hides the machine, with commas between them; "" for one that is
	// shown.
	HiddenBy string
}

// FoundBy words what a selector or a filter says of a machine.
func FoundBy(w selector.Why) Found {
	f := Found{By: strings.Join(w.Fields, ", "), Not: w.Not}
	if w.Answer != selector.Yes {
		f.HiddenBy = strings.Join(w.Against, ", ")
	}
	return f
}

// String words it: "matched user, not host"; "hidden by type". It is "" for the zero value.
func (f Found) String() string {
	var parts []string
	if f.HiddenBy != "" {
		parts = append(parts, "hidden by "+f.HiddenBy)
	}
	if f.By != "" {
		parts = append(parts, "matched "+f.By)
	}
	if f.Not != "" {
		parts = append(parts, "not "+f.Not)
	}
	return strings.Join(parts, ", ")
}
