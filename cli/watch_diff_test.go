package cli

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// TestALearnedReportIsNoChange: a machine whose report is known only later has not changed by that; one that the console says was
// infected meanwhile has, and so has one that was known.
func TestALearnedReportIsNoChange(t *testing.T) {
	t.Parallel()
	now := picturetest.Now()
	site := unity.Site{ID: "00000000-0000-4000-8000-000000000001", Name: unity.NewText("Harbour Dental"), AccessLevel: unity.Int{N: 1, Known: true}}
	report := func(infected bool) *unity.Status {
		s := &unity.Status{HostName: unity.NewText("KIOSK-01"), LastSeen: unity.NewTime(now), OS: unity.NewText("Windows 11")}
		s.BasicInfo.Infected = unity.Bool{On: infected, Known: true}
		s.BasicInfo.AttentionRequired = unity.Bool{Known: true}
		s.OSAndVersions.CurrentUser = unity.NewText("kim")
		return s
	}
	shot := func(lastInfected time.Time, s *unity.Status) *picture.Picture {
		b := picture.NewBuilder(picture.Site{ID: site.ID, Name: site.Name}, 1)
		e := unity.Endpoint{ID: "00000000-0000-4000-8000-000000000002", HostName: unity.NewText("KIOSK-01"), LastSeen: unity.NewTime(now),
			Deactivated: unity.Bool{Known: true}}
		if !lastInfected.IsZero() {
			e.LastInfected = unity.NewTime(lastInfected)
		}
		if i := b.Add(&e, unity.Text{}, unity.Text{}, now); s == nil {
			b.Note(i, fleet.NoteNotJoined)
		} else {
			b.Report(i, s, now)
		}
		return picture.New([]*picture.Chunk{b.Chunk()}, picture.Picture{Sites: []unity.Site{site}, SitesAt: now, StatusAt: now, ReadAt: now, Done: 1, Total: 1})
	}
	long, lately := now.Add(-48*time.Hour), now.Add(-time.Minute)
	for _, x := range []struct {
		name          string
		before, after *picture.Picture
		// all is the kind of the line among all machines, infected that among infected ones; "" for none.
		all, infected string
	}{
		{"learned that it is well", shot(time.Time{}, nil), shot(time.Time{}, report(false)), "", ""},
		{"learned that it has been infected for long", shot(long, nil), shot(long, report(true)), "", ""},
		{"infected before it was known", shot(long, nil), shot(lately, report(true)), watchChanged, watchAppeared},
		{"infected now", shot(long, report(false)), shot(lately, report(true)), watchChanged, watchAppeared},
		{"well again", shot(long, report(true)), shot(long, report(false)), watchChanged, watchLeft},
	} {
		for expr, want := range map[string]string{"": x.all, "status:infected": x.infected} {
			query, err := picture.Language(false, fleet.DefaultStaleAfter, func() time.Time { return now }, nil).Compile(expr)
			if err != nil {
				t.Fatal(err)
			}
			d := differ{query: query, staleAfter: fleet.DefaultStaleAfter}
			d.next(t.Context(), x.before, now)
			kind := ""
			for _, line := range d.next(t.Context(), x.after, now) {
				kind += line.Kind
			}
			if kind != want {
				t.Errorf("%s, where %q: %q, want %q", x.name, expr, kind, want)
			}
		}
	}
}
