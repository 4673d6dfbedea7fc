//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/unitty/unitty/ui/terminal/ptytest" //nolint:depguard // this command is a rig itself
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// target is a machine to look for, with the parts of its line that can be told on a screen.
type target struct {
	unitytest.EndpointTruth
	siteName string
	shows    []string
}

// place is a name at a site.
type place struct{ site, host string }

func placeOf(e *unitytest.EndpointTruth) place { return place{e.SiteID, folded(e.HostName)} }

// survey is what has to be known of a whole world to tell its machines apart on a screen.
type survey struct {
	sites map[string]string // names by id
	// waiting are machines that a scan waits for.
	waiting map[string]bool
	// records counts the records of a name at a site, seen are the times of the active ones, and hosts counts those of a name anywhere.
	records map[place]int
	seen    map[place][]time.Time
	hosts   map[string]int
	// lines are the names behind what is shown in a line.
	lines map[string]map[place]bool
}

func surveyOf(w unitytest.Snapshot) *survey {
	s := &survey{sites: map[string]string{}, waiting: map[string]bool{}, records: map[place]int{}, seen: map[place][]time.Time{}, hosts: map[string]int{},
		lines: map[string]map[place]bool{}}
	for _, site := range w.Sites {
		s.sites[site.ID] = site.Name
	}
	for _, c := range w.Commands {
		if c.Name == "scan" && c.ExecutedAt.IsZero() && c.End.After(w.Now) {
			s.waiting[c.EndpointID] = true
		}
	}
	for i := range w.Endpoints {
		at := placeOf(&w.Endpoints[i])
		s.records[at]++
		s.hosts[at.host]++
		if e := &w.Endpoints[i]; !e.Deactivated {
			s.seen[at] = append(s.seen[at], e.LastSeen)
		}
	}
	for i := range w.Endpoints {
		t := s.target(&w.Endpoints[i])
		if s.lines[t.line()] == nil {
			s.lines[t.line()] = map[place]bool{}
		}
		s.lines[t.line()][placeOf(&t.EndpointTruth)] = true
	}
	return s
}

// target is a machine with what its line shows. The console does not say whose the reports of records are that share their name
// with another record of their site, so a line of theirs need not have a user.
func (s *survey) target(e *unitytest.EndpointTruth) target {
	t := target{EndpointTruth: *e, siteName: s.sites[e.SiteID]}
	parts := []string{t.HostName, t.siteName}
	if s.records[placeOf(e)] == 1 {
		parts = append(parts, t.User)
	}
	for _, part := range parts {
		if plain(part) {
			t.shows = append(t.shows, part)
		}
	}
	return t
}

// tellable tells that a line can be no other machine's. Of active records of a name the one that was seen last is meant; one
// without a name has nothing that could be looked for.
func (s *survey) tellable(t *target) bool {
	at := placeOf(&t.EndpointTruth)
	newest := 0
	for _, seen := range s.seen[at] {
		if !seen.Before(t.LastSeen) {
			newest++ // itself, for one
		}
	}
	return at.host != "" && (plain(t.HostName) || plain(t.User)) && newest == 1 && len(s.lines[t.line()]) == 1 &&
		(plain(t.siteName) || s.hosts[at.host] == 1)
}

// choose picks machines of a world at random: active ones that no scan waits for and whose line is no other one's.
func choose(w unitytest.Snapshot, r *rand.Rand, n int) (out []target, leftOut int) {
	s := surveyOf(w)
	for _, i := range r.Perm(len(w.Endpoints)) {
		switch t := s.target(&w.Endpoints[i]); {
		case t.Deactivated || s.waiting[t.ID]:
		case !s.tellable(&t):
			leftOut++
		default:
			out = append(out, t)
		}
		if len(out) == n {
			break
		}
	}
	return out, leftOut
}

// line is what tells the line of a machine from those of others.
func (t *target) line() string { return strings.Join(t.shows, "\n") }

// plain tells that a name stands on the screen as it is.
func plain(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' && r != ' ' || r > '~' && r < 0xa1 || r > 0x24f })
}

// query is what a technician types of a machine.
type query struct{ by, text string }

// queries are what a technician tries, who knows host name, customer, user and addresses: the end of the name, which is what
// tells names such as DESKTOP-7F3K2L1 apart; what the user is called; the end of the address; the last digits on the network
// card; and of names that many have the end or the beginning, with the customer's initials.
func (t *target) queries() []query {
	var out []query
	add := func(by, text string) {
		if text = strings.TrimSpace(strings.ToLower(text)); text != "" && !slices.Contains(out, query{by, text}) {
			out = append(out, query{by, text})
		}
	}
	tail := func(name string, n int) string {
		letters := []rune(name)
		return string(letters[max(0, len(letters)-n):])
	}
	add("host", tail(t.HostName, mostLetter))
	add("host", tail(t.HostName, mostLetter-1))
	add("host", tail(t.HostName, mostLetter-2))
	if t.User != "Administrator" {
		add("user", tail(t.User, mostLetter))
	}
	add("IP", tail(t.IP, mostLetter))
	add("IP", tail(t.IP, mostLetter-1))
	add("MAC", tail(t.MAC, mostLetter-1))
	add("MAC", tail(strings.ReplaceAll(t.MAC, ":", ""), mostLetter))
	short := initials(t.siteName, mostLetter/2)
	for left := mostLetter - 1 - len([]rune(short)); short != "" && left > 0; left-- {
		add("host and customer", tail(t.HostName, left)+" "+short)
		add("host and customer", head(t.HostName, left)+" "+short)
	}
	return out
}

