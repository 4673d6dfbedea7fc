package picturetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Now is the moment at which random pictures are read.
func Now() time.Time { return time.Date(2026, 6, 1, 9, 30, 0, 0, time.UTC) }

// Random is a picture of about that many sites and exactly that many machines, the same for the same arguments. One machine
// in twelve has no report, one in fifteen is deactivated, one in two hundred is a second record of another.
func Random(seed uint64, sites, endpoints int) *picture.Picture {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // believable, not secret
	p := picture.Picture{Console: "Example Console", SitesAt: Now(), ReadAt: Now(), StatusAt: Now(), Done: sites, Total: sites, Revision: 1}
	chunks := make([]*picture.Chunk, 0, sites)
	left := endpoints
	for i := range sites {
		n := left
		if open := sites - i; open > 1 {
			n = min(left, g.size(left/open))
		}
		left -= n
		site := g.site(i, n)
		p.Sites = append(p.Sites, site)
		c, unjoined := g.chunk(&site, n)
		p.Unjoined += unjoined
		chunks = append(chunks, c)
	}
	return picture.New(chunks, p)
}

type generator struct {
	*rand.Rand
	last unity.Endpoint
}

// size spreads sites around their mean: many small ones, a few large ones.
func (g *generator) size(mean int) int { return int(float64(mean) * g.ExpFloat64()) }

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

func (g *generator) guid() string {
	a, b := g.Uint64(), g.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

func (g *generator) from(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[g.IntN(len(alphabet))])
	}
	return b.String()
}

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	hex   = "0123456789ABCDEF"
)

func (g *generator) site(i, n int) unity.Site {
	name := pick(g, "Harbour", "Café Nord", "Lindqvist", "Oak Street", "Blue Anchor", "Riverside", "Müller", "Acme", "Northwind", "Summit") + " " +
		pick(g, "Dental", "Logistics", "Law", "Bakery", "Clinic", "Motors", "Accounting", "School", "Hotel", "Partners")
	seats := int64(n + g.IntN(10) - 3)
	s := unity.Site{ID: unity.SiteID(g.guid()), Name: unity.NewText(fmt.Sprintf("%s %d", name, i+1)), Keycode: unity.Keycode(g.from(upper, 20)),
		TotalEndpoints: unity.Int{N: int64(n), Known: true}, DevicesAllowed: unity.Int{N: max(seats, 1), Known: true},
		Deactivated: unity.Bool{Known: true}, Description: unity.NewText(pick(g, "Full", "Full", "Full", "Trial")),
		EndDate: unity.NewTime(Now().AddDate(0, 0, g.IntN(700)-10))}
	return s
}

// chunk makes the machines of one site and counts those without a report.
func (g *generator) chunk(site *unity.Site, n int) (c *picture.Chunk, unjoined int) {
	b := picture.NewBuilder(picture.Site{ID: site.ID, Name: site.Name, Key: site.Keycode}, n)
	groups := make([]string, 1+g.IntN(6))
	for i := range groups {
		groups[i] = g.guid()
	}
	for range n {
		e := g.endpoint()
		group := g.IntN(len(groups))
		e.GroupID = unity.GroupID(groups[group])
		e.PolicyID = unity.PolicyID(fmt.Sprintf("00000000-0000-4000-8000-%012d", pick(g, 1, 1, 1, 1, 1, 2, 3)))
		i := b.Add(&e, unity.NewText(groupName(group)), unity.NewText("Policy "+string(e.PolicyID[35:])), Now())
		if g.IntN(12) == 0 {
			b.Note(i, fleet.NoteNotJoined)
			unjoined++
			continue
		}
		b.Report(i, g.report(&e), Now())
	}
	return b.Chunk(), unjoined
}

func groupName(i int) string {
	return []string{"Default Group", "Front Office", "Servers", "Laptops", "Workshop", "Management"}[i]
}

