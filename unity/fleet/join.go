package fleet

import (
	"github.com/unitty/unitty/unity"
)

// Bearers are machines or reports, by what tells them apart.
type Bearers interface {
	Len() int
	// MachineKey is KeyOf the machine id; given is false where there is no id.
	MachineKey(i int) (key MachineKey, given bool)
	// Keycode is the site's, "" where unknown.
	Keycode(i int) unity.Keycode
	// FoldedHost is the host name as unity.Fold gives it; "" is no name.
	FoldedHost(i int) string
}

// None stands for no report in the answer of Match.
const None = -1

// Match gives for each machine its report, or None, only where exactly one fits: by machine id where reports carry one,
// unless their keycodes differ; else by keycode and host name; else by host name, where it is unique among both. A report
// that fits two machines fits none, and of two reports that fit one machine neither is its.
//
// whole tells that machines are all machines of all sites that the reports cover; a host name is only unique then.
func Match(machines, reports Bearers, whole bool) []int32 {
	m := matcher{machines: machines, reports: reports, whole: whole}
	m.survey()
	out := make([]int32, machines.Len())
	for i := range out {
		out[i] = None
	}
	for r := range reports.Len() {
		i := m.machineOf(r)
		switch {
		case i < 0:
		case out[i] == None:
			out[i] = int32(r)
		default:
			out[i] = clash
		}
	}
	for i := range out {
		if out[i] == clash {
			out[i] = None
		}
	}
	return out
}

const (
	clash  = -2
	shared = -1 // stands for a machine whose name another one has too
)

type keyHost struct {
	key  unity.Keycode
	host string
}

// matcher knows who has which name. Tables that no report needs are not made: a large console has a million rows.
type matcher struct {
	machines  Bearers
	reports   Bearers
	whole     bool
	byMachine map[MachineKey]int32
	byKeyHost map[keyHost]int32
	byHost    map[string]int32
	// reportsOf counts the reports of a name, with and without keycode.
	reportsOf   map[keyHost]int32
	reportsHost map[string]int32
}

// survey makes the tables.
func (m *matcher) survey() {
	machines := m.machines
	var ids, keys, hosts bool
	for r := range m.reports.Len() {
		switch _, given := m.reports.MachineKey(r); {
		case given:
			ids = true
		case m.reports.Keycode(r) != "":
			keys = true
		default:
			hosts = true
		}
	}
	n := machines.Len()
	if ids {
		m.byMachine = unique(n, func(i int) (MachineKey, bool) { k, _ := machines.MachineKey(i); return k, k != MachineKey{} })
	}
	if !m.whole {
		return
	}
	if keys {
		m.byKeyHost = unique(n, func(i int) (keyHost, bool) { return keyHostOf(machines, i) })
		m.reportsOf = map[keyHost]int32{}
		tally(m.reports.Len(), m.reportsOf, func(i int) (keyHost, bool) { return keyHostOf(m.reports, i) })
	}
	if hosts {
		m.byHost = unique(n, func(i int) (string, bool) { return hostOf(machines, i) })
		m.reportsHost = map[string]int32{}
		tally(m.reports.Len(), m.reportsHost, func(i int) (string, bool) { return hostOf(m.reports, i) })
	}
}

func hostOf(b Bearers, i int) (string, bool) { h := b.FoldedHost(i); return h, h != "" }

func keyHostOf(b Bearers, i int) (keyHost, bool) {
	k := keyHost{b.Keycode(i), b.FoldedHost(i)}
	return k, k.key != "" && k.host != ""
}

// machineOf is the machine that a report fits, or a negative number.
func (m *matcher) machineOf(r int) int32 {
	if key, given := m.reports.MachineKey(r); given {
		i := lookup(m.byMachine, key)
		if i >= 0 && contradict(m.reports.Keycode(r), m.machines.Keycode(int(i))) {
			return None
		}
		return i
	}
	if !m.whole || m.reports.FoldedHost(r) == "" {
		return None
	}
	if k, ok := keyHostOf(m.reports, r); ok {
		if m.reportsOf[k] == 1 {
			return lookup(m.byKeyHost, k)
		}
		return None
	}
	if h, _ := hostOf(m.reports, r); m.reportsHost[h] == 1 {
		return lookup(m.byHost, h)
	}
	return None
}

// contradict tells that two keycodes are known, and not the same. Machines that were made from one image have one machine id, so a
// report of it from another site may be of one that is not among the machines.
func contradict(a, b unity.Keycode) bool { return a != "" && b != "" && a != b }

func lookup[K comparable](table map[K]int32, k K) int32 {
	if i, ok := table[k]; ok {
		return i
	}
	return None
}

// unique maps a name to its bearer, and to shared where two have it.
func unique[K comparable](n int, of func(int) (K, bool)) map[K]int32 {
	out := make(map[K]int32, n)
	for i := range n {
		k, ok := of(i)
		if !ok {
			continue
		}
		if _, taken := out[k]; taken {
			out[k] = shared
			continue
		}
		out[k] = int32(i)
	}
	return out
}

func tally[K comparable](n int, into map[K]int32, of func(int) (K, bool)) {
	for i := range n {
		if k, ok := of(i); ok {
			into[k]++
		}
	}
}

// Join puts agent reports to machines, only where exactly one fits (see Match). It returns how many machines have none;
// their StatusNote says so.
func Join(machines []*Machine, reports []unity.Status, whole bool) (unjoined int) {
	for i, r := range Match(machineBearers(machines), reportBearers(reports), whole) {
		m := machines[i]
		switch {
		case r != None:
			m.Status, m.StatusNote = &reports[r], ""
		case m.Status == nil:
			m.StatusNote = NoteNotJoined
			unjoined++
		}
	}
	return unjoined
}

type machineBearers []*Machine

func (b machineBearers) Len() int { return len(b) }
func (b machineBearers) MachineKey(i int) (MachineKey, bool) {
	return KeyOf(b[i].MachineID), b[i].MachineID != ""
}
func (b machineBearers) Keycode(i int) unity.Keycode { return b[i].SiteKey }
func (b machineBearers) FoldedHost(i int) string     { return unity.Fold(b[i].HostName.Raw()) }

type reportBearers []unity.Status

func (b reportBearers) Len() int { return len(b) }
func (b reportBearers) MachineKey(i int) (MachineKey, bool) {
	return KeyOf(b[i].MachineID), b[i].MachineID != ""
}
func (b reportBearers) Keycode(i int) unity.Keycode { return b[i].Keycode }
func (b reportBearers) FoldedHost(i int) string     { return unity.Fold(b[i].HostName.Raw()) }
