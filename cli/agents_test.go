package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/views"
)

// TestWhatStandsBesideACommand: the expected poll once its gap is known, what the agent reported after the command and nothing from
// before it, and nothing of a machine that was not read.
func TestWhatStandsBesideACommand(t *testing.T) {
	t.Parallel()
	client, err := unity.New(unity.Options{BaseURL: "http://127.0.0.1:9", GSMKey: "AAAABBBBCCCCDDDDEEEE", Tokens: signedOut{}})
	if err != nil {
		t.Fatal(err)
	}
	sess := &session{settings: &settings{}, client: client}
	g := newAgents(sess, views.NewEnv(client, "user"))
	base := client.Now().Add(-3 * time.Hour).UTC().Truncate(time.Second)
	machine := func(seen, scan, infectedAt time.Duration, infected bool) *fleet.Machine {
		m := &fleet.Machine{Status: &unity.Status{}}
		m.ID, m.LastSeen = "e1", unity.NewTime(base.Add(seen))
		m.LastInfected = unity.NewTime(base.Add(infectedAt))
		m.Status.TimesAndStats.LastScan = unity.NewTime(base.Add(scan))
		m.Status.BasicInfo.Infected = unity.Bool{On: infected, Known: true}
		return m
	}
	given := base.Add(90 * time.Minute)
	if got := g.beside("e1", true, given); got != (agentJSON{}) {
		t.Errorf("of a machine that was not read: %+v", got)
	}
	g.keep([]*fleet.Machine{machine(0, 0, -time.Hour, true)})
	if got := g.beside("e1", true, given); got.LastSeen == nil || got.ExpectedFrom != nil || got.Infection != nil || got.LaterScan != nil {
		t.Errorf("before it was heard of: %+v", got)
	}
	if words := g.words("e1", true, given); words != "last seen "+base.Local().Format("2006-01-02 15:04") {
		t.Errorf("words %q", words)
	}
	g.keep([]*fleet.Machine{machine(time.Hour, 0, -time.Hour, true)})
	g.keep([]*fleet.Machine{machine(140*time.Minute, 2*time.Hour, -time.Hour, false)})
	got := g.beside("e1", true, given)
	if got.ExpectedFrom == nil || !got.ExpectedFrom.Equal(base.Add(200*time.Minute)) || !got.ExpectedUntil.Equal(base.Add(220*time.Minute)) {
		t.Errorf("expected %v to %v", got.ExpectedFrom, got.ExpectedUntil)
	}
	if got.LaterScan == nil || !got.LaterScan.Equal(base.Add(2*time.Hour)) || got.Infection == nil || *got.Infection != views.InfectionCleared {
		t.Errorf("afterwards: %+v", got)
	}
	if words := g.words("e1", true, given); !strings.Contains(words, "usual gap 1 h") {
		t.Errorf("words %q", words)
	}
	if words := g.words("e1", false, given); !strings.HasPrefix(words, "scanned ") || !strings.HasSuffix(words, views.InfectionCleared) {
		t.Errorf("words %q", words)
	}
	// What the job noted does not replace what was read.
	g.note(fleet.Ref{ID: "e1", LastSeen: base})
	if got := g.beside("e1", true, given); !got.LastSeen.Equal(base.Add(140 * time.Minute)) {
		t.Errorf("last seen %v", got.LastSeen)
	}
}
