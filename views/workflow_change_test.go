package views_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
)

// tailed is a machine that the last five letters of its name tell from all others.
func (b *bench) tailed() (unitytest.EndpointTruth, string) {
	b.t.Helper()
	m, tail := uniqueTail(b.sim.World(), 5)
	if tail == "" {
		b.t.Fatal("the world has no machine with a tail of its own")
	}
	return m, tail
}

// only fails unless exactly one command was sent, to exactly that machine.
func (b *bench) only(command, id string) {
	b.t.Helper()
	if got := b.sent(); len(got) != 1 || len(got[0]) != 2 || got[0][0] != command || got[0][1] != id {
		b.t.Fatalf("meant was %s to %s, the server got %v\n%s", command, id, got, b.Screen())
	}
}

func walkScan(b *bench) {
	m, tail := b.tailed()
	b.press("f")
	b.typed(tail)
	b.press("enter", "s", "y")
	b.only("scan", m.ID)
}

func walkIsolate(b *bench) {
	m, tail := b.tailed()
	b.press("f")
	b.typed(tail)
	b.press("enter", "i", "y")
	b.only("sysisolate", m.ID)
	if err := b.sim.Poll(m.ID); err != nil {
		b.t.Fatal(err)
	}
	if !b.now(m.ID).Isolated {
		b.t.Fatal("the machine polled and is not isolated")
	}
}

func walkUnseen(b *bench) {
	w := b.sim.World()
	unseen := func(e unitytest.EndpointTruth) bool { return !e.Deactivated && w.Now.Sub(e.LastSeen) > 60*24*time.Hour }
	var meant map[string]bool
	for _, s := range w.Sites {
		at := machines(w, func(e unitytest.EndpointTruth) bool { return e.SiteID == s.ID && unseen(e) })
		if len(at) >= 2 && !s.Deactivated && !s.Suspended {
			meant = at
			b.atSite(s.ID)
			break
		}
	}
	if meant == nil {
		b.t.Fatal("the world has no site with two machines that were not seen for 60 days")
	}
	b.press("enter", "/")
	b.typed("se")
	b.press("tab")
	b.typed(">60d")
	b.press("enter", "a", "D")
	b.want("number of machines")
	b.Advance(time.Second)
	b.typed(strconv.Itoa(len(meant)))
	b.press("enter")
	if got := b.posts("deactivate"); !slices.Equal(got, slices.Sorted(maps.Keys(meant))) {
		b.t.Fatalf("deactivated were %v, meant %v\n%s", got, meant, b.Screen())
	}
	before := map[string]bool{}
	for _, e := range w.Endpoints {
		before[e.ID] = e.Deactivated
	}
	for _, e := range b.sim.World().Endpoints {
		if e.Deactivated != (before[e.ID] || meant[e.ID]) {
			b.t.Errorf("%s is deactivated: %v", e.ID, e.Deactivated)
		}
	}
}

func walkMove(b *bench) {
	w := b.sim.World()
	var m unitytest.EndpointTruth
	var to unitytest.GroupTruth
	for _, s := range w.Sites {
		for _, e := range w.Endpoints {
			for _, g := range s.Groups {
				if e.SiteID == s.ID && !s.Suspended && !s.Deactivated && !e.Deactivated && g.Name == "Workstations" && e.GroupID != g.ID {
					m, to = e, g
				}
			}
		}
	}
	if m.ID == "" {
		b.t.Fatal("the world has no machine outside the group Workstations")
	}
	policy := ""
	for _, p := range w.Policies {
		if p.Name == "Silent Audit" {
			policy = p.ID
		}
	}
	b.atMachine(m.ID)
	b.press("space", "m")
	b.typed("w")
	b.press("enter", "enter", "y", "p")
	b.typed("si")
	b.press("enter", "y")
	now := b.now(m.ID)
	if now.GroupID != to.ID || now.PolicyID != policy {
		b.t.Fatalf("the group is %s, want %s; the policy %s, want %s\n%s", now.GroupID, to.ID, now.PolicyID, policy, b.Screen())
	}
	if got := b.changes(); len(got) != 2 {
		b.t.Fatalf("the server got %v", got)
	}
}

