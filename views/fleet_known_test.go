package views_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// number is what a tile of the dashboard says.
func (s *shown) number(name string) string {
	m := regexp.MustCompile(regexp.QuoteMeta(name) + `\s+([0-9?][0-9,/]*\+?)`).FindStringSubmatch(s.Screen())
	if m == nil {
		s.t.Fatalf("there is no %s:\n%s", name, s.Screen())
	}
	return m[1]
}

// sitesOf is a picture of so many sites, in some of which the machines were read, and of those in some the reports.
func sitesOf(n, read, told int, infected bool) *picture.Picture {
	now := picturetest.Now()
	p := picture.Picture{SitesAt: now, ReadAt: now, Total: n, Done: read}
	if told == n {
		p.StatusAt = now
	}
	var chunks []*picture.Chunk
	for i := range n {
		site := unity.Site{ID: unity.SiteID(fmt.Sprint("s", i)), Name: unity.NewText(fmt.Sprint("Customer ", i)), AccessLevel: unity.Int{N: unity.AccessAdmin, Known: true},
			TotalEndpoints: unity.Int{N: 1, Known: true}, DevicesAllowed: unity.Int{N: 5, Known: true}, Deactivated: unity.Bool{Known: true}}
		p.Sites = append(p.Sites, site)
		if i >= read {
			continue
		}
		b := picture.NewBuilder(picture.Site{ID: site.ID, Name: site.Name}, 1)
		at := b.Add(&unity.Endpoint{ID: unity.EndpointID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)), HostName: unity.NewText(fmt.Sprint("PC-", i)),
			LastSeen: unity.NewTime(now), Deactivated: unity.Bool{Known: true}}, unity.Text{}, unity.Text{}, now)
		if i < told {
			r := &unity.Status{LastSeen: unity.NewTime(now)}
			r.BasicInfo.Infected = unity.Bool{On: infected && i == 0, Known: true}
			r.BasicInfo.AttentionRequired = unity.Bool{Known: true}
			b.Report(at, r, now)
		}
		chunks = append(chunks, b.Chunk())
	}
	return picture.New(chunks, p)
}

// TestNumbersSayWhetherTheyAreCertain: a number of which nobody knows whether it will stay has a mark, and none is 0 before that
// is certain.
func TestNumbersSayWhetherTheyAreCertain(t *testing.T) {
	failed := sitesOf(4, 3, 4, true)
	failed.Failed = []fleet.SiteError{{Site: "s3", Name: unity.NewText("Customer 3"), Err: errors.New("504")}}
	noScope := sitesOf(4, 4, 0, false)
	noScope.StatusErr = unity.ErrScope
	for _, c := range []struct {
		name string
		p    *picture.Picture
		want map[string]string
	}{
		{"the list of sites is there", sitesOf(4, 0, 0, false), map[string]string{"1 infected": "?", "2 needs attention": "?", "3 stale": "?", "0 everything": "?",
			"machines ok": "?", "without a report": "?", "seats used": "4/20", "8 seats over": "0"}},
		{"some machines are there", sitesOf(4, 2, 0, false), map[string]string{"1 infected": "?", "3 stale": "?", "0 everything": "2+", "machines ok": "?",
			"without a report": "?", "5 duplicates": "?"}},
		{"all machines are there", sitesOf(4, 4, 0, false), map[string]string{"1 infected": "?", "2 needs attention": "?", "3 stale": "?", "0 everything": "4",
			"machines ok": "?", "without a report": "?", "6 outdated agents": "?"}},
		{"some reports are there", sitesOf(4, 4, 2, true), map[string]string{"1 infected": "1+", "2 needs attention": "?", "machines ok": "1+", "without a report": "?"}},
		{"all is there", sitesOf(4, 4, 4, true), map[string]string{"1 infected": "1", "2 needs attention": "0", "3 stale": "0", "0 everything": "4",
			"machines ok": "3", "without a report": "0", "5 duplicates": "0"}},
		{"a site failed", failed, map[string]string{"1 infected": "1+", "2 needs attention": "0+", "0 everything": "3+", "machines ok": "2+"}},
		{"the user may not read reports", noScope, map[string]string{"1 infected": "?", "2 needs attention": "?", "machines ok": "?", "3 stale": "0",
			"0 everything": "4", "without a report": "4"}},
	} {
		s := show(t, c.p, 140, 40)
		for name, want := range c.want {
			if got := s.number(name); got != want {
				t.Errorf("%s: %s is %s, want %s", c.name, name, got, want)
			}
		}
	}
}

// TestAMachineWithoutReportMayBeInfected: the numbers say so after everything was read, and so does the empty list.
func TestAMachineWithoutReportMayBeInfected(t *testing.T) {
	p := sitesOf(4, 4, 3, false)
	p.StatusAt = picturetest.Now()
	s := show(t, p, 140, 40)
	if got := s.number("1 infected"); got != "0+" {
		t.Errorf("infected is %s", got)
	}
	s.want("+ means at least: the report of 1 active machine is not known")
	s.Press("1")
	s.want("No agent reports an infection. That is as far as is known: 1 machine left out: their agents' reports are not known.")
	s.Press("0")
	if n := strings.Count(s.Screen(), "the report of 1 active machine is not known"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, s.Screen())
	}
}

