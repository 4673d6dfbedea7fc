package picture_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

var now = time.Date(2026, 6, 1, 9, 30, 0, 123_456_700, time.UTC)

// record is an endpoint with its report, as a test made it up.
type record struct {
	endpoint      unity.Endpoint
	report        *unity.Status
	group, policy unity.Text
	note          string
	readAt        time.Time
	statusAt      time.Time
}

// world is what a random picture was made of.
type world struct {
	sites   []picture.Site
	records [][]record
}

// hostile are texts as machines may name themselves.
func hostile() []string {
	return []string{"DESKTOP-7F3K2L1", "desktop-7f3k2l1", "LAPTOP", "lap\ntop", "\n", "", " ", "a", "A", "\x1b[2J", "renée", "søren-łab", "soren-lab", "sorenlab", "RENE\u0301E", "ß", "ＤＥＳＫ",
		"\xff\xfe", "7f", "K2", "-", "00:1A:2B", "10.0.0.1", "desk 10.0", "\u0301", "İ", "经理", "ab", "b\na", "9.0.36", "pc", "ok"}
}

func drawText(t *rapid.T, label string) unity.Text {
	return unity.NewText(strings.Join(rapid.SliceOfN(rapid.SampledFrom(hostile()), 0, 3).Draw(t, label), ""))
}

func drawTime(t *rapid.T, label string) unity.Time {
	var out unity.Time
	switch rapid.IntRange(0, 4).Draw(t, label) {
	case 0:
	case 1:
		if err := json.Unmarshal([]byte(rapid.SampledFrom([]string{`"soon"`, `"0001-01-01T00:00:00Z"`, `null`, `""`, `"31/12/2025"`, `"9999-12-31T23:59:59Z"`,
			`"1700-01-01"`}).Draw(t, "text")), &out); err != nil {
			t.Fatal(err)
		}
	case 2:
		// Around the limit of staleness, by the finest step there is.
		out = unity.NewTime(now.Add(-staleAfter + time.Duration(rapid.IntRange(-1, 1).Draw(t, "from limit"))*100*time.Nanosecond))
	default:
		step := rapid.SampledFrom([]time.Duration{100 * time.Nanosecond, time.Second, time.Hour, 24 * time.Hour}).Draw(t, "step")
		out = unity.NewTime(now.Add(-time.Duration(rapid.IntRange(-3, 40).Draw(t, "steps")) * step))
	}
	return out
}

func drawBool(t *rapid.T, label string) unity.Bool {
	return rapid.SampledFrom([]unity.Bool{{}, {Known: true}, {On: true, Known: true}}).Draw(t, label)
}

func drawWord(t *rapid.T, label string, of ...string) unity.Text {
	return unity.NewText(rapid.SampledFrom(append(of, "", " ", "\x07odd")).Draw(t, label))
}

func drawRecord(t *rapid.T, n int) record {
	e := unity.Endpoint{ID: unity.EndpointID(fmt.Sprintf("%08x-0000-4000-8000-000000000000", n)), HostName: drawText(t, "host"),
		MachineID: unity.MachineID(rapid.SampledFrom([]string{"", " ", "AB:::c", "ab:::C", "x"}).Draw(t, "machine")),
		FirstSeen: drawTime(t, "first"), LastSeen: drawTime(t, "last"), LastInfected: drawTime(t, "infected at"),
		AgentVersion: drawWord(t, "agent", "9.0.36.40", "9.0.9", "beta"), Deactivated: drawBool(t, "gone"),
		GroupID: unity.GroupID(drawWord(t, "group id", "g1", "g2").Raw()), GroupName: drawWord(t, "group own", "Front", "Büro"),
		PolicyID: unity.PolicyID(drawWord(t, "policy id", "p1", "p2").Raw()), PolicyName: drawWord(t, "policy own", "Strict")}
	if rapid.IntRange(0, 9).Draw(t, "odd id") == 0 {
		e.ID = unity.EndpointID(drawText(t, "id").Raw() + fmt.Sprint(n))
	}
	r := record{endpoint: e, group: drawWord(t, "group", "Front Office", "büro"), policy: drawWord(t, "policy", "Strict", "Silent Audit"),
		note: rapid.SampledFrom([]string{fleet.NoteNotJoined, fleet.NoteNoScope}).Draw(t, "note"), readAt: now.Add(-time.Minute), statusAt: now.Add(-time.Hour)}
	if rapid.IntRange(0, 3).Draw(t, "joined") > 0 {
		r.report = drawStatus(t)
	}
	return r
}

