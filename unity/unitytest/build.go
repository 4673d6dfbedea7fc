package unitytest

import (
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
)

// build makes the world of a seed. Ids and names depend on the seed alone;
// moments lie before now.
func build(o Options, now time.Time) *world {
	start := now.UTC().Truncate(time.Second).UnixNano()
	r := newRandom(o.Seed, 1)
	w := &world{seed: o.Seed, ids: newRandom(o.Seed, 2), dice: newRandom(o.Seed, 3), speed: o.Speed, within: int64(o.PollWithin),
		gsmKey: r.keycode(), name: pick(r, []string{"Acme MSP", "Bluewater IT", "Northern Lights Managed Services"}),
		created: start - 900*day, end: start + 214*day, byID: map[string]*site{}, byKey: map[string]*site{}, byMachID: map[string]*machine{}}
	w.buildPolicies(r)
	w.buildAdmins()
	w.buildSites(r, o, start)
	sizes := spread(r, o.Endpoints, o.Sites)
	for i, s := range w.sites {
		w.fillSite(r, s, sizes[i], start)
	}
	w.makeHostile(r)
	for _, s := range w.sites {
		w.finishSite(r, s, start)
	}
	if len(w.machines) > 0 {
		// One infection per machine and 400 days: what a quiet fleet sees.
		w.churnGap = w.scaled(max(400*day/int64(len(w.machines)), minute))
		w.churnAt = start + w.churnGap
	}
	return w
}

func (w *world) buildPolicies(r random) {
	for _, p := range [][2]string{{"Recommended Defaults", "Default policy for workstations"},
		{"Recommended Server Defaults", "Default policy for servers"}, {"Silent Audit", "Reports only, does not remediate"},
		{"Unmanaged", "Agent is managed at the machine"}, {"Recommended DNS Enabled", "Recommended settings with DNS Protection"},
		{"Laptops out of office", ""}} {
		w.policies = append(w.policies, &policy{id: r.guid(), name: p[0], description: p[1]})
	}
}

func (w *world) buildAdmins() {
	r := newRandom(w.seed, 4)
	add := func(email, first, last string, level int, reach string) {
		w.admins = append(w.admins, &admin{id: r.guid(), email: email, first: first, last: last, mobile: "0700" + strconv.Itoa(100000+r.IntN(900000)),
			state: "Activated", level: level, msp: true, confirmed: true, reach: reach})
	}
	add("super@acme.example", "Rita", "Vance", levelAdmin, "all")
	add("limited@acme.example", "Tom", "Okafor", levelView, "mixed")
	add("apionly@acme.example", "Api", "Service", levelAdmin, "none")
	add("default@acme.example", "Kim", "Lee", levelAdmin, "all")
	add("renée.müller@acme.example", "Renée", "Müller", levelView, "none")
	w.admins = append(w.admins, &admin{id: r.guid(), email: "new.starter@acme.example", first: "New", last: "Starter", state: "Awaiting",
		level: levelView, msp: true, reach: "none"})
}

// spread divides total over n parts with a long tail: a few large ones, many
// of 5 to 20.
func spread(r random, total, n int) []int {
	sizes := make([]int, n)
	if n == 0 || total == 0 {
		return sizes
	}
	floor := 0
	if total >= n {
		floor = 1
	}
	weights, sum := make([]float64, n), 0.0
	for i := range weights {
		weights[i] = math.Exp(r.NormFloat64() * 0.95)
		sum += weights[i]
	}
	left, rest := total-floor*n, total-floor*n
	for i := range sizes {
		part := int(float64(left) * weights[i] / sum)
		sizes[i] = floor + part
		rest -= part
	}
	for ; rest > 0; rest-- {
		sizes[r.IntN(n)]++
	}
	return sizes
}

