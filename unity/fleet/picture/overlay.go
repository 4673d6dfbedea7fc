package picture

import (
	"maps"
	"unique"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// retold is the chunk with the reports of those numbers; what the console says is shared with it. See Pairs.Chunk.
func (c *Chunk) retold(found []int32, reports *Reports, since ticks, note string) *Chunk {
	if !c.changes(found, since, note) {
		return c
	}
	rows := make([]news, c.n)
	out := &Chunk{site: c.site, foldedSite: c.foldedSite, foldedKey: c.foldedKey, n: c.n, readAt: c.readAt, own: c.own, heard: &heard{},
		flags: make([]flag, c.n), odd: maps.Clone(c.odd)}
	none := unique.Make("")
	silent := news{client: none, os: none, device: none, public: none, note: unique.Make(note)}
	for i := range rows {
		out.flags[i] = c.flags[i]
		switch r := found[i]; {
		case r != fleet.None:
			row := reports.row(int(r))
			rows[i] = row.news()
			out.flags[i] = c.flags[i]&^(ofReport|odd) | row.c.flags[row.i]&ofReport
			out.takeOdd(i, row)
		case c.stays(i, since):
			rows[i] = c.Row(i).news()
		default:
			rows[i] = silent
			out.flags[i] &^= ofReport | odd
			out.takeOdd(i, Row{})
		}
	}
	out.packHeard(func(i int) *news { return &rows[i] })
	out.packFolded()
	return out
}

// changes tells whether retold makes another chunk.
func (c *Chunk) changes(found []int32, since ticks, note string) bool {
	for i, r := range found {
		if r != fleet.None || !c.stays(i, since) && (c.flags[i]&joined != 0 || c.note.at(i) != note) {
			return true
		}
	}
	return false
}

// stays tells that a row keeps what is known of its agent where no list of reports has one for it: a report as new as since,
// and whatever asking for the machine itself gave, which lists cannot tell.
func (c *Chunk) stays(i int, since ticks) bool {
	return c.flags[i]&asked != 0 || c.flags[i]&joined != 0 && c.statusAt.at(i) >= since
}

// takeOdd replaces the unreadable instants of a row's report by those of another row; the zero Row has none.
func (c *Chunk) takeOdd(i int, from Row) {
	for _, which := range []instant{reportSeen, lastScan} {
		delete(c.odd, oddKey{u32(i), which})
		if !from.Valid() || !from.has(odd) {
			continue
		}
		if raw := from.c.odd[oddKey{u32(from.Index()), which}]; raw != nil {
			c.keepOdd(i, map[instant][]byte{which: raw})
		}
	}
	for _, which := range []instant{firstSeen, lastSeen, lastInfected} {
		if c.odd[oddKey{u32(i), which}] != nil {
			c.flags[i] |= odd
		}
	}
}

// Named is the chunk with these names at the groups that have none; all else is shared with it. The same chunk comes back
// where nothing is new.
func (c *Chunk) Named(groups map[unity.GroupID]unity.Text) *Chunk {
	dict, changed := named(c.group.dict, func(id string) unity.Text { return groups[unity.GroupID(id)] })
	if !changed {
		return c
	}
	o := *c.own
	o.group.dict = dict
	return c.owning(&o)
}

// PoliciesNamed is Named for policies.
func (c *Chunk) PoliciesNamed(policies map[unity.PolicyID]unity.Text) *Chunk {
	dict, changed := named(c.policy.dict, func(id string) unity.Text { return policies[unity.PolicyID(id)] })
	if !changed {
		return c
	}
	o := *c.own
	o.policy.dict = dict
	return c.owning(&o)
}

// named gives labels with names at those that have none, and tells whether there is a new one.
func named(labels []label, nameOf func(id string) unity.Text) (out []label, changed bool) {
	out = make([]label, len(labels))
	for i, l := range labels {
		if name := nameOf(l.id.Value()); !l.named() && !name.Empty() {
			l.given, changed = unique.Make(name.Raw()), true
		}
		out[i] = l
	}
	return out, changed
}

// NamelessPolicies are the policies of machines that have no name.
func (c *Chunk) NamelessPolicies() (out []unity.PolicyID) {
	for _, l := range c.policy.dict {
		if l.id.Value() != "" && !l.named() {
			out = append(out, unity.PolicyID(l.id.Value()))
		}
	}
	return out
}

// owning is the chunk with another account of what the console says.
func (c *Chunk) owning(o *own) *Chunk {
	return &Chunk{site: c.site, foldedSite: c.foldedSite, foldedKey: c.foldedKey, n: c.n, readAt: c.readAt, own: o, heard: c.heard,
		flags: c.flags, isJoined: c.isJoined, odd: c.odd}
}

// Nameless tells whether a machine is in a group that has no name, of those that are not among the known ones.
func (c *Chunk) Nameless(known map[unity.GroupID]unity.Text) bool {
	if c == nil {
		return false
	}
	for _, l := range c.group.dict {
		if _, ok := known[unity.GroupID(l.id.Value())]; !ok && l.id.Value() != "" && !l.named() {
			return true
		}
	}
	return false
}
