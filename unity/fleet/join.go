package fleet

import (
	"github.com/unitty/unitty/unity"
)

// Join puts agent reports to machines, only where exactly one fits: by machine id where reports carry one; else by
// keycode and host name; else by host name, where it is unique among both. It returns how many machines got none. A
// report that fits two machines fits none.
//
// whole tells that machines are all machines of all sites that the reports cover; a host name is only unique then.
func Join(machines []*Machine, reports []unity.Status, whole bool) (unjoined int) {
	byMachine := uniqueMachines(machines, func(m *Machine) string { return foldID(m.MachineID) })
	byKeyHost := uniqueMachines(machines, func(m *Machine) string { return keyHost(m.SiteKey, m.HostName) })
	byHost := uniqueMachines(machines, func(m *Machine) string { return hostKey(m.HostName) })
	chosen := map[*Machine]*unity.Status{}
	clash := map[*Machine]bool{}
	reportsOf := countReports(reports)
	for i := range reports {
		r := &reports[i]
		var m *Machine
		switch {
		case r.MachineID != "":
			m = byMachine[foldID(r.MachineID)]
		case !whole || r.HostName.Empty():
		case r.Keycode != "":
			if k := keyHost(r.Keycode, r.HostName); reportsOf[k] == 1 {
				m = byKeyHost[k]
			}
		default:
			if k := hostKey(r.HostName); reportsOf[k] == 1 {
				m = byHost[k]
			}
		}
		if m == nil {
			continue
		}
		if chosen[m] != nil {
			clash[m] = true
		}
		chosen[m] = r
	}
	for _, m := range machines {
		if r := chosen[m]; r != nil && !clash[m] {
			m.Status, m.StatusNote = r, ""
			continue
		}
		if m.Status == nil {
			m.StatusNote = NoteNotJoined
			unjoined++
		}
	}
	return unjoined
}

func foldID(id unity.MachineID) string { return unity.Fold(string(id)) }

// hostKey is "" for a name that folds to nothing, as for none.
func hostKey(host unity.Text) string {
	folded := unity.Fold(host.Raw())
	if folded == "" {
		return ""
	}
	return "\x00" + folded
}

func keyHost(key unity.Keycode, host unity.Text) string {
	h := hostKey(host)
	if h == "" || key == "" {
		return ""
	}
	return string(key) + h
}

// uniqueMachines maps a key to its machine, and to nil where two machines share it.
func uniqueMachines(machines []*Machine, key func(*Machine) string) map[string]*Machine {
	out := make(map[string]*Machine, len(machines))
	for _, m := range machines {
		k := key(m)
		if k == "" {
			continue
		}
		if _, taken := out[k]; taken {
			out[k] = nil
			continue
		}
		out[k] = m
	}
	return out
}

func countReports(reports []unity.Status) map[string]int {
	out := make(map[string]int, len(reports))
	for i := range reports {
		if k := keyHost(reports[i].Keycode, reports[i].HostName); k != "" {
			out[k]++
		}
		if k := hostKey(reports[i].HostName); k != "" {
			out[k]++
		}
	}
	return out
}
