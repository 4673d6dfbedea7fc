package selector

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
)

// row is a machine as small as a test needs it. What joined rows have, others do not know.
type row struct {
	host, site, user, ip, mac, key, id, status, version string
	seen, ends                                          time.Time
	seats                                               float64
	joined                                              bool
}

var now = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

const day = 24 * time.Hour

func language() *Language[row] {
	joined := func(r row) bool { return r.joined }
	return &Language[row]{
		Fold: unity.Fold, Bare: []string{"host", "site", "user", "ip", "mac", "keycode"},
		Fields: []Field[row]{
			{Name: "host", Kind: Text, Text: func(r row) string { return r.host }, NoStar: true},
			{Name: "site", Kind: Text, Text: func(r row) string { return r.site }},
			{Name: "user", Kind: Text, Text: func(r row) string { return r.user }, NoStar: true, Known: joined, Scope: "S"},
			{Name: "ip", Kind: Text, Text: func(r row) string { return r.ip }, NoStar: true, Known: joined, Scope: "S"},
			{Name: "mac", Kind: Text, Text: func(r row) string { return r.mac }, NoStar: true, Known: joined, Scope: "S"},
			{Name: "keycode", Kind: Keycode, Text: func(r row) string { return r.key }},
			{Name: "id", Kind: Exact, Text: func(r row) string { return r.id }},
			{Name: "status", Kind: Exact, Text: func(r row) string { return r.status }, Known: joined,
				Values: []string{"infected", "stale", "ok", "two words"}, Scope: "S"},
			{Name: "version", Kind: Version, Text: func(r row) string { return r.version }},
			{Name: "seen", Kind: Age, Time: func(r row) time.Time { return r.seen }},
			{Name: "ends", Kind: Until, Time: func(r row) time.Time { return r.ends }},
			{Name: "seats", Kind: Number, Number: func(r row) float64 { return r.seats }, Known: joined},
		},
	}
}

func sample() row {
	return row{host: "FRONTDESK-02", site: "Café Nord", user: "renée.müller", ip: "10.0.0.12 fe80::1a2b", mac: "00:1A:2B:3C:4D:5E",
		key: "AB12-CD34-EF56-GH78-IJ90", id: "11111111-2222-3333-4444-555555555555", status: "ok", version: "9.0.36.40",
		seen: ago(2 * day), ends: now.Add(20 * day), seats: 12, joined: true}
}

func mustParse(t testing.TB, expr string) *Plan[row] {
	t.Helper()
	p, err := language().Parse(expr)
	if err != nil {
		t.Fatalf("Parse(%q): %v", expr, err)
	}
	return p
}

func (a Answer) String() string { return [...]string{"No", "Unknown", "Yes"}[a] }