func (g *generator) endpoint() unity.Endpoint {
	seen := Now().Add(-time.Duration(g.ExpFloat64() * float64(60*time.Hour))).Truncate(time.Millisecond)
	e := unity.Endpoint{ID: unity.EndpointID(g.guid()), MachineID: unity.MachineID(g.from("0123456789abcdef", 72) + ":::" + g.from("0123456789abcdef", 75)),
		HostName: unity.NewText(g.host()), FirstSeen: unity.NewTime(seen.AddDate(0, 0, -1-g.IntN(900))), LastSeen: unity.NewTime(seen),
		AgentVersion: unity.NewText(g.version()), Deactivated: unity.Bool{On: g.IntN(15) == 0, Known: true}}
	if g.IntN(30) == 0 {
		e.LastInfected = unity.NewTime(seen.AddDate(0, 0, -g.IntN(90)))
	}
	if g.IntN(200) == 0 && g.last.ID != "" {
		e.MachineID, e.HostName = g.last.MachineID, g.last.HostName
	}
	g.last = e
	return e
}

func (g *generator) version() string {
	return pick(g, "9.0.36.40", "9.0.36.40", "9.0.36.40", "9.0.35.17", "9.0.34.12", "9.0.31.84", "8.0.8.53")
}

func (g *generator) host() string {
	switch g.IntN(8) {
	case 0:
		return fmt.Sprintf("%s-%02d", pick(g, "FRONTDESK", "KIOSK", "RECEPTION", "SRV-DC", "SRV-FILE", "MEETING"), g.IntN(99))
	case 1:
		return fmt.Sprintf("%s-%s", pick(g, "kim", "renée", "tomas", "ana", "joe", "mia"), pick(g, "macbook", "laptop", "imac"))
	case 2:
		return "LAPTOP-" + g.from(upper, 8)
	default:
		return "DESKTOP-" + g.from(upper, 7)
	}
}

func (g *generator) report(e *unity.Endpoint) *unity.Status {
	mac := g.IntN(9) == 0
	s := &unity.Status{MachineID: e.MachineID, HostName: e.HostName, ClientVersion: e.AgentVersion,
		LastSeen: unity.NewTime(e.LastSeen.Add(time.Duration(g.IntN(3600)) * time.Second)), IPAddress: unity.NewText(fmt.Sprintf("203.0.113.%d", g.IntN(255)))}
	s.OS = unity.NewText(pick(g, "Windows 11 Pro 23H2", "Windows 11 Pro 24H2", "Windows 10 Pro 22H2", "Windows Server 2022"))
	s.BasicInfo.DeviceType = unity.NewText("PC")
	if mac {
		s.OS, s.BasicInfo.DeviceType = unity.NewText("macOS 15.5"), unity.NewText("Mac")
	}
	s.BasicInfo.Infected = unity.Bool{On: g.IntN(50) == 0, Known: true}
	s.BasicInfo.AttentionRequired = unity.Bool{On: g.IntN(25) == 0, Known: true}
	s.BasicInfo.Managed = unity.Bool{On: g.IntN(60) != 0, Known: true}
	if s.BasicInfo.Infected.On {
		s.BasicInfo.ActiveThreats = unity.Int{N: int64(1 + g.IntN(4)), Known: true}
	}
	s.OSAndVersions.CurrentUser = unity.NewText(pick(g, "kim", "renée", "tomas", "ana", "joe", "mia", "lena", "omar") + "." +
		pick(g, "vance", "müller", "okafor", "silva", "novak", "chen", "larsen", "haddad"))
	s.OSAndVersions.IPV4 = unity.NewText(fmt.Sprintf("192.168.%d.%d", g.IntN(255), g.IntN(255)))
	s.OSAndVersions.MACAddress = unity.NewText(g.mac())
	s.TimesAndStats.LastScan = unity.NewTime(e.LastSeen.Add(-time.Duration(g.IntN(72)) * time.Hour))
	return s
}

func (g *generator) mac() string {
	parts := make([]string, 6)
	for i := range parts {
		parts[i] = g.from(hex, 2)
	}
	return strings.Join(parts, ":")
}
