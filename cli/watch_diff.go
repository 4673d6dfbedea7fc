package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// watched is a change as `unitty watch` prints it.
type watched struct {
	Time       time.Time
	Kind       string
	EndpointID string `json:"EndpointId"`
	HostName   string
	SiteID     string `json:"SiteId"`
	SiteName   string
	Status     *string
	What       []difference
}

// difference is a value that changed; From and To are empty where nothing was known.
type difference struct{ Field, From, To string }

// Kinds of changes among the machines that are watched.
const (
	watchAppeared = "appeared"
	watchLeft     = "left"
	watchChanged  = "changed"
)

// fact is a value of a machine that is worth a word when it changes. Same values have the same key.
type fact struct {
	name, key, text string
	// reported tells that it takes the agent's report.
	reported bool
}

// factsOf are the facts of a machine at a moment. When it was seen last is none of them: that changes all the time.
func factsOf(r picture.Row, now time.Time, staleAfter time.Duration) []fact {
	status, known := r.State(now, staleAfter)
	if !known {
		status = ""
	}
	of := func(name, value string) fact { return fact{name: name, key: value, text: value} }
	reported := func(name, value string) fact { return fact{name: name, key: value, text: value, reported: true} }
	return []fact{
		reported("Status", status), of("HostName", r.HostName().Raw()),
		{name: "SiteName", key: string(r.SiteID()), text: r.SiteName().Raw()},
		// A name that is learned only later is no change.
		{name: "GroupName", key: string(r.GroupID()), text: r.GroupLabel()}, {name: "PolicyName", key: string(r.PolicyID()), text: r.PolicyLabel()},
		reported("CurrentUser", r.User()), reported("IPAddress", r.IPs()), reported("MACAddress", r.MAC()), reported("OS", r.OS()),
		reported("AgentVersion", r.Version()),
	}
}

// differ compares pictures as to the machines that a query chooses.
type differ struct {
	query      *picture.Query
	staleAfter time.Duration

	last map[unity.EndpointID]picture.Row
	pic  *picture.Picture
	at   time.Time
}

// next gives what changed since the picture before, site by site and host by host; nothing for the first one.
func (d *differ) next(ctx context.Context, p *picture.Picture, now time.Time) []watched {
	set := p.Select(ctx, d.query, now)
	if ctx.Err() != nil {
		return nil
	}
	chosen := make(map[unity.EndpointID]picture.Row, set.Len())
	for row := range set.Rows() {
		if row.ID() != "" {
			chosen[row.ID()] = row
		}
	}
	var out []watched
	if d.pic != nil {
		for id, row := range chosen {
			if w, ok := d.came(id, row, now); ok {
				out = append(out, w)
			}
		}
		for id, row := range d.last {
			if _, still := chosen[id]; !still {
				out = append(out, d.went(p, id, row, now))
			}
		}
	}
	d.last, d.pic, d.at = chosen, p, now
	slices.SortFunc(out, func(a, b watched) int {
		for _, pair := range [][2]string{{unity.Fold(a.SiteName), unity.Fold(b.SiteName)}, {unity.Fold(a.HostName), unity.Fold(b.HostName)}, {a.EndpointID, b.EndpointID}} {
			if c := strings.Compare(pair[0], pair[1]); c != 0 {
				return c
			}
		}
		return 0
	})
	return out
}

// came compares a machine that is chosen now with what was known of it.
func (d *differ) came(id unity.EndpointID, row picture.Row, now time.Time) (watched, bool) {
	was, matched := d.last[id]
	if matched {
		what := d.differences(was, row, now)
		return d.line(watchChanged, row, now, what), len(what) > 0
	}
	was, there := d.pic.Get(id)
	if !there {
		// The machines of a site that is read for the first time were there before.
		return d.line(watchAppeared, row, now, []difference{{"Endpoint", "absent", "present"}}), d.whole(row.SiteID())
	}
	what := d.differences(was, row, now)
	// What nobody could decide on before did not change by that.
	learned := len(what) == 0 && d.query.Plan().Eval(was, d.at) == selector.Unknown
	return d.line(watchAppeared, row, now, what), !learned
}

// whole tells whether the picture before had all machines of a site, or the site was not there at all.
func (d *differ) whole(site unity.SiteID) bool {
	if slices.ContainsFunc(d.pic.Failed, func(e fleet.SiteError) bool { return e.Site == site }) {
		return false
	}
	s := siteOf(d.pic.Sites, site)
	return s == nil || !s.Visible() || d.pic.Chunk(site) != nil
}

// went tells why a machine is not chosen any more.
func (d *differ) went(p *picture.Picture, id unity.EndpointID, was picture.Row, now time.Time) watched {
	row, there := p.Get(id)
	if !there {
		return d.line(watchLeft, was, now, []difference{{"Endpoint", "present", "absent"}})
	}
	return d.line(watchLeft, row, now, d.differences(was, row, now))
}

// differences compares a machine as it was in the picture before with how it is. What a first report tells was so before it was
// known, unless the console itself has noted an infection since.
func (d *differ) differences(was, row picture.Row, now time.Time) []difference {
	out := []difference{}
	before, after := factsOf(was, d.at, d.staleAfter), factsOf(row, now, d.staleAfter)
	learned := !was.Joined() && row.Joined() && !row.LastInfected().After(was.LastInfected().Time)
	for i := range after {
		if learned && after[i].reported && before[i].key != fleet.StateGone {
			continue
		}
		if before[i].key != after[i].key {
			out = append(out, difference{after[i].name, before[i].text, after[i].text})
		}
	}
	return out
}

func (d *differ) line(kind string, row picture.Row, now time.Time, what []difference) watched {
	w := watched{Time: now.UTC().Truncate(time.Second), Kind: kind, EndpointID: string(row.ID()), HostName: row.HostName().Raw(),
		SiteID: string(row.SiteID()), SiteName: row.SiteName().Raw(), What: what}
	if status, known := row.State(now, d.staleAfter); known {
		w.Status = &status
	}
	return w
}

// printWatched prints a change at once: as JSON, or as a line for people in local time.
func (a *app) printWatched(w *watched) error {
	if a.flags.output == "ndjson" || a.flags.jq != "" {
		return a.printValue(w)
	}
	parts := make([]string, 0, len(w.What))
	for _, d := range w.What {
		parts = append(parts, fmt.Sprintf("%s %s → %s", d.Field, firstOf(d.From, "unknown"), firstOf(d.To, "unknown")))
	}
	name := firstOf(unity.Clean(w.HostName), w.EndpointID)
	_, err := fmt.Fprintf(a.out, "%s  %-8s  %-20s  %-20s  %s\n", w.Time.Local().Format(time.DateTime), w.Kind, name, unity.Clean(w.SiteName), unity.Clean(strings.Join(parts, ", ")))
	return err
}
