package views_test

import (
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
)

// listed reads a list of commands and gives its rows by machine.
func listed(t *testing.T, r ui.Resource[unity.Command, string]) map[unity.EndpointID]*unity.Command {
	t.Helper()
	out := map[unity.EndpointID]*unity.Command{}
	err := r.Load(t.Context(), func(p ui.Page[unity.Command]) {
		for _, c := range p.Items {
			if old := out[c.EndpointID]; old == nil || c.DateRequested.After(old.DateRequested.Time) {
				out[c.EndpointID] = c
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func column(t *testing.T, r ui.Resource[unity.Command, string], id string, c *unity.Command) string {
	t.Helper()
	for i := range r.Columns {
		if r.Columns[i].ID == id {
			return r.Columns[i].Text(c)
		}
	}
	t.Fatalf("no column %s", id)
	return ""
}

// TestACommandListTracks who gave a command, when the agent is expected, what hastens it, what came of it, and sends elapsed ones
// again.
func TestACommandListTracks(t *testing.T) {
	t.Parallel()
	c := open(t, 120, 40, unitytest.Options{Seed: 2, Sites: 6, Endpoints: 90, User: unitytest.UserSuper})
	c.Settle()
	w := c.sim.World()
	var site unity.Site
	var refs []fleet.Ref
	for _, s := range w.Sites {
		refs = nil
		for _, e := range w.Endpoints {
			if e.SiteID == s.ID && !e.Deactivated && e.PendingJobs == 0 && !e.NextPoll.IsZero() && !strings.Contains(e.HostName, "Mac") {
				refs = append(refs, fleet.Ref{ID: unity.EndpointID(e.ID), Site: unity.SiteID(e.SiteID), HostName: unity.NewText(e.HostName), LastSeen: e.LastSeen})
			}
		}
		if site = (unity.Site{ID: unity.SiteID(s.ID), Name: unity.NewText(s.Name)}); len(refs) > 2 && !s.Deactivated && !s.Suspended && s.AccessOf[unitytest.UserSuper] == 128 {
			break
		}
	}
	c.untilFleet(func(p *picture.Picture, _ live.State) bool { _, there := p.Get(refs[0].ID); return there })
	for _, r := range refs[:3] {
		if err := c.sim.StopPolling(string(r.ID)); err != nil {
			t.Fatal(err)
		}
	}
	op, err := dispatch.OperationByID("endpoint.scan", nil)
	if err != nil {
		t.Fatal(err)
	}
	frozen, err := dispatch.Freeze(c.env.Binding(), refs[:2])
	if err != nil {
		t.Fatal(err)
	}
	plan, err := dispatch.Make(t.Context(), c.env.Client, op, frozen, dispatch.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if job, err := plan.Run(t.Context(), c.env.Client, dispatch.RunOptions{Journal: c.env.Journal}); err != nil || job.Count(dispatch.Sent) != 2 {
		t.Fatal(job.Words(), err)
	}
	if err := c.sim.AddCommand(string(refs[2].ID), "scan", "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	list := c.env.SiteCommands(site)
	rows := listed(t, list)
	ours, theirs := rows[refs[0].ID], rows[refs[2].ID]
	if by := column(t, list, "by", ours); by != "unitty" {
		t.Errorf("ours is by %q", by)
	}
	if by := column(t, list, "by", theirs); by != "elsewhere" {
		t.Errorf("a colleague's is by %q", by)
	}
	if text := column(t, list, "expected", ours); !strings.Contains(text, "last seen") {
		t.Errorf("expected: %q", text)
	}
	if _, text := list.Copy(ours); text != "WRSA.exe -poll" {
		t.Errorf("y copies %q", text)
	}
	again := list.Actions[0]
	if again.ID != "command.again" || again.Ready(ui.Selection[unity.Command]{Items: []*unity.Command{ours}}) == "" {
		t.Error("a waiting command can be sent again")
	}
	c.sim.Advance(31 * 24 * time.Hour)
	rows = listed(t, list)
	chosen := ui.Selection[unity.Command]{Items: []*unity.Command{rows[refs[0].ID], rows[refs[2].ID]}, Keys: []string{"a", "b"}}
	if _, text := list.Copy(rows[refs[0].ID]); text != "" {
		t.Errorf("y copies %q for an elapsed command", text)
	}
	if why := again.Ready(chosen); why != "" {
		t.Fatalf("elapsed commands cannot be sent again: %s", why)
	}
	before := len(c.sent())
	c.Deliver(again.Do(chosen)())
	c.Settle()
	c.Advance(time.Second)
	c.Press("y")
	c.Settle()
	sent := c.sent()
	if len(sent) != before+1 || len(sent[before]) != 3 || sent[before][0] != "scan" {
		t.Fatalf("sent %v\n%s", sent[before:], c.Screen())
	}
}
