package views

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// knowledge is how much of the console a picture knows. A number of which nobody can be certain yet never stands there like one
// that is certain: that nobody is infected is what people go home by.
type knowledge struct {
	// blank tells that nothing was read yet, reading that machines of some sites were not, awaited that the agents' reports
	// were not read to the end.
	blank, reading, awaited bool
	// part tells that a site, or a part of the list of sites, could not be read, closed that the user may not read the machines of
	// some sites.
	part, closed bool
}

func knowledgeOf(p *picture.Picture) knowledge {
	k := knowledge{blank: blank(p), awaited: p.StatusAt.IsZero() && p.StatusErr == nil, part: len(p.Failed) > 0, closed: p.Hidden > 0}
	failed := make(map[string]bool, len(p.Failed))
	for _, f := range p.Failed {
		failed[string(f.Site)] = true
	}
	for i := range p.Sites {
		if s := &p.Sites[i]; s.Visible() && !failed[string(s.ID)] && p.Chunk(s.ID) == nil {
			k.reading = true
			break
		}
	}
	return k
}

// known is a number with what is known of it.
type known struct {
	n int
	// none tells that nothing is known, more that the number may be another one, as far as is known.
	none, more bool
}

// sites is a number that the list of sites gives.
func (k *knowledge) sites(n int) known { return known{n: n, none: k.blank, more: k.part} }

// machines is a number that the records of the machines give.
func (k *knowledge) machines(n int) known {
	return known{n: n, none: k.blank || n == 0 && k.reading, more: k.reading || k.part || k.closed}
}

// reported is a number that takes the agents' reports, of which so many of the machines in question have none.
func (k *knowledge) reported(n, leftOut, of int) known {
	out := k.machines(n)
	out.none = out.none || n == 0 && (k.awaited || leftOut > 0 && leftOut >= of && of > 0)
	out.more = out.more || k.awaited || leftOut > 0
	return out
}

// silent is the number of machines without a report, of which nothing is known before the reports were read.
func (k *knowledge) silent(n int) known {
	out := k.machines(n)
	out.none = out.none || k.awaited
	return out
}

// unevenAfter is by how much longer ago than the server told last what is new a site may have been read without that being said.
const unevenAfter = time.Hour

// oldest says how old the oldest of the machines are, "" where that is hardly older than what is new. Nothing is known to have
// changed at their sites; but that a machine got another name, group or policy is something the server does not always tell.
func (e *Env) oldest(p *picture.Picture) string {
	at := p.Oldest()
	if at.IsZero() || e.checkedAt(p).Sub(at) < unevenAfter {
		return ""
	}
	return "oldest site read " + ago(at, e.now())
}

// rereadTitle is what reading everything again is called.
const rereadTitle = "sync all sites"

// rereadCommand reads everything again, for whoever wants to be certain.
func (e *Env) rereadCommand() ui.Command {
	return ui.Command{Spec: ui.Spec{ID: "fleet.reread", Title: rereadTitle,
		Help: "Reads all sites, machines and reports anew; reloading a list reads what is known to have changed."},
		Ready: e.needsFleet, Do: func() tea.Cmd {
			e.Fleet.Reread()
			return ui.Toast(ui.Info, "every site is read again")
		}}
}

// String is "?" for what nobody knows; a number that may be another one has a plus.
func (n known) String() string {
	switch {
	case n.none:
		return "?"
	case n.more:
		return thousands(n.n) + "+"
	default:
		return thousands(n.n)
	}
}

// on puts the number on a tile, as a part of so many.
func (n known) on(t *ui.Tile, whole int, tone theme.Tone) {
	t.Value = n.String()
	switch {
	case n.none:
		t.Tone = theme.Muted
		return
	case n.more && n.n == 0:
		tone = theme.Muted // no praise for what is not known
	}
	t.Part, t.Whole, t.Tone = n.n, whole, tone
}
