package dispatch

import (
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity/fleet"
)

// warningNames is how many customers or machines a warning about several of them names.
const warningNames = 8

// warnKind is what is said in the same words of several customers or machines.
type warnKind struct {
	// one is the format of the warning about one of them, many what is said of several: "customers are suspended".
	one, many string
}

// namedWarning is which kind a warning is of, and whom it is about.
type namedWarning struct {
	kind warnKind
	name string
}

// warnOf warns in words that may hold for several: the plan counts them then.
func (m *maker) warnOf(kind warnKind, name string, more ...any) {
	m.warnAs(kind, fmt.Sprintf(kind.one, append([]any{name}, more...)...), name)
}

// warnAs warns in words of its own, where the plan has other ones for several. The kind needs those only.
func (m *maker) warnAs(kind warnKind, text, name string) {
	m.plan.Warnings = append(m.plan.Warnings, text)
	if m.plan.named == nil {
		m.plan.named = map[string]namedWarning{}
	}
	m.plan.named[text] = namedWarning{kind, name}
}

// Notices are the warnings for people: those that say the same of several customers or machines are one line, which counts
// them and names the first ones. Warnings has each by itself.
func (p *Plan) Notices() []string {
	at := map[warnKind]int{}
	var out []string
	var names [][]string
	var kinds []warnKind
	for _, text := range p.Warnings {
		w, ok := p.named[text]
		if k, seen := at[w.kind]; ok && seen {
			names[k] = append(names[k], w.name)
			continue
		}
		if ok {
			at[w.kind] = len(out)
		}
		out, names, kinds = append(out, text), append(names, []string{w.name}), append(kinds, w.kind)
	}
	for i, all := range names {
		if len(all) < 2 {
			continue
		}
		rest := ""
		if len(all) > warningNames {
			rest, all = fmt.Sprintf(" and %d more", len(all)-warningNames), all[:warningNames]
		}
		out[i] = fmt.Sprintf("%d %s: %s%s", len(names[i]), kinds[i].many, strings.Join(all, ", "), rest)
	}
	return out
}

// Named is a machine with its customer, as questions name it: "FRONTDESK-02 · Harbour Dental". Many customers have a machine
// of the same name.
func Named(r fleet.Ref) string { return r.Name() + " · " + siteLabel(r) }