func drawStatus(t *rapid.T) *unity.Status {
	s := &unity.Status{HostName: drawText(t, "host"), OS: drawWord(t, "os", "Windows 11", "macOS"), IPAddress: drawText(t, "public"),
		ClientVersion: drawWord(t, "client", "9.0.36.41", "10.1", "10"), LastSeen: drawTime(t, "reported")}
	s.BasicInfo.DeviceType = drawWord(t, "device", "PC", "pc", "Mac", "Phone")
	s.BasicInfo.AttentionRequired, s.BasicInfo.Infected, s.BasicInfo.Managed = drawBool(t, "attention"), drawBool(t, "infected"), drawBool(t, "managed")
	s.BasicInfo.ActiveThreats = rapid.SampledFrom([]unity.Int{{}, {N: 0, Known: true}, {N: 3, Known: true}, {N: -1, Known: true}, {N: 1 << 62, Known: true}}).Draw(t, "threats")
	s.OSAndVersions.CurrentUser, s.OSAndVersions.IPV4, s.OSAndVersions.MACAddress = drawText(t, "user"), drawText(t, "ip"), drawText(t, "mac")
	s.TimesAndStats.LastScan = drawTime(t, "scan")
	return s
}

func drawWorld(t *rapid.T) *world {
	w := &world{}
	n := 0
	for i := range rapid.SampledFrom([]int{1, 2, 2, 3, 4, 0}).Draw(t, "sites") {
		site := picture.Site{ID: unity.SiteID(fmt.Sprintf("site-%d", i)), Name: drawText(t, "site"),
			Key: unity.Keycode(rapid.SampledFrom([]string{"AAAABBBBCCCCDDDDEEEE", "AB12CD34EF56GH78IJ90", "", "bad key"}).Draw(t, "key"))}
		var records []record
		for range rapid.SampledFrom([]int{3, 1, 0, 5, 9, 64, 65}).Draw(t, "machines") {
			if n%7 == 6 && len(records) > 0 { // most rows are copies of others with another id, which keeps worlds quick to draw
				r := records[len(records)-1-min(len(records)-1, rapid.IntRange(0, 5).Draw(t, "like"))]
				r.endpoint.ID = unity.EndpointID(fmt.Sprintf("%08x-0000-4000-8000-000000000000", n))
				records = append(records, r)
			} else if n < 20 {
				records = append(records, drawRecord(t, n))
			} else {
				from := w.any(records)
				r := from[n*7919%len(from)]
				r.endpoint.ID = unity.EndpointID(fmt.Sprintf("%08x-0000-4000-8000-000000000000", n))
				records = append(records, r)
			}
			n++
		}
		w.sites = append(w.sites, site)
		w.records = append(w.records, records)
	}
	return w
}

// any are records to copy: those of this site, else those of the first one that has some.
func (w *world) any(records []record) []record {
	if len(records) > 0 {
		return records
	}
	for _, r := range w.records {
		if len(r) > 0 {
			return r
		}
	}
	return nil
}

// build makes the picture. Rows go through the builder in one of the ways there are.
func (w *world) build(way int) *picture.Picture {
	var chunks []*picture.Chunk
	for i, site := range w.sites {
		chunks = append(chunks, buildSite(site, w.records[i], way))
	}
	return picture.New(chunks, picture.Picture{})
}

func buildSite(site picture.Site, records []record, way int) *picture.Chunk {
	b := picture.NewBuilder(site, len(records))
	for i := range records {
		r := &records[i]
		b.Add(&r.endpoint, r.group, r.policy, r.readAt)
		if r.report != nil {
			b.Report(i, r.report, r.statusAt)
		} else {
			b.Note(i, r.note)
		}
	}
	c := b.Chunk()
	if way == 0 {
		return c
	}
	other := picture.Site{ID: site.ID, Name: site.Name, Key: site.Key}
	again := picture.NewBuilder(other, 0)
	for i := range records {
		if r := &records[i]; way == 1 {
			again.Keep(c.Row(i))
		} else {
			again.AddOver(c.Row(i), &r.endpoint, r.group, r.policy, r.readAt)
		}
	}
	return again.Chunk()
}

// machine is the same record as a fleet.Machine, by the code that single-site lists use.
func (r *record) machine(site picture.Site, staleAfter time.Duration) *fleet.Machine {
	m := fleet.NewMachine(r.endpoint, &unity.Site{ID: site.ID, Name: site.Name, Keycode: site.Key}, fleet.SiteOptions{StaleAfter: staleAfter}, r.readAt)
	m.Group, m.Policy, m.StatusNote = r.group, r.policy, r.note
	if r.report != nil {
		m.Status, m.StatusNote = r.report, ""
	}
	return m
}
