package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unitty/unitty/unity/fleet"
)

// foundNames is how many machines are named of those that were found in one way.
const foundNames = 3

// Found says through which fields of a selector or a filter the targets were found, and by which the filter hides some: one
// line for all machines of which the same is to be said, the fewest machines first, since those are the odd ones. It is
// empty for machines that were named one by one.
func (p *Plan) Found() []string {
	of := map[fleet.Found][]string{}
	var order []fleet.Found
	for i := range p.Targets {
		how := p.Targets[i].Found
		if how == (fleet.Found{}) {
			continue
		}
		if of[how] == nil {
			order = append(order, how)
		}
		of[how] = append(of[how], Named(p.Targets[i]))
	}
	slices.SortStableFunc(order, func(a, b fleet.Found) int { return len(of[a]) - len(of[b]) })
	out := make([]string, 0, len(order))
	for _, how := range order {
		names, more := of[how], ""
		if len(names) > foundNames {
			names, more = names[:foundNames], ", …"
		}
		out = append(out, fmt.Sprintf("%s: %s (%s%s)", how, Machines(len(of[how])), strings.Join(names, ", "), more))
	}
	return out
}