func walkNewSite(b *bench) {
	before := len(b.sim.World().Sites)
	b.press("n")
	fields := []string{"Quay & Sons", "12", "ticket 881", "ops@quay.example"}
	for i, text := range fields {
		b.names += len(text)
		b.Type(text)
		if i < len(fields)-1 {
			b.press("tab")
		}
	}
	b.press("shift+tab", "shift+tab", "shift+tab", "shift+tab", "enter", "y", "y") // round to the button; confirm; copy
	sites := b.sim.World().Sites
	if len(sites) != before+1 {
		b.t.Fatalf("%d sites were made: %v\n%s", len(sites)-before, b.changes(), b.Screen())
	}
	made := sites[before]
	if made.Name != fields[0] || made.Seats != 12 || made.Comments != fields[2] || made.Emails != fields[3] {
		b.t.Errorf("made was %+v", made)
	}
	if got := strings.ReplaceAll(b.Clipboard(), "-", ""); got != made.Keycode {
		b.t.Fatalf("y copied %q, the keycode is %s\n%s", got, made.Keycode, b.Screen())
	}
}

func walkSuspend(b *bench) {
	s := b.plainSite()
	b.press("S")
	b.named(s.Name)
	b.press("enter")
	if !b.site(s.ID).Suspended {
		b.t.Fatalf("not suspended:\n%s", b.Screen())
	}
	b.press("S", "y")
	if b.site(s.ID).Suspended {
		b.t.Fatalf("not resumed:\n%s", b.Screen())
	}
	if got := b.changes(); len(got) != 2 {
		b.t.Fatalf("the server got %v", got)
	}
}

