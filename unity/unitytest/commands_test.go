package unitytest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

const long = 100000 * time.Hour // a life of tokens that outlives a test

func (b *bench) send(e EndpointTruth, command, parameters string) {
	b.t.Helper()
	b.want(204, "POST", "/console/gsm/{k}/sites/"+e.SiteID+"/endpoints/commands",
		`{"EndpointsList":"`+e.ID+`","Command":"`+command+`","Parameters":"`+parameters+`"}`)
}

// states lists the states of the newest commands of an endpoint.
func (b *bench) states(e EndpointTruth, n int) []int {
	var out []int
	for _, c := range rows(b.get("/console/gsm/{k}/sites/"+e.SiteID+"/endpoints/"+e.ID+"/commands"), "Commands")[:n] {
		out = append(out, number(c, "CommandState"))
	}
	return out
}

func TestCommandWaitsForThePoll(t *testing.T) {
	b := newBench(t, Options{AccessTTL: long})
	e := b.polling(b.biggest().ID)
	b.send(e, "scan", "")
	if got := b.states(e, 1); got[0] != stateWaiting {
		t.Fatalf("state %v before the poll", got)
	}
	wait := e.NextPoll.Sub(b.s.World().Now)
	b.s.Advance(wait - time.Second)
	if got := b.states(e, 1); got[0] != stateWaiting {
		t.Errorf("state %v one second before the poll", got)
	}
	b.s.Advance(time.Second)
	if got := b.states(e, 1); got[0] != stateExecuted {
		t.Errorf("state %v at the poll", got)
	}
	if after := b.endpoint(e.ID); !after.LastScan.Equal(e.NextPoll) || !after.LastSeen.Equal(e.NextPoll) {
		t.Errorf("scanned %v, seen %v, polled %v", after.LastScan, after.LastSeen, e.NextPoll)
	}
}

func TestCommandsElapse(t *testing.T) {
	b := newBench(t, Options{AccessTTL: long})
	e := b.polling(b.biggest().ID)
	if err := b.s.StopPolling(e.ID); err != nil {
		t.Fatal(err)
	}
	b.send(e, "uninstall", "")
	b.send(e, "restart", "")
	for _, x := range []struct {
		days int
		want []int
	}{{13, []int{2, 2}}, {2, []int{2, 1}}, {14, []int{2, 1}}, {2, []int{1, 1}}} {
		b.s.Advance(time.Duration(x.days) * 24 * time.Hour)
		if got := b.states(e, 2); !slices.Equal(got, x.want) {
			t.Errorf("%d days on: %v, want %v", x.days, got, x.want)
		}
	}
}

