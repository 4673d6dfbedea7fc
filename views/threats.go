package views

import (
	"context"
	"iter"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// threatWindow is what a threat list shows: the longest the API gives in one window, three calendar months. It ends a little
// later than now, since the server's clock is known to about a second only.
func (e *Env) threatWindow() unity.ThreatQuery {
	now := e.Client.Now().UTC()
	return unity.ThreatQuery{Since: now.AddDate(0, -3, 1), Until: now.Add(time.Minute), Extended: true}
}

func (e *Env) threats(title string, walk func(context.Context) iter.Seq2[unity.Page[unity.Threat], error]) ui.Resource[unity.Threat, string] {
	now := e.Client.Now
	return ui.Resource[unity.Threat, string]{
		Kind: "threat", Title: title,
		Key:  (*unity.Threat).Key,
		Name: func(t *unity.Threat) string { return t.FileName.String() },
		Columns: []table.Column[unity.Threat]{
			{ID: "seen", Title: "Seen", Min: 12, Text: func(t *unity.Threat) string { return ago(t.LastSeen.Time, now()) },
				Data: func(t *unity.Threat) string { return stampText(t.LastSeen) },
				Less: byTime(func(t *unity.Threat) time.Time { return t.LastSeen.Time })},
			{ID: "malware", Title: "Malware", Min: 14, Max: 32, Flex: 2, Text: func(t *unity.Threat) string { return t.MalwareGroup.String() },
				Tone: func(*unity.Threat) theme.Tone { return theme.Bad }},
			{ID: "file", Title: "File", Min: 12, Max: 30, Flex: 2, Priority: 1, Text: func(t *unity.Threat) string { return t.FileName.String() }},
			{ID: "host", Title: "Host", Min: 12, Max: 30, Flex: 1, Priority: 2, Text: func(t *unity.Threat) string { return t.HostName.String() }},
			{ID: "path", Title: "Path", Min: 12, Flex: 3, Priority: 4, Text: func(t *unity.Threat) string { return t.PathName.String() }},
		},
		Sort:   []table.SortKey{{Column: "seen", Desc: true}},
		Load:   func(ctx context.Context, emit func(ui.Page[unity.Threat])) error { return emitAll(walk(ctx), emit) },
		Detail: e.threatDetail,
		Raw:    func(t *unity.Threat) []byte { return raw(t.Record) },
		Empty:  "No threat was recorded in the past three months, which is as far as one look reaches.",
	}
}

// SiteThreats lists a site's threat history.
func (e *Env) SiteThreats(s unity.Site) ui.Resource[unity.Threat, string] {
	return e.threats("Threats of "+siteName(&s), func(ctx context.Context) iter.Seq2[unity.Page[unity.Threat], error] {
		return e.Client.SiteThreats(ctx, s.ID, e.threatWindow())
	})
}

// GroupThreats lists a group's threat history.
func (e *Env) GroupThreats(s unity.Site, g unity.Group) ui.Resource[unity.Threat, string] {
	return e.threats("Threats of "+g.Label(), func(ctx context.Context) iter.Seq2[unity.Page[unity.Threat], error] {
		return e.Client.GroupThreats(ctx, s.ID, g.ID, e.threatWindow())
	})
}

// EndpointThreats lists one machine's threat history.
func (e *Env) EndpointThreats(m fleet.Machine) ui.Resource[unity.Threat, string] {
	return e.threats("Threats of "+m.Name(), func(ctx context.Context) iter.Seq2[unity.Page[unity.Threat], error] {
		return e.Client.EndpointThreats(ctx, m.SiteID, m.ID, e.threatWindow())
	})
}

func (e *Env) threatDetail(t *unity.Threat) []ui.Field {
	now := e.Client.Now()
	f := (&fields{}).in("Threat").toned("Malware", t.MalwareGroup.String(), theme.Bad).add("File", t.FileName.String()).
		add("Path", t.PathName.String()).add("Host", t.HostName.String()).add("First seen", when(t.FirstSeen, now)).
		add("Last seen", when(t.LastSeen, now)).add("Endpoint", string(t.EndpointID))
	if x := t.ExtendedInfo; x != nil {
		f.in("File").add("MD5", x.FileMD5.String()).add("Size", sizeWords(x.FileSize)).add("Determination", x.Determination.String()).
			add("User", x.UserName.String()).add("Address", x.IPAddress.String()).add("Vendor", x.FileVendor.String()).
			add("Product", x.FileProduct.String()).add("Version", x.FileVersion.String()).
			add("Dwell time", dwellWords(x.DwellTime))
	}
	return f.out
}

func sizeWords(n unity.Int) string {
	if !n.Known {
		return ""
	}
	return integer(n) + " bytes"
}

func dwellWords(n unity.Int) string {
	if !n.Known {
		return ""
	}
	return integer(n) + " (the API does not state the unit)"
}
