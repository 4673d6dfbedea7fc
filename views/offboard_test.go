package views_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// TestOffboardingWritesItsReportFirst sends nothing when the report cannot be written, and names the file when it was.
func TestOffboardingWritesItsReportFirst(t *testing.T) {
	t.Parallel()
	c := tall(t)
	s := c.plainSite()
	active := 0
	for _, e := range c.sim.World().Endpoints {
		if e.SiteID == s.ID && !e.Deactivated {
			active++
		}
	}
	reported, fails := 0, true
	c.env.Report = func(site unity.Site, machines []*fleet.Machine) (string, error) {
		if len(c.changes()) > 0 {
			t.Error("something was sent before the report")
		}
		reported = len(machines)
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
}
