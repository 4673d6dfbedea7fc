//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest" //nolint:depguard // this command is a rig itself
)

// glance is how long the technician looks for something at most before giving up on it; on a bad day of the server many
// things do not come.
const glance = 4 * time.Second

// technician sits at the program all day and presses every key that changes nothing in the console.
type technician struct {
	*seat
	random *rand.Rand
	done   map[string]int
}

func newTechnician(s *seat, seed uint64) *technician {
	return &technician{seat: s, random: rand.New(rand.NewPCG(seed, 2)), done: map[string]int{}} //nolint:gosec // a run that can be repeated
}

// habit is something that the technician does, from the dashboard.
type habit struct {
	name   string
	weight int
	do     func(t *technician, ctx context.Context)
}

// habits lists them. Letters are typed only once the line that takes them is seen: elsewhere they would be commands.
func habits() []habit {
	return []habit{
		{"views", 6, (*technician).views},
		{"finds", 4, (*technician).find},
		{"filters", 4, (*technician).filter},
		{"customers", 2, (*technician).customer},
		{"machines", 3, (*technician).machine},
		{"marks", 2, (*technician).marks},
		{"reloads", 4, (*technician).reload},
		{"numbers", 2, (*technician).number},
		{"overlays", 2, (*technician).overlays},
		{"sizes", 1, (*technician).sizes},
	}
}

// work goes on until the context ends.
func (t *technician) work(ctx context.Context) error {
	all, sum := habits(), 0
	for _, h := range all {
		sum += h.weight
	}
	for ctx.Err() == nil {
		n := t.random.IntN(sum)
		for _, h := range all {
			if n -= h.weight; n < 0 {
				h.do(t, ctx)
				t.done[h.name]++
				break
			}
		}
		if err := t.goHome(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (t *technician) one(of ...string) string { return of[t.random.IntN(len(of))] }

// keyOf is the key of a letter.
func keyOf(letter rune) string {
	if letter == ' ' {
		return "space"
	}
	return string(letter)
}

// look is the time that reading takes.
func (t *technician) look(ctx context.Context) {
	_ = rest(ctx, time.Duration(t.random.IntN(400))*time.Millisecond) // the caller sees the end of the context too
}

// wander moves the cursor about.
func (t *technician) wander(ctx context.Context) {
	for range 1 + t.random.IntN(4) {
		t.press(t.one("j", "j", "down", "k", "pgdown", "pgdown", "pgup", "G", "g"))
		t.look(ctx)
	}
}

// open opens a view by its key, and tells whether its list came.
func (t *technician) open(ctx context.Context, key string) bool {
	t.press(key)
	return t.within(ctx, glance, func(s ptytest.Screen) bool { return s.Contains("Console > ") && s.Contains(" rows") })
}

func (t *technician) views(ctx context.Context) {
	for range 1 + t.random.IntN(3) {
		if t.open(ctx, strconv.Itoa(t.random.IntN(10))) {
			t.wander(ctx)
		}
	}
}

func (t *technician) find(ctx context.Context) {
	t.press(t.one("ctrl+p", "f"))
	if !t.within(ctx, glance, has("host, user, IP, MAC, keycode or site")) {
		return
	}
	for _, letter := range t.one("desk", "laptop-", "new-0", "10.0.1", "admin", "pc", "backup01", "renamed", "kim") {
		t.press(keyOf(letter))
	}
	t.look(ctx)
	if !t.within(ctx, glance, has("searched ")) {
		return
	}
	t.press("down", "down")
	if t.random.IntN(2) == 0 {
		t.press("enter")
		t.look(ctx)
	}
}

func (t *technician) filter(ctx context.Context) {
	if !t.open(ctx, "0") {
		return
	}
	t.press("/")
	if !t.within(ctx, glance, has("type to narrow the list")) {
		return
	}
	for _, letter := range t.one("desk", "status:infected", "seen:<2d", "status:stale os:windows", "new-", "site:law", "type:mac seen:>30d") {
		t.press(keyOf(letter))
	}
	t.look(ctx)
	t.press("enter")
	t.wander(ctx)
	t.press("esc")
}

func (t *technician) customer(ctx context.Context) {
	for range t.random.IntN(20) {
		t.press("j")
	}
	t.press("enter")
	if t.within(ctx, glance, has("Console > ")) {
		t.press("tab")
		t.wander(ctx)
	}
}

func (t *technician) machine(ctx context.Context) {
	if !t.open(ctx, t.one("0", "2", "3", "6")) {
		return
	}
	t.wander(ctx)
	t.press("enter")
	t.within(ctx, glance, has("Machine"))
	t.look(ctx)
}

// marks are taken away again, lest they pile up.
func (t *technician) marks(ctx context.Context) {
	if !t.open(ctx, t.one("0", "5", "6")) {
		return
	}
	t.press("space", "j", "space", "v", "pgdown", "v", "a", "A", "*")
	t.look(ctx)
	t.press("*", "u")
}

// reload reads what changed, or only the sites where it stays on the dashboard.
func (t *technician) reload(ctx context.Context) {
	if t.random.IntN(4) > 0 {
		t.open(ctx, strconv.Itoa(t.random.IntN(10)))
	}
	t.press("r")
	t.look(ctx)
}

// number opens what is behind a number of the dashboard.
func (t *technician) number(ctx context.Context) {
	t.press("tab", "g")
	for range t.random.IntN(17) { // the last number is the sign-in
		t.press("down")
	}
	t.press("enter")
	t.look(ctx)
	t.wander(ctx)
	if t.goHome(ctx) == nil {
		t.press("shift+tab")
	}
}

func (t *technician) overlays(ctx context.Context) {
	for range 2 {
		t.press(t.one("?", ":", "J", "M", "L", "o"))
		t.look(ctx)
		t.press("esc")
	}
}

// sizes makes the window small and large again.
func (t *technician) sizes(ctx context.Context) {
	t.term.Resize(80, 24)
	t.look(ctx)
	t.press("0", "pgdown")
	t.look(ctx)
	t.term.Resize(screenW, screenH)
	t.look(ctx)
}

// lookAtChanges has what changed shown, so that none of it is new any more, goes back to the dashboard, and has its numbers
// worked out again.
func (s *seat) lookAtChanges(ctx context.Context) error {
	if err := s.goHome(ctx); err != nil {
		return err
	}
	s.press(":")
	if !s.within(ctx, patience, has("type to narrow")) {
		return fmt.Errorf("the list of commands does not open:\n%s", s.term.Screen())
	}
	for _, letter := range "what changed" {
		s.press(keyOf(letter))
	}
	if !s.within(ctx, patience, has("go to what changed")) {
		return fmt.Errorf("the command is not found:\n%s", s.term.Screen())
	}
	s.press("enter")
	if !s.within(ctx, patience, has("Console > What changed")) {
		return fmt.Errorf("what changed is not shown:\n%s", s.term.Screen())
	}
	if err := s.goHome(ctx); err != nil {
		return err
	}
	s.press("tab", "r", "shift+tab")
	return nil
}
