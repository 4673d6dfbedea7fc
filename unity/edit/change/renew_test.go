package change_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
)

// late plans a change, lets the world go on for ten minutes, and sends it.
func (l *lab) late(p *change.Prepared, err error, meanwhile func()) (*dispatch.Job, error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
	plan, err := dispatch.MakeObject(l.Context(), l.c, p.ObjectChange, dispatch.PlanOptions{})
	if err != nil {
		l.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile()
	}
	l.sim.Advance(10 * time.Minute)
	if _, err := l.c.Console(l.Context()); err != nil { // from here on the client knows the time
		l.Fatal(err)
	}
	return plan.Run(l.Context(), l.c, dispatch.RunOptions{})
}

// TestAnOldChangeGoesWhileNothingElseHappened sends every change ten minutes after its question.
func TestAnOldChangeGoesWhileNothingElseHappened(t *testing.T) {
	l := newLab(t)
	sent := func(p *change.Prepared, err error) {
		t.Helper()
		if job, err := l.late(p, err, nil); err != nil || job.Count(dispatch.Sent) != 1 {
			t.Fatalf("%s: %v", p.ID, err)
		}
	}
	sent(change.CreateSite(l.Context(), l.c, newSite()))
	s := l.site()
	sent(change.EditSite(l.Context(), l.c, s, edit.Values{"Seats": "77", "Comments": "ticket 9"}))
	made := l.run(change.CreateGroup(l.Context(), l.c, s, edit.Values{"GroupName": "Tills", "GroupDescription": "front of house"})).Group
	sent(change.CreateGroup(l.Context(), l.c, s, edit.Values{"GroupName": "Desks", "GroupDescription": "back of house"}))
	sent(change.EditGroup(l.Context(), l.c, s, made, edit.Values{"GroupName": "Cash desks", "PolicyId": l.sim.World().Policies[1].ID, "Inheritance": "apply"}))
	groups, err := l.c.Groups(l.Context(), s.ID)
	if err != nil || len(groups) < 3 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	sent(change.DeleteGroup(l.Context(), l.c, s, &groups[1], &groups[0]))
	sent(change.CreateAdmin(l.Context(), l.c, nil, edit.Values{"EmailAddress": "late@acme.example", "FirstName": "Lea", "LastName": "Late", "AccessLevel": "view"}))
	admin := l.run(change.CreateAdmin(l.Context(), l.c, nil, edit.Values{"EmailAddress": "new@acme.example", "FirstName": "Nia", "LastName": "Okafor", "AccessLevel": "view"})).Admin
	sent(change.EditAdmin(l.Context(), l.c, nil, admin, edit.Values{"FirstName": "Nina"}))
	if admin, err = l.c.SiteAdmin(l.Context(), s.ID, admin.ID); err != nil {
		t.Fatal(err)
	}
	sent(change.Grant(l.Context(), l.c, s, admin, "admin"))
	if admin, err = l.c.Admin(l.Context(), admin.ID); err != nil {
		t.Fatal(err)
	}
	sent(change.DeleteAdmin(l.Context(), l.c, nil, admin, "somebody@else.example"))
	for _, action := range []unity.SiteAction{unity.SiteSuspend, unity.SiteResume, unity.SiteDeactivate} {
		sent(change.SiteState(l.Context(), l.c, l.read(string(s.ID)), action))
	}
}

// TestAnOldChangeDoesNotGoOverANewerOne has somebody else change the same before the question is answered.
func TestAnOldChangeDoesNotGoOverANewerOne(t *testing.T) {
	for _, x := range []struct {
		name, says string
		change     func(*lab, *unity.Site) (*change.Prepared, error)
		meanwhile  func(*lab, *unity.Site)
	}{
		{"seats", "Seats is \"400\"", func(l *lab, s *unity.Site) (*change.Prepared, error) {
			return change.EditSite(l.Context(), l.c, s, edit.Values{"Seats": "77"})
		}, func(l *lab, s *unity.Site) { l.run(change.EditSite(l.Context(), l.c, s, edit.Values{"Seats": "400"})) }},
		{"machines", "it concerns", func(l *lab, s *unity.Site) (*change.Prepared, error) {
			return change.SiteState(l.Context(), l.c, s, unity.SiteSuspend)
		}, func(l *lab, s *unity.Site) {
			for range 60 {
				if _, err := l.sim.InsertEndpoint(string(s.ID), "NEW"); err != nil {
					l.Fatal(err)
				}
			}
		}},
		{"state", "suspended already", func(l *lab, s *unity.Site) (*change.Prepared, error) {
			return change.SiteState(l.Context(), l.c, s, unity.SiteSuspend)
		}, func(l *lab, s *unity.Site) { l.run(change.SiteState(l.Context(), l.c, s, unity.SiteSuspend)) }},
		{"name", "a site of that name already", func(l *lab, _ *unity.Site) (*change.Prepared, error) {
			return change.CreateSite(l.Context(), l.c, newSite())
		}, func(l *lab, _ *unity.Site) { l.run(change.CreateSite(l.Context(), l.c, newSite())) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			l := newLab(t)
			s := l.site()
			before := 0
			p, err := x.change(l, s)
			_, err = l.late(p, err, func() { x.meanwhile(l, s); before = len(l.changes()) })
			if !errors.Is(err, unity.ErrRefused) || !strings.Contains(err.Error(), x.says) || !strings.Contains(err.Error(), " min ago") {
				t.Errorf("%v", err)
			}
			if n := len(l.changes()); n != before {
				t.Errorf("%d changes were sent", n-before)
			}
		})
	}
}
