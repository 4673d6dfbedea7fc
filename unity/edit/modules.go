package edit

import (
	"sort"
	"strings"

	"github.com/unitty/unitty/unity"
)

// module is an add-on of a site as it is asked for: a licence, or off.
type module struct{ kind, license string }

const moduleOff = "off"

// moduleKinds are the add-ons the reference names (§3.3.2).
func moduleKinds() []string { return []string{"DNSP", "WSAT"} }

// parseModules reads "DNSP=Trial, WSAT=off". A module without a licence gets a trial, as the reference's sample has it.
func parseModules(text string) ([]module, string) {
	var out []module
	seen := map[string]bool{}
	for _, part := range splitList(text) {
		kind, license, named := strings.Cut(part, "=")
		kind = strings.ToUpper(strings.TrimSpace(kind))
		switch strings.ToLower(strings.TrimSpace(license)) {
		case "trial":
			license = "Trial"
		case "full":
			license = "Full"
		case moduleOff:
			license = moduleOff
		case "":
			if named {
				return nil, "a module is written DNSP=Trial, DNSP=Full or DNSP=off"
			}
			license = "Trial"
		default:
			return nil, "the licence of a module is Trial, Full or off"
		}
		if kind != "DNSP" && kind != "WSAT" {
			return nil, "a module is " + orList(moduleKinds()) + ", not " + unity.Clean(kind)
		}
		if seen[kind] {
			return nil, kind + " is named twice"
		}
		seen[kind] = true
		out = append(out, module{kind, license})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].kind < out[j].kind })
	return out, ""
}

func formatModules(all []module) string {
	parts := make([]string, 0, len(all))
	for _, m := range all {
		parts = append(parts, m.kind+"="+m.license)
	}
	return strings.Join(parts, ",")
}

// licences gives every module's licence, off for those that are not named. Modules and licences that the reference does not
// name stand as they are: a record may hold any, and one that is strange says nothing about the others.
func licences(text string) map[string]string {
	out := map[string]string{}
	for _, kind := range moduleKinds() {
		out[kind] = moduleOff
	}
	for _, part := range splitList(text) {
		if all, problem := parseModules(part); problem == "" {
			for _, m := range all {
				out[m.kind] = m.license
			}
			continue
		}
		kind, license, _ := strings.Cut(part, "=")
		out[strings.ToUpper(strings.TrimSpace(kind))] = strings.TrimSpace(license)
	}
	return out
}

// sameLicences compares the modules that an edit can change; the others stay whatever is asked for.
func sameLicences(a, b string) bool {
	x, y := licences(a), licences(b)
	for _, kind := range moduleKinds() {
		if x[kind] != y[kind] {
			return false
		}
	}
	return true
}

// withOthers adds to modules that are asked for those before that no edit can change.
func withOthers(asked, before string) string {
	known := map[string]bool{}
	for _, kind := range moduleKinds() {
		known[kind] = true
	}
	parts := splitList(asked)
	for _, part := range splitList(before) {
		kind, _, _ := strings.Cut(part, "=")
		if !known[strings.ToUpper(strings.TrimSpace(kind))] {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ",")
}
