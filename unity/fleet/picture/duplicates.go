package picture

import (
	"cmp"
	"context"
	"slices"

	"github.com/unitty/unitty/unity/fleet"
)

// DuplicateGroups are records that are one machine: the same machine id, or the same folded host name with the same MAC
// address. A machine of which one record at most is active is nobody's work, so it is not among them.
type DuplicateGroups struct {
	// Groups are the records of each machine, the active ones first, of these and of the others the newest first; the groups
	// go by host name.
	Groups [][]Row
	// OpenNames is how many host names several active records of one site have, of which nobody knows whether they are one
	// machine, since one of them at least has no report that tells its MAC address. OpenRecords is how many such records are in
	// no group.
	OpenNames, OpenRecords int

	group map[Row]int
}

// Standing is what a record is among those of its machine.
type Standing string

// Standings.
const (
	// RecordKeep is the newest active record. Records that were seen last at the same moment as the newest are none of them older,
	// so all of them are to keep.
	RecordKeep Standing = "keep"
	// RecordOlder is an active record that a newer active one has replaced.
	RecordOlder Standing = "older"
	// RecordOff is a deactivated record, however new.
	RecordOff Standing = "off"
)

// Standing tells what a record is among those of its machine; "" for a row that is nobody's duplicate.
func (d *DuplicateGroups) Standing(r Row) Standing {
	g, ok := d.group[r]
	if !ok {
		return ""
	}
	switch first := d.Groups[g][0]; {
	case r.Deactivated() == first.Deactivated() && r.c.seen(int(r.i)) == first.c.seen(int(first.i)):
		return RecordKeep
	case r.Deactivated():
		return RecordOff
	default:
		return RecordOlder
	}
}

// Group is the number of a row's group in Groups; false when the row is nobody's duplicate.
func (d *DuplicateGroups) Group(r Row) (int, bool) {
	g, ok := d.group[r]
	return g, ok
}

// Duplicates finds the machines that have several active records in the console, and their deactivated ones. A cancelled
// context gives none.
func (p *Picture) Duplicates(ctx context.Context) *DuplicateGroups {
	type hostMAC struct{ host, mac string }
	same := kinship{}
	byID, named := make(map[fleet.MachineKey]Row, p.rows), make(map[hostMAC]Row, p.rows)
	for _, c := range p.chunks {
		if ctx.Err() != nil {
			return &DuplicateGroups{}
		}
		for i := range c.n {
			r := c.Row(i)
			if key, known := r.MachineKey(); known && key != (fleet.MachineKey{}) {
				meet(byID, key, r, same)
			}
			if key := (hostMAC{c.fHost.at(i), c.fMAC.at(i)}); key.host != "" && key.mac != "" {
				meet(named, key, r, same)
			}
		}
	}
	d := &DuplicateGroups{Groups: same.groups(), group: map[Row]int{}}
	for i, g := range d.Groups {
		for _, r := range g {
			d.group[r] = i
		}
	}
	for _, c := range p.chunks {
		if ctx.Err() != nil {
			break
		}
		d.open(c)
	}
	return d
}

// open counts what is not known of a site's namesakes.
func (d *DuplicateGroups) open(c *Chunk) {
	first, more := map[string]int{}, map[string][]Row{}
	for i, f := range c.flags {
		host := c.fHost.at(i)
		if f&deactivated != 0 || host == "" {
			continue
		}
		other, met := first[host]
		switch {
		case !met:
			first[host] = i
			continue
		case len(more[host]) == 0:
			more[host] = []Row{c.Row(other)}
		}
		more[host] = append(more[host], c.Row(i))
	}
	for _, rows := range more {
		if !d.undecided(rows) {
			continue
		}
		d.OpenNames++
		for _, r := range rows {
			if _, ok := d.group[r]; !ok {
				d.OpenRecords++
			}
		}
	}
}

// undecided tells that records of one host name may be of one machine, as far as is known, and are not known to be.
func (d *DuplicateGroups) undecided(rows []Row) bool {
	mute, together := false, true
	for _, r := range rows {
		mute = mute || r.c.fMAC.at(int(r.i)) == ""
		g, ok := d.group[r]
		together = together && ok && g == d.group[rows[0]]
	}
	return mute && !together
}

// meet makes a row kin to the first one that had the key.
func meet[K comparable](first map[K]Row, key K, r Row, same kinship) {
	if other, ok := first[key]; ok {
		same.join(other, r)
		return
	}
	first[key] = r
}

// kinship says which rows belong together: each but the first of a family points to another one of it.
type kinship map[Row]Row

func (k kinship) root(r Row) Row {
	top := r
	for up, ok := k[top]; ok; up, ok = k[top] {
		top = up
	}
	for r != top { // the way is shorter next time
		r, k[r] = k[r], top
	}
	return top
}

func (k kinship) join(a, b Row) {
	if a, b = k.root(a), k.root(b); a != b {
		k[b] = a
	}
}

// groups are the families with several active records.
func (k kinship) groups() [][]Row {
	families := map[Row][]Row{}
	for r := range k {
		top := k.root(r)
		families[top] = append(families[top], r)
	}
	out := make([][]Row, 0, len(families))
	for top, rest := range families {
		all := append(rest, top)
		slices.SortFunc(all, bestFirst)
		if !all[1].Deactivated() {
			out = append(out, all)
		}
	}
	slices.SortFunc(out, func(a, b []Row) int { return byName(a[0], b[0]) })
	return out
}

// bestFirst puts active records first, and of equals the one that was seen last.
func bestFirst(a, b Row) int {
	gone := func(r Row) int { return int(r.c.flags[r.i] & deactivated) }
	if d := cmp.Or(cmp.Compare(gone(a), gone(b)), cmp.Compare(b.c.seen(int(b.i)), a.c.seen(int(a.i)))); d != 0 {
		return d
	}
	return byName(a, b)
}

func (p *Picture) duplicateSet(ctx context.Context) *Set {
	d := p.Duplicates(ctx)
	s := newSet(p)
	s.count, s.LeftOut = len(d.group), d.OpenRecords
	for r := range d.group {
		s.of(r.c).set(int(r.i))
	}
	return s
}