func siteName(r random, taken map[string]bool) string {
	for try := 0; ; try++ {
		name := pick(r, placeWords()) + " " + pick(r, tradeWords())
		switch {
		case r.chance(0.035):
			name = pick(r, worldNames())
			if taken[name] {
				name += " " + pick(r, townWords())
			}
		case r.chance(0.06):
			name = pick(r, []string{"O'Brien", "Smith", "Patel", "Novak"}) + " & " + pick(r, []string{"Sons", "Partners", "Daughters"}) + " " + pick(r, tradeWords())
		}
		if try > 3 {
			name += " " + pick(r, townWords())
		}
		if try > 8 {
			name += " " + strconv.Itoa(2+try)
		}
		if !taken[name] {
			taken[name] = true
			return name
		}
	}
}

func (w *world) buildSites(r random, o Options, start int64) {
	taken := map[string]bool{}
	hostile := map[int]string{}
	if o.Sites >= 20 {
		evil := hostileSites()
		hostile[7+r.IntN(o.Sites-8)] = evil[0]
		hostile[6] = evil[1+r.IntN(len(evil)-1)]
	}
	for i := range o.Sites {
		name := siteName(r, taken)
		if bad, ok := hostile[i]; ok {
			name = bad
		}
		s := w.newSite(r, name, start)
		s.created = start - r.between(10*day, 900*day)
		if i < 3 {
			continue // The first sites stay plain, so that small worlds are usable.
		}
		s.trial = r.chance(0.05)
		switch x := r.Float64(); {
		case x < 0.04:
			s.suspended, s.suspendedBy = true, "super@acme.example"
			s.end = start - r.between(day, 100*day) // A suspension expires the key.
		case x < 0.07:
			s.deactivated, s.deactivatedBy = true, "super@acme.example"
		}
		if s.trial && !s.suspended {
			s.end = start + r.between(day, 30*day)
		}
	}
}

// newSite adds a site with its default group to the world.
func (w *world) newSite(r random, name string, now int64) *site {
	slug := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, strings.ToLower(name))
	if len(slug) > 20 {
		slug = slug[:20]
	}
	s := &site{index: len(w.sites), id: r.guid(), name: name, key: r.keycode(), dashedKey: r.chance(0.5), created: now, end: w.end,
		billingCycle: pick(r, []string{"Annually", "Monthly", "Monthly", "Quarterly"}), createdBy: "super@acme.example",
		globalPolicies: r.chance(0.8), overrides: r.chance(0.3), policy: w.policies[0], levels: map[string][]grantedLevel{}}
	switch s.billingCycle {
	case "Monthly":
		s.billingDate = strconv.Itoa(1 + r.IntN(28))
	case "Quarterly":
		s.billingDate = "Feb 01"
	default:
		s.billingDate = "Jan 01"
	}
	if slug != "" && r.chance(0.8) {
		s.emails = "owner@" + slug + ".example"
	}
	if r.chance(0.4) {
		s.comments = "ticket " + strconv.Itoa(100+r.IntN(9000))
	}
	if r.chance(0.25) {
		s.modules = append(s.modules, module{"DNSP", "Full", w.end})
	}
	s.groups = []*group{{id: r.guid(), name: "Default Group", description: "Default", policy: s.policy}}
	w.sites = append(w.sites, s)
	w.byID[s.id], w.byKey[s.key] = s, s
	return s
}

