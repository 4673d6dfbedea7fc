//go:build unix

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// What the views promise of times and shares, written down a second time so that a slip in the program is one.
const (
	silentAfter   = 7 * 24 * time.Hour
	recently      = 30 * 24 * time.Hour
	endingWithin  = 30 * 24 * time.Hour
	modern        = 50 // one in so many machines makes a version the current one
	unmanagedName = "unmanaged"
)

// reportsWithIDs is the variant of the console in which reports carry ids. There every report is some machine's for certain, and
// the dashboard can be held against the world itself instead of against what can be known of it.
const reportsWithIDs = "status-with-ids"

// truth counts what the dashboard has to say about a world at a time. It is plain on purpose.
func truth(w unitytest.Snapshot, now time.Time) map[string]string {
	n := map[string]int{}
	twins, old, drift := duplicates(w), outdated(w), drifted(w)
	for i := range w.Endpoints {
		m := &w.Endpoints[i]
		add := func(name string, yes bool) {
			if yes {
				n[name]++
			}
		}
		silent := m.LastSeen.IsZero() || now.Sub(m.LastSeen) > silentAfter
		ill := m.Infected || m.ActiveThreats > 0
		add("everything", true)
		add("duplicates", twins[m.ID])
		if m.Deactivated {
			add("deactivated", true)
			add("deactivated, seen", !m.LastSeen.IsZero() && now.Sub(m.LastSeen) <= recently)
			continue
		}
		add("infected", ill)
		add("needs attention", m.Attention)
		add("stale", silent)
		add("outdated agents", old[m.ID])
		add("policy drift", drift[m.ID])
		add("machines ok", !ill && !m.Attention && !silent)
	}
	seats, used := 0, 0
	for _, s := range w.Sites {
		active := 0
		for i := range w.Endpoints {
			if w.Endpoints[i].SiteID == s.ID && !w.Endpoints[i].Deactivated {
				active++
			}
		}
		seats, used = seats+s.Seats, used+active
		if active > s.Seats {
			n["seats over"]++
		}
		if !s.Deactivated && !s.Suspended && s.EndDate.Sub(now) <= endingWithin {
			n["licences ending"]++
		}
	}
	out := map[string]string{"seats used": grouped(used) + "/" + grouped(seats)}
	for _, name := range tiles() {
		// Every machine has its report, nothing was sent, nothing is a favourite, everything was read, and all that changed was
		// looked at: those are 0.
		if _, done := out[name]; !done && name != "sites not read" {
			out[name] = grouped(n[name])
		}
	}
	return out
}

// grouped writes a number with commas.
func grouped(n int) string {
	s := strconv.Itoa(n)
	if n < 1000 {
		return s
	}
	return grouped(n/1000) + "," + s[len(s)-3:]
}

// folded is a name without regard to case.
func folded(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// duplicates tells the records of machines that have several active ones. Records that share a machine id, or host name and
// network card, are of one machine, and so are those that share it with one of these.
func duplicates(w unitytest.Snapshot) map[string]bool {
	keys := func(m *unitytest.EndpointTruth) []string {
		out := []string{"id " + folded(m.MachineID)}
		if folded(m.HostName) != "" && folded(m.MAC) != "" {
			out = append(out, "name "+folded(m.HostName)+" "+folded(m.MAC))
		}
		return out
	}
	machine := make([]int, len(w.Endpoints)) // the first record of the machine, as far as is known
	for i := range machine {
		machine[i] = i
	}
	for changed := true; changed; {
		changed = false
		least := map[string]int{}
		for i := range w.Endpoints {
			for _, k := range keys(&w.Endpoints[i]) {
				if first, ok := least[k]; !ok || machine[i] < first {
					least[k] = machine[i]
				}
			}
		}
		for i := range w.Endpoints {
			for _, k := range keys(&w.Endpoints[i]) {
				if least[k] < machine[i] {
					machine[i], changed = least[k], true
				}
			}
		}
	}
	active := map[int]int{}
	for i := range w.Endpoints {
		if !w.Endpoints[i].Deactivated {
			active[machine[i]]++
		}
	}
	out := map[string]bool{}
	for i := range w.Endpoints {
		out[w.Endpoints[i].ID] = active[machine[i]] > 1
	}
	return out
}

// outdated tells the active machines whose agent is older than what one in fifty of their kind has, or has left behind.
func outdated(w unitytest.Snapshot) map[string]bool {
	of := map[string][]string{} // by kind, one version a machine
	for i := range w.Endpoints {
		if m := &w.Endpoints[i]; !m.Deactivated {
			of[m.DeviceType] = append(of[m.DeviceType], m.Version)
		}
	}
	current := map[string]string{}
	for kind, versions := range of {
		slices.SortFunc(versions, func(a, b string) int { return slices.Compare(numbers(b), numbers(a)) })
		current[kind] = versions[(len(versions)+modern-1)/modern-1]
	}
	out := map[string]bool{}
	for i := range w.Endpoints {
		m := &w.Endpoints[i]
		out[m.ID] = !m.Deactivated && slices.Compare(numbers(m.Version), numbers(current[m.DeviceType])) < 0
	}
	return out
}

// numbers are the parts of a version.
func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			panic(fmt.Sprintf("the world has a version %q, which has no order", version))
		}
		out = append(out, n)
	}
	return out
}

// drifted tells the active machines with another policy than more than half of the active machines of their group have, or of
// their site where the group has no such policy; and those that nobody manages.
func drifted(w unitytest.Snapshot) map[string]bool {
	votes := map[string]map[string]int{} // by site, and by site and group
	places := func(m *unitytest.EndpointTruth) []string { return []string{m.SiteID + " " + m.GroupID, m.SiteID} }
	for i := range w.Endpoints {
		m := &w.Endpoints[i]
		for _, place := range places(m) {
			if votes[place] == nil {
				votes[place] = map[string]int{}
			}
			if !m.Deactivated {
				votes[place][m.PolicyID]++
			}
		}
	}
	most := func(place string) string {
		all := 0
		for _, n := range votes[place] {
			all += n
		}
		for policy, n := range votes[place] {
			if 2*n > all {
				return policy
			}
		}
		return ""
	}
	names := map[string]string{}
	for _, p := range w.Policies {
		names[p.ID] = folded(p.Name)
	}
	out := map[string]bool{}
	for i := range w.Endpoints {
		m := &w.Endpoints[i]
		usual := ""
		for _, place := range places(m) {
			if usual == "" {
				usual = most(place)
			}
		}
		other := usual != "" && m.PolicyID != usual
		out[m.ID] = !m.Deactivated && (other || !m.Managed || names[m.PolicyID] == unmanagedName)
	}
	return out
}

// differences lists the numbers that are none of those that the world gave at two moments.
func differences(shown, before, after map[string]string) []string {
	var out []string
	for _, name := range tiles() {
		want, ok := before[name]
		switch got, there := shown[name]; {
		case !ok && there:
			out = append(out, fmt.Sprintf("%s: the dashboard says %s", name, got))
		case !ok:
		case !there:
			out = append(out, fmt.Sprintf("%s: the dashboard does not say; it is %s", name, want))
		case got != want && got != after[name]:
			out = append(out, fmt.Sprintf("%s: the dashboard says %s, it is %s", name, got, want))
		}
	}
	return out
}