func TestScheduledCommand(t *testing.T) {
	b := newBench(t, Options{AccessTTL: long})
	e := b.polling(b.biggest().ID)
	if err := b.s.AddCommand(e.ID, "restart", "", b.s.World().Now.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := b.states(e, 1); got[0] != stateScheduled {
		t.Errorf("state %v", got)
	}
	b.s.Advance(47 * time.Hour)
	if got := b.states(e, 1); got[0] != stateScheduled || b.endpoint(e.ID).Restarted {
		t.Errorf("state %v before its start", got)
	}
	b.s.Advance(26 * time.Hour)
	if got := b.states(e, 1); got[0] != stateExecuted || !b.endpoint(e.ID).Restarted {
		t.Errorf("state %v after its start", got)
	}
}

func TestEffectsOfCommands(t *testing.T) {
	b := newBench(t, Options{AccessTTL: long, Variants: []string{"commands-deactivate"}})
	site := b.biggest()
	e := b.polling(site.ID)
	run := func(command, parameters string) EndpointTruth {
		b.send(b.endpoint(e.ID), command, parameters)
		if err := b.s.Poll(e.ID); err != nil {
			t.Fatal(err)
		}
		return b.endpoint(e.ID)
	}
	if err := b.s.Infect(e.ID, "x.exe", "W32.X"); err != nil {
		t.Fatal(err)
	}
	if got := b.endpoint(e.ID); !got.Infected || got.ActiveThreats == 0 {
		t.Fatal(got)
	}
	if got := run("cleanup", ""); got.Infected || got.ThreatsRemoved <= e.ThreatsRemoved {
		t.Error(got)
	}
	if !run("sysisolate", "ON").Isolated || run("sysisolate", "off").Isolated {
		t.Error("isolation")
	}
	if !run("restart", "").Restarted {
		t.Error("restart")
	}
	if !run("deactivate", "").Deactivated || run("reactivate", "").Deactivated {
		t.Error("deactivation")
	}
	other := b.s.World().Sites[0]
	if other.ID == site.ID {
		other = b.s.World().Sites[1]
	}
	if got := run("changekeycode", dashed(other.Keycode)); got.SiteID != other.ID {
		t.Errorf("it is at %s", got.SiteID)
	}
	b.want(404, "GET", "/console/gsm/{k}/sites/"+site.ID+"/endpoints/"+e.ID, "")
	b.get("/console/gsm/{k}/sites/" + other.ID + "/endpoints/" + e.ID)
	seen := run("uninstall", "").LastSeen
	b.s.Advance(60 * 24 * time.Hour)
	if got := b.endpoint(e.ID); !got.Uninstalled || !got.LastSeen.Equal(seen) {
		t.Errorf("seen at %v after it was uninstalled at %v", got.LastSeen, seen)
	}
}

func TestCommandValidation(t *testing.T) {
	b := newBench(t, Options{})
	e := b.polling(b.biggest().ID)
	before := len(b.s.World().Commands)
	for _, body := range []string{`{}`, `{"Command":""}`, `{"Command":"explode"}`, `{"Command":"deactivate"}`, `{"Command":"sysisolate"}`,
		`{"Command":"sysisolate","Parameters":"maybe"}`, `{"Command":"changekeycode"}`, `{"Command":"changekeycode","Parameters":"123"}`, `{`} {
		b.want(400, "POST", "/console/gsm/{k}/sites/"+e.SiteID+"/endpoints/commands", body)
	}
	if len(b.s.World().Commands) != before {
		t.Error("a refused command was queued")
	}
	for _, entry := range b.s.Log() {
		if entry.Committed && entry.Method == "POST" && strings.HasPrefix(entry.Path, "/service") {
			t.Errorf("logged as committed: %+v", entry)
		}
	}
}

func TestCommandLists(t *testing.T) {
	b := newBench(t, Options{})
	site := b.biggest()
	base := "/console/gsm/{k}/sites/" + site.ID
	list := func(query string) []map[string]any {
		return rows(b.get(base+"/commands?pageSize=1000&"+query), "Commands")
	}
	all := list("")
	column := func(rows []map[string]any, key string) []string {
		var out []string
		for _, r := range rows {
			out = append(out, text(r, key))
		}
		return out
	}
	dates := column(all, "DateRequested")
	if len(all) < 5 || !slices.IsSortedFunc(dates, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Fatalf("%d commands, newest first: %v", len(all), dates)
	}
	if up := column(list("orderDirection=A"), "DateRequested"); !slices.IsSorted(up) {
		t.Error("not oldest first")
	}
	if by := column(list("order=command&orderDirection=A"), "Command"); !slices.IsSorted(by) {
		t.Error("not by command")
	}
	if by := column(list("order=hostname&orderDirection=A"), "HostName"); !slices.IsSortedFunc(by, func(a, b string) int {
		return strings.Compare(strings.ToLower(a), strings.ToLower(b))
	}) {
		t.Error("not by host")
	}
	states := 0
	for _, s := range []string{"1", "2", "3", "4"} {
		for _, r := range list("order=commandstate&commandState=" + s) {
			count(&states, itoa(number(r, "CommandState")) == s)
		}
	}
	if states != len(all) {
		t.Errorf("the states have %d together, want %d", states, len(all))
	}
	mid := dates[len(dates)/2]
	if a, z := len(list("startDate="+mid)), len(list("endDate="+mid)); a+z < len(all)+1 || a == 0 || z == 0 {
		t.Errorf("from %d, to %d of %d: bounds are inclusive", a, z, len(all))
	}
	id := text(all[0], "EndpointId")
	if got := list("endpointId=" + id); len(got) == 0 || len(got) == len(all) {
		t.Errorf("%d of one endpoint", len(got))
	}
	if got := list("command=scan"); len(got) == 0 || len(got) == len(all) {
		t.Errorf("%d scans of %d", len(got), len(all))
	}
	groups := 0
	for _, g := range site.Groups {
		groups += number(b.get(base+"/groups/"+g.ID+"/commands?pageSize=1"), "TotalAvailable")
	}
	recent := len(list("startDate=" + url.QueryEscape(b.s.World().Now.AddDate(0, -6, 0).Format(time.RFC3339))))
	if groups != recent || recent == len(all) {
		t.Errorf("groups show %d, the last six months have %d of %d", groups, recent, len(all))
	}
	for _, bad := range []string{"commandState=5", "commandState=x", "startDate=x", "endDate=x", "pageSize=x"} {
		b.want(400, "GET", base+"/commands?"+bad, "")
	}
}

func TestPollWithinIsQuick(t *testing.T) {
	b := newBench(t, Options{AccessTTL: long, PollWithin: 15 * time.Second})
	e := b.polling(b.biggest().ID)
	b.send(e, "scan", "")
	b.s.Advance(15 * time.Second)
	if got := b.states(e, 1); got[0] != stateExecuted {
		t.Errorf("state %v after 15 seconds", got)
	}
}

func TestSpeedShortensAgentsButNotTokens(t *testing.T) {
	b := newBench(t, Options{Speed: 1440})
	e := b.polling(b.biggest().ID)
	b.send(e, "scan", "")
	b.s.Advance(61 * time.Second) // a day of the agents, who poll at least daily
	if got := b.states(e, 1); got[0] != stateExecuted {
		t.Errorf("state %v after a fast day", got)
	}
	b.s.Advance(4 * time.Minute)
	b.want(401, "GET", "/console/gsm/{k}", "")
}

func TestInfectionsComeAndGo(t *testing.T) {
	b := newBench(t, Options{})
	records := func() (n, infected int) {
		for _, e := range b.s.World().Endpoints {
			n += e.ThreatRecords
			count(&infected, e.Infected)
		}
		return n, infected
	}
	before, _ := records()
	b.s.Advance(90 * 24 * time.Hour)
	after, infected := records()
	if after-before < 100 || after-before > 400 || infected > 150 {
		t.Errorf("%d threats before, %d after, %d still infected", before, after, infected)
	}
}
