//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest" //nolint:depguard // this command is a rig itself
)

// The size of the terminal is such that all numbers of the dashboard have room, with their bars.
const (
	screenW = 200
	screenH = 56
)

// seat is somebody at a terminal in which the program runs.
type seat struct {
	tb     *ptytest.Rig
	term   *ptytest.Term
	socket string
	keys   int
}

// sit starts the program in a home of its own; what f does at it ends with the program. A wait takes as long as patience
// at most.
func (w *world) sit(ctx context.Context, home string, patience time.Duration, f func(*seat) error) error {
	env, err := w.environment(home)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	socket := filepath.Join(w.dir, home, "vitals")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	tb := &ptytest.Rig{}
	var failed error
	err = tb.Apart(func() {
		term := ptytest.Start(tb, self, nil, ptytest.Opt{W: screenW, H: screenH, Env: append(env, childVariable+"="+socket), Dir: w.dir, Deadline: patience})
		failed = f(&seat{tb: tb, term: term, socket: socket})
	})
	return errors.Join(err, failed, ctx.Err())
}

// press presses keys at a person's pace.
func (s *seat) press(names ...string) {
	s.keys += len(names)
	s.term.Keys(names...)
	if len(names) > 0 {
		<-time.After(keyGap)
	}
}

// keyGap is the pause after the last key of several; those between them are ptytest's.
const keyGap = 60 * time.Millisecond

// within waits for something on the screen, for less than the seat's patience; false when it does not come.
func (s *seat) within(ctx context.Context, limit time.Duration, ok func(ptytest.Screen) bool) bool {
	for end := time.Now().Add(limit); ; {
		if ok(s.term.Screen()) {
			return true
		}
		if !time.Now().Before(end) || rest(ctx, 20*time.Millisecond) != nil {
			return false
		}
	}
}

// has tells whether a text is on the screen.
func has(text string) func(ptytest.Screen) bool {
	return func(s ptytest.Screen) bool { return s.Contains(text) }
}

// atHome tells whether the dashboard is on the screen, with nothing over it: whatever lies over it has other hints in the last line.
func atHome(s ptytest.Screen) bool {
	return strings.Contains(s.Line(s.Height-1), "? help") && s.Contains("newly changed") && s.Contains("seats used") && s.Contains("licences ending")
}

// goHome closes whatever is open. Esc does nothing on the first screen. Each one is given time to work before the next: a key that
// a busy program reads together with an esc is another key to it.
func (s *seat) goHome(ctx context.Context) error {
	for range 12 {
		if s.within(ctx, 100*time.Millisecond, atHome) {
			return rest(ctx, 2*keyGap)
		}
		before := s.term.Screen().Text()
		s.press("esc")
		s.within(ctx, 2*time.Second, func(x ptytest.Screen) bool { return x.Text() != before })
	}
	if s.within(ctx, 5*time.Second, atHome) {
		return rest(ctx, 2*keyGap)
	}
	return fmt.Errorf("there is no way back to the dashboard:\n%s", s.term.Screen())
}

// tiles are the names of the dashboard's numbers; those that begin like another one come before it.
func tiles() []string {
	return []string{"infected", "needs attention", "stale", "deactivated, seen", "duplicates", "outdated agents", "policy drift", "seats over",
		"licences ending", "everything", "machines ok", "deactivated", "without a report", "seats used", "newly changed", "commands under way",
		"favourites", "sites not read", "jobs under way"}
}

// readTiles reads the numbers off the dashboard.
func readTiles(s ptytest.Screen) map[string]string {
	var rows []string
	for _, line := range s.Lines() {
		if strings.Contains(line, "Keycode") && strings.Contains(line, "Seats") {
			break // the list of sites begins
		}
		rows = append(rows, line)
	}
	out := map[string]string{}
	for _, name := range tiles() {
		// A number of its own key stands in front of some names; others begin a cell. A plus says that there may be more.
		find := regexp.MustCompile(`(?:^|[\s│|])` + regexp.QuoteMeta(name) + `\s+([0-9?][0-9,/]*\+?)(?:\s|,|$)`)
		for _, row := range rows {
			if m := find.FindStringSubmatch(row); m != nil {
				out[name] = strings.TrimRight(m[1], ",")
				break
			}
		}
	}
	return out
}
