package picture_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// asFleet is the same console as single machines, which are searched one by one.
func asFleet(p *picture.Picture) *fleet.Fleet {
	f := &fleet.Fleet{Sites: p.Sites}
	for r := range p.Rows() {
		f.Machines = append(f.Machines, r.Machine(0))
	}
	return f
}

func sameHits(got []picture.Hit, want []fleet.Hit) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d hits, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		same := g.Score == w.Score && g.Field == w.Field && (g.Site != nil) == (w.Site != nil)
		if same && g.Site != nil {
			same = g.Site.ID == w.Site.ID
		} else if same {
			same = g.Row.ID() == w.Machine.ID && g.Row.HostName() == w.Machine.HostName
		}
		if !same {
			return fmt.Errorf("hit %d is %s, want %s", i, describe(g), describeOther(w))
		}
	}
	return nil
}

func describe(h picture.Hit) string {
	if h.Site != nil {
		return fmt.Sprintf("site %s by %s with %d", h.Site.Name, h.Field, h.Score)
	}
	return fmt.Sprintf("%s %q by %s with %d", h.Row.ID(), h.Row.HostName().Raw(), h.Field, h.Score)
}

func describeOther(h fleet.Hit) string {
	if h.Site != nil {
		return fmt.Sprintf("site %s by %s with %d", h.Site.Name, h.Field, h.Score)
	}
	return fmt.Sprintf("%s %q by %s with %d", h.Machine.ID, h.Machine.HostName.Raw(), h.Field, h.Score)
}

// TestAnAddressIsFoundHoweverItIsWritten: as the console shows it, as Windows does, as on a label, and by its end.
func TestAnAddressIsFoundHoweverItIsWritten(t *testing.T) {
	const id = "00000000-0000-4000-8000-000000000001"
	for _, stored := range []string{"3C:52:82:23:91:54", "3C-52-82-23-91-54", "3C5282239154"} {
		b := picture.NewBuilder(picture.Site{ID: "s", Name: unity.NewText("Harbour Dental")}, 2)
		for i, mac := range []string{stored, "3C:52:82:99:99:99"} {
			e := unity.Endpoint{ID: unity.EndpointID(id[:len(id)-1] + fmt.Sprint(i+1)), HostName: unity.NewText("XRAY-10")}
			s := &unity.Status{}
			s.OSAndVersions.MACAddress = unity.NewText(mac)
			b.Report(b.Add(&e, unity.Text{}, unity.Text{}, picturetest.Now()), s, picturetest.Now())
		}
		p := picture.New([]*picture.Chunk{b.Chunk()}, picture.Picture{})
		for _, query := range []string{"3c:52:82:23:91:54", "3C-52-82-23-91-54", "3c5282239154", "3c52.8223.9154", "239154", "23-91-54", "9154", "xray 239154"} {
			hits := p.Find(t.Context(), query, 5)
			if len(hits) != 1 || hits[0].Row.ID() != id || hits[0].Field != "mac" {
				t.Errorf("%q finds %d machines among addresses like %s", query, len(hits), stored)
			}
			if err := sameHits(hits, asFleet(p).Find(t.Context(), query, 5)); err != nil {
				t.Errorf("%q: %v", query, err)
			}
		}
		// Bytes are whole, and what is no address is looked for as it is.
		for _, query := range []string{"c528", "915x", "de-ad-be"} {
			if hits := p.Find(t.Context(), query, 5); len(hits) != 0 && stored != "3C5282239154" {
				t.Errorf("%q finds %d machines", query, len(hits))
			}
		}
	}
}

