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

// choose picks machines of a world at random: active ones that no scan waits for and whose line is no other one's. The console
// does not say whose the reports of records are that share their name with another record of their site, or have none, so a line
// of theirs need not have a user. Of active ones of a name the one that was seen last is meant; one without a name has nothing that
// could be looked for.
func choose(w unitytest.Snapshot, r *rand.Rand, n int) (out []target, leftOut int) {
	sites, waiting := map[string]string{}, map[string]bool{}
	records, latest, hosts := map[place]int{}, map[place][]time.Time{}, map[string]int{}
	for i := range w.Endpoints {
		e := &w.Endpoints[i]
		at := place{e.SiteID, folded(e.HostName)}
		hosts[at.host]++
		if records[at]++; !e.Deactivated {
			latest[at] = append(latest[at], e.LastSeen)
		}
	}
	for _, s := range w.Sites {
		sites[s.ID] = s.Name
	}
	for _, c := range w.Commands {
		if c.Name == "scan" && c.ExecutedAt.IsZero() && c.End.After(w.Now) {
			waiting[c.EndpointID] = true
		}
	}
	lines := map[string]map[place]bool{}
	all := make([]target, len(w.Endpoints))
	for i := range w.Endpoints {
		t := &all[i]
		t.EndpointTruth, t.siteName = w.Endpoints[i], sites[w.Endpoints[i].SiteID]
		parts := []string{t.HostName, t.siteName}
		if records[place{t.SiteID, folded(t.HostName)}] == 1 {
			parts = append(parts, t.User)
		}
		for _, part := range parts {
			if plain(part) {
				t.shows = append(t.shows, part)
			}
		}
		if lines[t.line()] == nil {
			lines[t.line()] = map[place]bool{}
		}
		lines[t.line()][place{t.SiteID, folded(t.HostName)}] = true
	}
	for _, i := range r.Perm(len(all)) {
		t := all[i]
		switch {
		case t.Deactivated || waiting[t.ID]:
		case folded(t.HostName) == "", !plain(t.HostName) && !plain(t.User), replaced(t.LastSeen, latest[place{t.SiteID, folded(t.HostName)}]),
			len(lines[t.line()]) > 1, !plain(t.siteName) && hosts[folded(t.HostName)] > 1:
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

// replaced tells that a record was not seen later than every other active record of its name.
func replaced(seen time.Time, all []time.Time) bool {
	n := 0
	for _, at := range all {
		if !at.Before(seen) {
			n++
		}
	}
	return n > 1
}

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
	for y := at + 2; y < x.Height && strings.Contains(x.Line(y), "machine |") || strings.Contains(x.Line(y), "site |"); y++ {
		line := x.Line(y)
		if !slices.ContainsFunc(t.shows, func(part string) bool { return !strings.Contains(line, part) }) && strings.Contains(line, "machine |") &&
			!strings.Contains(line, fleet.StateGone) {
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