// walkElapsed sends a scan and leaves; a month later, in another session, what elapsed is sent again.
func walkElapsed(b *bench) {
	m, tail := b.tailed()
	if err := b.sim.StopPolling(m.ID); err != nil {
		b.t.Fatal(err)
	}
	b.Press("f")
	b.Type(tail)
	b.Press("enter", "s")
	b.Settle()
	b.Press("y")
	b.Settle()
	b.only("scan", m.ID)
	if err := b.Root.Close(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.sim.Advance(31 * 24 * time.Hour)
	b.sim.ResetLog()
	next := session(b.t, b.sim, b.at, b.jobs, 80, 24)
	next.press("J")
	next.untilElapsed()
	next.Advance(5 * time.Second) // the open panel is read again every few seconds
	if !next.WaitFor("elapsed") {
		b.t.Fatalf("the job does not tell that its command elapsed:\n%s", next.Screen())
	}
	next.press("E", "y")
	next.only("scan", m.ID)
	waiting := 0
	for _, c := range b.sim.World().Commands {
		if c.EndpointID == m.ID && c.Name == "scan" && unity.CommandState(c.State).Open() {
			waiting++
		}
	}
	if waiting != 1 {
		b.t.Fatalf("%d scans wait for the machine", waiting)
	}
	b.keys = next.keys
}

// untilElapsed waits until it is written down that a command elapsed.
func (b *bench) untilElapsed() {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(b.Patience)
	for {
		list, err := b.env.PastJobs(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		if len(list) > 0 && list[0].Elapsed > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			b.t.Fatalf("nobody has seen that the command elapsed:\n%s", b.Screen())
		}
	}
}

func walkRebill(b *bench) {
	w := b.sim.World()
	meant := machines(w, func(e unitytest.EndpointTruth) bool { return e.Deactivated && w.Now.Sub(e.LastSeen) <= 30*24*time.Hour })
	if len(meant) < 2 {
		b.t.Fatalf("the world has %d machines that are deactivated and still seen", len(meant))
	}
	b.press("4", "a", ":")
	b.typed("again")
	b.press("enter")
	b.want("step 2 of 2", "number of machines")
	b.named(strconv.Itoa(len(meant)))
	b.press("enter")
	want := slices.Sorted(maps.Keys(meant))
	if got := b.posts("reactivate"); !slices.Equal(got, want) {
		b.t.Fatalf("reactivated were %v, meant %v\n%s", got, want, b.Screen())
	}
	if got := b.posts("deactivate"); !slices.Equal(got, want) {
		b.t.Fatalf("deactivated again were %v, meant %v\n%s", got, want, b.Screen())
	}
	for _, e := range b.sim.World().Endpoints {
		if meant[e.ID] && !e.Deactivated {
			b.t.Errorf("%s was left active", e.ID)
		}
	}
}

func walkChangeKeycode(b *bench) {
	w := b.sim.World()
	m, _ := b.tailed()
	var to unitytest.SiteTruth
	for _, s := range w.Sites {
		if s.ID == m.SiteID || s.Deactivated || s.Suspended || len(s.Name) < 5 || !plainName(s.Name) {
			continue
		}
		alike := 0
		for _, o := range w.Sites {
			if strings.Contains(strings.ToLower(o.Name), strings.ToLower(s.Name[:5])) {
				alike++
			}
		}
		if alike == 1 {
			to = s
		}
	}
	if to.ID == "" {
		b.t.Fatal("no site has five letters of its own")
	}
	b.atMachine(m.ID)
	b.press("K")
	b.typed(to.Name[:5])
	b.press("enter")
	b.named(m.HostName)
	b.press("enter")
	b.only("changekeycode", m.ID)
	if err := b.sim.Poll(m.ID); err != nil {
		b.t.Fatal(err)
	}
	if got := b.now(m.ID).SiteID; got != to.ID {
		b.t.Fatalf("the machine is at %s, want %s", got, to.ID)
	}
}

func walkTrial(b *bench) {
	var trial unitytest.SiteTruth
	for _, s := range b.sim.World().Sites {
		if s.Trial && !s.Suspended && !s.Deactivated && plainName(s.Name) {
			trial = s
		}
	}
	if trial.ID == "" {
		b.t.Fatal("the world has no trial")
	}
	b.press("/")
	b.typed("tr")
	b.press("tab")
	b.typed("yes")
	b.press("enter")
	// The list has all trials; which of them it is to be is the person's choice.
	b.Press("/")
	b.Type(" id:" + trial.ID)
	b.Press("enter")
	b.Settle()
	b.press(":")
	b.typed("conv")
	b.press("enter")
	b.named(trial.Name)
	b.press("enter")
	if b.site(trial.ID).Trial {
		b.t.Fatalf("still a trial: %v\n%s", b.changes(), b.Screen())
	}
	if got := b.changes(); len(got) != 1 {
		b.t.Fatalf("the server got %v", got)
	}
}

// walkDuplicates deactivates the older records of machines that have several.
func walkDuplicates(b *bench) {
	meant := olderRecords(b.sim.World())
	if len(meant) < 2 {
		b.t.Fatalf("this world has %d older records", len(meant))
	}
	b.press("5")
	// Reports do not say whose they are, so machines of one name are asked for while one looks. The list takes in what is known by
	// then as its clock moves on.
	if !b.Until(func() bool {
		b.Elapse(10 * time.Second)
		older, rows := b.replaced()
		return maps.Equal(older, meant) && b.Has(strconv.Itoa(rows)+" rows")
	}) {
		older, rows := b.replaced()
		b.t.Fatalf("%d records in %d rows are found to be older, they are %d:\n%s", len(older), rows, len(meant), b.Screen())
	}
	b.press("a", "X")
	b.named(strconv.Itoa(len(meant)))
	b.press("enter")
	if got := b.posts("deactivate"); !slices.Equal(got, slices.Sorted(maps.Keys(meant))) {
		b.t.Fatalf("deactivated were %v, meant %v\n%s", got, meant, b.Screen())
	}
}

// replaced are the records that the picture takes for older ones of a machine, and how many records such machines have in all.
func (b *bench) replaced() (older map[string]bool, records int) {
	d := b.env.Fleet.Current().Duplicates(b.t.Context())
	older = map[string]bool{}
	for _, machine := range d.Groups {
		records += len(machine)
		for _, r := range machine {
			if d.Standing(r) == picture.RecordOlder {
				older[string(r.ID())] = true
			}
		}
	}
	return older, records
}

// olderRecords are the active records that a newer active one of the same machine has replaced.
func olderRecords(w unitytest.Snapshot) map[string]bool {
	type same struct{ site, host, mac string }
	newest := map[same]time.Time{}
	key := func(e unitytest.EndpointTruth) same { return same{e.SiteID, unity.Fold(e.HostName), e.MAC} }
	for _, e := range w.Endpoints {
		if k := key(e); !e.Deactivated && e.LastSeen.After(newest[k]) {
			newest[k] = e.LastSeen
		}
	}
	return machines(w, func(e unitytest.EndpointTruth) bool { return !e.Deactivated && e.LastSeen.Before(newest[key(e)]) })
}
