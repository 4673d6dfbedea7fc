package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// listHelp says what `endpoint list` reads, and what stands in its JSON.
const listHelp = `Lists the endpoints of all sites, or of --site or --group, or of those sites that --where leaves by site: and keycode:. Everything
is read from the server; a site that does not answer is named on standard error, and the exit code is 4.

--cached answers from the snapshot on disk instead, without any call, and says on standard error how old it is and which
sites are partial. The full-screen console, "unitty watch" and commands that name machines keep the snapshot. Its JSON has
EndpointId, HostName, FirstSeen, LastSeen, LastInfected, AgentVersion, Deactivated, GroupId, GroupName, PolicyId and
PolicyName where they are known; SiteId, SiteName, SeenDays and Status, or StatusNote where the status is not known;
CurrentUser, IPV4, IPAddress, MACAddress, OS and DeviceType where the agent's report is known; and ReadAt, when the endpoint
was read. Whatever else the server sends, MachineId too, is in the fresh list only.`

// listCached lists endpoints of the picture on disk.
func (a *app) listCached(ctx context.Context, sess *session, k *kept, sel selection) error {
	staleAfter := sess.settings.StaleAfter
	query, err := sess.grammar(k.missing).Compile(sel.where)
	if err != nil {
		return err
	}
	within, err := k.scope(sel.site, sel.group)
	if err != nil {
		return err
	}
	set := k.pic.Select(ctx, query, sess.client.Now())
	if err := ctx.Err(); err != nil {
		return err
	}
	var machines []*fleet.Machine
	for row := range set.Rows() {
		if within(row) {
			machines = append(machines, row.Machine(staleAfter))
		}
	}
	bySiteAndHost(machines)
	columns := sess.env().MachineColumns()
	inOrder(&sess.settings.config, query.Plan().Views(), columns, machines, func(i int) *fleet.Machine { return machines[i] })
	p, err := newPrinter(a, columns, keptJSON(sess.client.Now))
	if err != nil {
		return err
	}
	for _, m := range machines {
		if err := p.add(m); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	f := k.fleet(nil)
	if sel.site != "" {
		f.Failed, f.Hidden = k.failedAt(sel.site), 0
	}
	return a.remarks(f, set.LeftOut)
}

// scope tells which machines are of a site, and of a group of it; names that are empty mean all.
func (k *kept) scope(site, group string) (func(picture.Row) bool, error) {
	if site == "" {
		if group == "" {
			return func(picture.Row) bool { return true }, nil
		}
		return k.withinGroup(k.pic.Chunks(), group)
	}
	s, err := fleet.FindSite(k.pic.Sites, site)
	if err != nil {
		return nil, err
	}
	if !s.Visible() {
		return nil, fmt.Errorf("%w: this user has no access to %s", unity.ErrDenied, s.Name)
	}
	if group == "" {
		return func(r picture.Row) bool { return r.SiteID() == s.ID }, nil
	}
	return k.withinGroup([]*picture.Chunk{k.pic.Chunk(s.ID)}, group)
}

// withinGroup tells which machines are of a group of some sites. The picture has the groups that have machines; an empty one has
// none to list.
func (k *kept) withinGroup(chunks []*picture.Chunk, name string) (func(picture.Row) bool, error) {
	var groups []unity.Group
	seen, nameless := map[unity.GroupID]bool{}, 0
	for _, c := range chunks {
		for i := range c.Len() {
			row := c.Row(i)
			if id := row.GroupID(); id != "" && !seen[id] {
				seen[id] = true
				groups = append(groups, unity.Group{ID: id, Name: row.Group()})
				if row.Group().Empty() {
					nameless++
				}
			}
		}
	}
	g, err := fleet.FindGroup(groups, name)
	var missing *fleet.NotFoundError
	switch {
	case errors.As(err, &missing) && nameless > 0 && !unity.IsGUID(strings.TrimSpace(name)):
		return nil, usagef("the snapshot does not have the names of all groups: give the group's id, or leave --cached out")
	case err != nil:
		return nil, err
	}
	return func(r picture.Row) bool { return r.GroupID() == g.ID }, nil
}

// failedAt gives what could not be read of a site that exists.
func (k *kept) failedAt(name string) []fleet.SiteError {
	s, err := fleet.FindSite(k.pic.Sites, name)
	if err != nil {
		return nil
	}
	var out []fleet.SiteError
	for _, e := range k.pic.Failed {
		if e.Site == s.ID {
			out = append(out, e)
		}
	}
	return out
}

// find searches the picture as a fleet is searched.
func (k *kept) find(ctx context.Context, text string, limit int, staleAfter time.Duration) []fleet.Hit {
	var out []fleet.Hit
	for _, h := range k.pic.Find(ctx, text, limit) {
		hit := fleet.Hit{Site: h.Site, Field: h.Field, Score: h.Score}
		if h.Row.Valid() {
			hit.Machine = h.Row.Machine(staleAfter)
		}
		out = append(out, hit)
	}
	return out
}
