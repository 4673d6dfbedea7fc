package views_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestOffboardingWritesItsReportFirst sends nothing when the report cannot be written, and names the file when it was.
func TestOffboardingWritesItsReportFirst(t *testing.T) {
	t.Parallel()
	c := tall(t)
	s := c.plainSite()
	active := len(machines(c.sim.World(), func(e unitytest.EndpointTruth) bool { return e.SiteID == s.ID && !e.Deactivated }))
	c.untilRead()
	reported, told, named, fails := 0, 0, 0, true
	c.env.Report = func(site unity.Site, machines []*fleet.Machine) (string, error) {
		if len(c.changes()) > 0 {
			t.Error("something was sent before the report")
		}
		reported = len(machines)
		told, named = 0, 0
		for _, m := range machines {
			if m.Status != nil {
				told++
			}
			if !m.Policy.Empty() && !m.Group.Empty() {
				named++
			}
		}
		if string(site.ID) != s.ID || fails {
			return "", errors.New("the disk is full")
		}
		return "/tmp/report.ndjson", nil
	}
	offboard := func() {
		t.Helper()
		c.Press(":")
		c.Type("site.offboard")
		c.Press("enter")
		c.Settle()
		c.want("first a report of")
		c.answer(strconv.Itoa(active))
	}
	offboard()
	c.want("the disk is full")
	if len(c.changes()) > 0 {
		t.Fatalf("sent %v", c.changes())
	}
	fails = false
	c.Advance(time.Second)
	offboard()
	c.want("report written to /tmp/report.ndjson")
	if reported < active || len(c.changes()) < 2 || !c.site(s.ID).Suspended {
		t.Errorf("%d machines reported, sent %v", reported, c.changes())
	}
	// It is the last thing that anybody has of them. A machine whose report is nobody's for certain has none.
	if named < reported || told < reported/2 {
		t.Errorf("of %d machines %d have names of group and policy, %d what their agents reported", reported, named, told)
	}
}