// TestDuplicatesSayWhatIsNotKnown: no machine is said to have one record only while nobody can know.
func TestDuplicatesSayWhatIsNotKnown(t *testing.T) {
	now := picturetest.Now()
	b := picture.NewBuilder(picture.Site{ID: "s"}, 2)
	for i := range 2 {
		b.Add(&unity.Endpoint{ID: unity.EndpointID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)), HostName: unity.NewText("DESKTOP-58DX50D"),
			LastSeen: unity.NewTime(now), Deactivated: unity.Bool{Known: true}}, unity.Text{}, unity.Text{}, now)
	}
	s := show(t, picture.New([]*picture.Chunk{b.Chunk()}, picture.Picture{SitesAt: now, ReadAt: now, StatusAt: now, Done: 1, Total: 1,
		Sites: []unity.Site{{ID: "s", AccessLevel: unity.Int{N: unity.AccessAdmin, Known: true}}}}), 160, 40)
	if got := s.number("5 duplicates"); got != "0+" {
		t.Errorf("duplicates are %s", got)
	}
	s.Press("5")
	s.want("No machine has two active records. That is as far as is known: 1 host name occurs several times at one site")
}

// TestOfflineIsShort: the line says since when, what exactly happened stands behind the key.
func TestOfflineIsShort(t *testing.T) {
	s := show(t, picturetest.Random(3, 10, 200), 160, 40)
	s.album.turn(func(a *album) {
		a.state.Err = fmt.Errorf("dial tcp 127.0.0.1:18202: connect: connection refused: %w", unity.ErrUnreachable)
		a.state.Since = picturetest.Now().Add(-time.Hour)
	})
	s.Press("0")
	s.want("offline since " + picturetest.Now().Add(-time.Hour).Local().Format("15:04"))
	if s.Has("dial tcp") {
		t.Errorf("the status line is a wall:\n%s", s.Screen())
	}
	s.Press("!")
	s.want("offline since", "dial tcp 127.0.0.1:18202")
}

// TestNamesThatFailedAreNamed: and the filter says that it is for want of names that it leaves machines out.
func TestNamesThatFailedAreNamed(t *testing.T) {
	now := picturetest.Now()
	b := picture.NewBuilder(picture.Site{ID: "s"}, 1)
	i := b.Add(&unity.Endpoint{ID: "00000000-0000-4000-8000-000000000001", HostName: unity.NewText("PC-1"), GroupID: "11111111-0000-4000-8000-000000000001",
		PolicyID: "22222222-0000-4000-8000-000000000001", Deactivated: unity.Bool{Known: true}}, unity.Text{}, unity.Text{}, now)
	b.Report(i, &unity.Status{}, now)
	s := show(t, picture.New([]*picture.Chunk{b.Chunk()}, picture.Picture{SitesAt: now, ReadAt: now, StatusAt: now, Done: 1, Total: 1,
		Sites: []unity.Site{{ID: "s", AccessLevel: unity.Int{N: unity.AccessAdmin, Known: true}}}}), 240, 40)
	s.album.turn(func(a *album) {
		a.state = live.State{Phase: live.PhaseIdle, Source: "server", Nameless: []fleet.SiteError{{Name: unity.NewText("policies"), Err: errors.New("gateway timeout")}}}
	})
	s.Press("0")
	s.want("the names of policies: gateway timeout", "  ~ ")
	for _, id := range []string{"22222222-", "11111111-"} {
		if s.Has(id) {
			t.Errorf("an id stands where a name is to come:\n%s", s.Screen())
		}
	}
	s.Press("/")
	s.Type("policy:unmanaged")
	s.want("1 left out: the names of their policies are not known")
}

// readAt is a picture of sites of one machine each, which were read at these times; the list of sites was read with the last one.
func readAt(times ...time.Time) *picture.Picture {
	last := slices.MaxFunc(times, time.Time.Compare)
	p := picture.Picture{SitesAt: last, ReadAt: last, Done: len(times), Total: len(times)}
	var chunks []*picture.Chunk
	for i, at := range times {
		id := unity.SiteID(fmt.Sprint("s", i))
		p.Sites = append(p.Sites, unity.Site{ID: id})
		b := picture.NewBuilder(picture.Site{ID: id}, 1)
		b.Add(&unity.Endpoint{ID: unity.EndpointID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i)), HostName: unity.NewText(fmt.Sprint("PC-", i)),
			LastSeen: unity.NewTime(at), Deactivated: unity.Bool{Known: true}}, unity.Text{}, unity.Text{}, at)
		chunks = append(chunks, b.Chunk())
	}
	return picture.New(chunks, p)
}

// TestOldSitesAreSaidToBeOld: that one site was just read does not make the others young, and reading all of them is at hand.
func TestOldSitesAreSaidToBeOld(t *testing.T) {
	now := picturetest.Now()
	for age, said := range map[time.Duration]bool{30 * time.Minute: false, 5 * time.Hour: true} {
		p := readAt(now.Add(-age), now)
		s := show(t, p, 160, 40)
		if got := s.Has("oldest site read 5 h ago"); got != said {
			t.Errorf("%s: the dashboard says so: %v\n%s", age, got, s.Screen())
		}
		s.Press("0")
		if got := s.Has(`oldest site read 5 h ago: "sync all sites" reads them all`); got != said {
			t.Errorf("%s: the list says so: %v\n%s", age, got, s.Screen())
		}
		s.Press(":")
		s.Type("sync all")
		s.Press("enter")
		s.want("every site is read again")
		if s.album.reread != 1 {
			t.Errorf("it was asked for %d times", s.album.reread)
		}
	}
}
