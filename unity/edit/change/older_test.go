package change_test

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
	"pgregory.net/rapid"
)

// TestOlderRecordsKeepTheNewestOfEveryMachine: of every machine at least one record stays, what stays was never seen before
// what goes, and records that cannot be told apart, are kept or are deactivated are left alone.
func TestOlderRecordsKeepTheNewestOfEveryMachine(t *testing.T) {
	start := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		var records []change.Record
		byID := map[unity.EndpointID]change.Record{}
		for i := range rapid.IntRange(0, 12).Draw(t, "n") {
			r := change.Record{Same: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "same"), Keep: rapid.IntRange(0, 5).Draw(t, "keep") == 0}
			r.Ref = fleet.Ref{ID: unity.EndpointID(rune('a' + i)), Inactive: rapid.IntRange(0, 5).Draw(t, "inactive") == 0}
			if days := rapid.IntRange(0, 4).Draw(t, "days"); days > 0 {
				r.Ref.LastSeen = start.AddDate(0, 0, days)
			}
			records = append(records, r)
			byID[r.Ref.ID] = r
		}
		gone := map[unity.EndpointID]bool{}
		for _, ref := range change.OlderRecords(records) {
			r := byID[ref.ID]
			if r.Same == "" || r.Keep || r.Ref.Inactive || gone[ref.ID] {
				t.Fatalf("%+v was chosen", r)
			}
			gone[ref.ID] = true
		}
		for _, r := range records {
			if !gone[r.Ref.ID] {
				continue
			}
			newer := false
			for _, other := range records {
				if other.Same == r.Same && !gone[other.Ref.ID] && !other.Ref.Inactive && other.Ref.LastSeen.After(r.Ref.LastSeen) {
					newer = true
				}
			}
			if !newer {
				t.Fatalf("%+v goes, and nothing newer stays: %+v", r, records)
			}
		}
		for _, r := range records {
			for _, other := range records {
				if r.Same != "" && r.Same == other.Same && !r.Keep && !r.Ref.Inactive && !other.Ref.Inactive && !gone[r.Ref.ID] &&
					other.Ref.LastSeen.After(r.Ref.LastSeen) {
					t.Fatalf("%+v stays, though %+v is newer", r, other)
				}
			}
		}
	})
}

func TestSameMachineWantsNameAndAddress(t *testing.T) {
	m := &fleet.Machine{SiteID: "s"}
	m.HostName = unity.NewText("FRONTDESK")
	if change.SameMachine(m) != "" {
		t.Error("a machine without a MAC address is told from others")
	}
	m.Status = &unity.Status{}
	m.Status.OSAndVersions.MACAddress = unity.NewText("00:1a:2b:3c:4d:5e")
	upper := *m
	upper.HostName = unity.NewText("frontdesk")
	if change.SameMachine(m) == "" || change.SameMachine(m) != change.SameMachine(&upper) {
		t.Errorf("%q and %q", change.SameMachine(m), change.SameMachine(&upper))
	}
	upper.SiteID = "other"
	if change.SameMachine(m) == change.SameMachine(&upper) {
		t.Error("records of two customers are one machine")
	}
}