func (w *world) fillSite(r random, s *site, n int, start int64) {
	names := []string{"Servers", "Workstations", "Laptops", "Reception", "Directors"}
	for i := range 1 + r.IntN(5) {
		g := &group{id: r.guid(), name: names[i], description: names[i] + " of the site"}
		if names[i] == "Servers" {
			g.policy = w.policies[1]
		}
		s.groups = append(s.groups, g)
	}
	if r.chance(0.12) {
		s.policies = append(s.policies, &policy{id: r.guid(), name: "Site special", description: "Only this customer", site: s})
	}
	if r.chance(0.3) {
		s.siteAdmins = append(s.siteAdmins, &admin{id: r.guid(), email: "office@" + strconv.Itoa(s.index) + ".customer.example", first: "Office",
			last: "Manager", state: "Activated", level: levelView, confirmed: true, reach: "none"})
	}
	f := siteFacts{public: "203.0." + strconv.Itoa(113+s.index/250%100) + "." + strconv.Itoa(1+s.index%250),
		net: "10." + strconv.Itoa(s.index/200%200) + "." + strconv.Itoa(s.index%200) + ".", domain: "WORKGROUP", machines: n}
	if n > 20 {
		f.domain = strings.ToUpper(strings.Map(func(c rune) rune {
			if c < 128 && c > ' ' && c != '&' {
				return c
			}
			return -1
		}, s.name))
		f.domain = f.domain[:min(len(f.domain), 12)]
	}
	for i := range n {
		w.addMachine(s, w.newMachine(r, s, f, i, start))
	}
	switch x := r.Float64(); { // seats: mostly room to spare, some sites are over
	case x < 0.1:
		s.seats = max(1, n-1-r.IntN(1+n/5))
	case x < 0.3:
		s.seats = max(1, n)
	default:
		s.seats = n + 5 - n%5 + r.IntN(1+n/2)
	}
	s.mobile = r.IntN(3)
	w.seats += s.seats
}

// makeHostile gives 0.3 % of the machines (three at least in a world of 200)
// names that attack whoever shows them.
func (w *world) makeHostile(r random) {
	n := len(w.machines)
	if n < 200 {
		return
	}
	evil := hostileHosts()
	for i := range max(3, n*3/1000) {
		w.machines[r.IntN(n/2)*2].host = evil[i%len(evil)]
	}
	// Three different ones exist in any case, at fixed places.
	for i := range 3 {
		w.machines[n/4*(i+1)|1].host = evil[i]
	}
}

// finishSite adds what needs the final names: threats and past commands.
func (w *world) finishSite(r random, s *site, start int64) {
	s.byHost = nil
	for _, m := range s.machines {
		w.pastThreats(r, m, start)
		w.pastCommands(r, m, start)
	}
	sort.SliceStable(s.commands, func(i, j int) bool { return s.commands[i].requested < s.commands[j].requested })
}

func (w *world) pastThreats(r random, m *machine, start int64) {
	if m.seen == 0 {
		return
	}
	if m.infected {
		for range m.activeThreats {
			kind := pick(r, malware())
			at := max(m.seen-r.between(minute, 20*hour), m.firstSeen)
			m.threats = append(m.threats, w.makeThreat(r, m, kind[0], kind[1], at))
			m.lastInfected = max(m.lastInfected, at)
		}
		if r.chance(0.5) {
			w.schedule(start+w.scaled(r.between(4*hour, 72*hour)), eventHealed, m)
		}
		return
	}
	if !m.everInfected {
		return
	}
	for range 1 + r.IntN(3) {
		kind := pick(r, malware())
		at := max(m.seen-r.between(2*day, 300*day), m.firstSeen)
		m.threats = append(m.threats, w.makeThreat(r, m, kind[0], kind[1], at))
		m.lastInfected = max(m.lastInfected, at)
		m.threatsRemoved++
	}
}

// pastCommands makes up to six months of history: executed ones for machines
// that poll, elapsed and waiting ones for those that do not.
func (w *world) pastCommands(r random, m *machine, start int64) {
	if !r.chance(0.6) || m.seen == 0 {
		return
	}
	for range 1 + r.IntN(3) {
		at := start - r.between(hour, 200*day)
		name := pick(r, []string{"scan", "scan", "scan", "cleanup", "restart"})
		c := &command{machine: m, name: name, requested: at, start: at, end: at + windowLong, visibleAt: at}
		poll := at + r.between(minute, max(m.gap, 2*minute))
		switch {
		case poll <= m.seen:
			c.state, c.executedAt = stateExecuted, poll
		case c.end <= start:
			c.state = stateElapsed
		default:
			c.state = stateWaiting
			m.pending = append(m.pending, c)
		}
		m.commands = append(m.commands, c)
		m.site.commands = append(m.site.commands, c)
	}
	w.runCommands(m, start)
	sort.SliceStable(m.commands, func(i, j int) bool { return m.commands[i].requested < m.commands[j].requested })
}