// head is the beginning of a name.
func head(name string, n int) string {
	letters := []rune(name)
	return string(letters[:min(n, len(letters))])
}

// initials are the first letters of the words of a name, of at most so many; what is no word is left out.
func initials(name string, most int) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if first := []rune(word)[0]; unicode.IsLetter(first) && len(out) < most {
			out = append(out, first)
		}
	}
	if len(out) < 2 {
		return ""
	}
	return string(out)
}

// reach has n machines of a world scanned.
func (k *keyed) reach(ctx context.Context, w *world, s *seat, seed uint64, n int) error {
	targets, leftOut := choose(w.sim.World(), rand.New(rand.NewPCG(seed, 6)), n) //nolint:gosec // a run that can be repeated
	k.Unnamed += leftOut
	for i := range targets {
		got, err := s.scan(ctx, w, &targets[i])
		if err != nil {
			return err
		}
		got.Seed, got.Host, got.Site = seed, targets[i].HostName, targets[i].siteName
		k.Hosts = append(k.Hosts, got)
	}
	return nil
}

// scan finds a machine and has it scanned, by the first of the ways that takes few enough keys.
func (s *seat) scan(ctx context.Context, w *world, t *target) (reached, error) {
	var got reached
	for _, q := range t.queries() {
		got.Tries++
		at, err := s.search(ctx, q.text, t)
		if err != nil {
			return got, err
		}
		keys := len([]rune(q.text)) + at + otherKeys
		if at < 0 || keys > mostKeys {
			got.Reason = strings.TrimPrefix(fmt.Sprintf("%s; %s %q: place %d", got.Reason, q.by, q.text, at), "; ")
			continue
		}
		got.By, got.Typed, got.Keys = q.by, q.text, keys
		got.Sent, err = s.send(ctx, w, t, at)
		return got, err
	}
	return got, nil
}

// search opens the search, types, and gives the place of the machine among the hits on the screen, or -1.
func (s *seat) search(ctx context.Context, text string, t *target) (int, error) {
	if err := s.goHome(ctx); err != nil {
		return -1, err
	}
	open := has("host, user, IP, MAC, keycode or site")
	if s.press("ctrl+p"); !s.within(ctx, patience, open) {
		return -1, fmt.Errorf("the search does not open:\n%s", s.term.Screen())
	}
	for _, letter := range text {
		s.press(keyOf(letter))
	}
	place := -1
	over := s.within(ctx, patience, func(x ptytest.Screen) (done bool) {
		place, done = hitOf(x, text, t)
		return done
	})
	if !over {
		return -1, fmt.Errorf("the search for %q does not end:\n%s", text, s.term.Screen())
	}
	return place, nil
}

// hitOf finds the line of a machine among the hits; done tells that the search for the text is over.
func hitOf(x ptytest.Screen, text string, t *target) (place int, done bool) {
	at := -1
	for y, line := range x.Lines() {
		if _, box, ok := strings.Cut(line, "| > "+text+" "); ok && strings.Contains(box, "|") {
			at = y
		}
	}
	if at < 0 || !strings.Contains(x.Line(at+1), "searched ") {
		return -1, false
	}
	for y := at + 2; y < x.Height; y++ {
		line := x.Line(y)
		machine := strings.Contains(line, "machine |")
		if !machine && !strings.Contains(line, "site |") {
			break
		}
		if machine && !strings.Contains(line, fleet.StateGone) && !slices.ContainsFunc(t.shows, func(part string) bool { return !strings.Contains(line, part) }) {
			return y - at - 2, true
		}
	}
	return -1, true
}

// send scans the hit at a place, and tells whether the server got that and nothing else.
func (s *seat) send(ctx context.Context, w *world, t *target, at int) (bool, error) {
	w.sim.ResetLog()
	for range at {
		s.press("down")
	}
	s.press("tab")
	if !s.within(ctx, patience, has("keys act on the chosen line")) {
		return false, fmt.Errorf("the line does not take keys:\n%s", s.term.Screen())
	}
	s.press("s")
	if !s.within(ctx, patience, func(x ptytest.Screen) bool { return x.Contains("y send") || x.Contains("Send (y)") }) {
		return false, fmt.Errorf("nobody asks whether to scan:\n%s", s.term.Screen())
	}
	// Somebody reads the question first. A key that comes with it is no answer.
	if err := rest(ctx, readingTime); err != nil {
		return false, err
	}
	s.press("y")
	sent := s.within(ctx, patience, func(ptytest.Screen) bool { return len(changesIn(w.sim.Log())) > 0 })
	if err := s.goHome(ctx); err != nil {
		return false, err
	}
	changes := changesIn(w.sim.Log())
	return sent && len(changes) == 1 && scans(changes[0], t.ID), nil
}

// changesIn are the requests that changed the console.
func changesIn(log []unitytest.Entry) []unitytest.Entry {
	return slices.DeleteFunc(log, func(e unitytest.Entry) bool {
		return e.Method == http.MethodGet || !strings.HasPrefix(e.Path, "/service/")
	})
}

// scans tells that a request was carried out and is for the scan of one machine.
func scans(e unitytest.Entry, id string) bool {
	var body struct{ Command, EndpointsList string }
	return e.Committed && strings.HasSuffix(e.Path, "/commands") && json.Unmarshal([]byte(e.Body), &body) == nil &&
		body.Command == "scan" && strings.EqualFold(strings.TrimSpace(body.EndpointsList), id)
}