func TestFindRanksAsTheFleetDoes(t *testing.T) {
	found := map[string]int{}
	fuzzy, full := 0, 0
	check := func(t interface{ Fatalf(string, ...any) }, p *picture.Picture, f *fleet.Fleet, query string, limit int) {
		got := p.Find(context.Background(), query, limit)
		want := f.Find(context.Background(), query, limit)
		if err := sameHits(got, want); err != nil {
			t.Fatalf("%q, limit %d: %v", query, limit, err)
		}
		if len(got) == limit {
			full++
		}
		for _, h := range got {
			found[h.Field]++
			if h.Score <= fleet.MaxFuzzy+fleet.ActiveBonus {
				fuzzy++
			}
		}
	}
	p := picturetest.Random(11, 25, 1200)
	f := asFleet(p)
	for _, m := range f.Machines {
		if m.Status == nil || !strings.HasPrefix(m.HostName.Raw(), "DESKTOP-") {
			continue
		}
		// Each of its names, with and without a gap.
		gap := m.HostName.Raw()[:4] + m.HostName.Raw()[5:]
		for _, query := range []string{m.HostName.Raw(), gap, m.User(), m.IPs(), m.MAC(), string(m.ID), m.SiteName.Raw(), m.SiteKey.String(), m.User() + " " + gap,
			initials(m.SiteName.Raw()), m.HostName.Raw()[:4] + " " + initials(m.SiteName.Raw())} {
			check(t, p, f, query, 7)
		}
		break
	}
	rapid.Check(t, func(t *rapid.T) {
		row := f.Machines[rapid.IntRange(0, len(f.Machines)-1).Draw(t, "machine")]
		dashed, plain := strings.ReplaceAll(row.MAC(), ":", "-"), strings.ReplaceAll(row.MAC(), ":", "")
		sources := []string{row.HostName.Raw(), row.User(), row.IPs(), row.MAC(), dashed, plain, string(row.ID), row.SiteName.Raw(), row.SiteKey.String(), "desktop", "büro", "zz"}
		var words []string
		for range rapid.IntRange(1, 3).Draw(t, "words") {
			source := []rune(rapid.SampledFrom(sources).Draw(t, "source"))
			from := rapid.IntRange(0, len(source)).Draw(t, "from")
			word := source[from:min(len(source), from+rapid.IntRange(1, 9).Draw(t, "length"))]
			if len(word) > 2 && rapid.Bool().Draw(t, "gap") {
				word = append(word[:1:1], word[2:]...)
			}
			words = append(words, string(word))
		}
		check(t, p, f, strings.Join(words, " "), rapid.SampledFrom([]int{0, 1, 5, 100, 5000}).Draw(t, "limit"))
	})
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		odd := w.build(0)
		for _, s := range w.sites {
			odd.Sites = append(odd.Sites, unity.Site{ID: s.ID, Name: s.Name, Keycode: s.Key})
		}
		for range 3 {
			check(t, odd, asFleet(odd), drawText(t, "query").Raw(), rapid.SampledFrom([]int{3, 50}).Draw(t, "limit"))
		}
	})
	for _, field := range []string{"host", "user", "ip", "mac", "id", "site", "keycode"} {
		if found[field] == 0 {
			t.Errorf("nothing was ever found by %s", field)
		}
	}
	if fuzzy == 0 || full == 0 {
		t.Errorf("%d hits with gaps and %d full lists: the property says too little", fuzzy, full)
	}
}

// initials are the first letters of the words of a name.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		out = append(out, []rune(word)[0])
	}
	return string(out)
}

func TestTheTailOfANameTellsMachinesApart(t *testing.T) {
	site := picture.Site{ID: "s", Name: unity.NewText("Harbour Dental")}
	b := picture.NewBuilder(site, 4)
	for i, host := range []string{"DESKTOP-2L1AAAA", "DESKTOP-7F3K2L1", "2L1-KIOSK", "LAPTOP-2QLX1"} {
		b.Add(&unity.Endpoint{ID: unity.EndpointID(fmt.Sprint("id-", i)), HostName: unity.NewText(host)}, unity.Text{}, unity.Text{}, now)
	}
	p := picture.New([]*picture.Chunk{b.Chunk()}, picture.Picture{})
	for query, want := range map[string]string{"2l1": "DESKTOP-7F3K2L1", "7f3k2l1": "DESKTOP-7F3K2L1", "desktop2l1a": "DESKTOP-2L1AAAA", "kiosk": "2L1-KIOSK"} {
		if hits := p.Find(t.Context(), query, 10); len(hits) == 0 || hits[0].Row.Name() != want {
			t.Errorf("%q finds %v, want %s first", query, hits, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if hits := p.Find(ctx, "2l1", 10); hits != nil {
		t.Errorf("a cancelled search finds %d", len(hits))
	}
	for _, query := range []string{"", "  ", "\u0301"} {
		if hits := p.Find(t.Context(), query, 10); hits != nil {
			t.Errorf("%q finds %d", query, len(hits))
		}
	}
}
