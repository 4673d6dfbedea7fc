package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/views"
)

// firstFrame is how long the machines of the snapshot let the first screen go first.
const firstFrame = 100 * time.Millisecond

// keepFleet has the picture of the session's console painted from disk, and kept current once somebody is signed in, until
// the session is left or ctx ends.
func (s *screenOf) keepFleet(ctx context.Context, sess *session, env *views.Env) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	if s.stopFleet != nil {
		s.stopFleet()
	}
	s.stopFleet = cancel
	s.mu.Unlock()
	kept := sess.openFleet()
	env.Fleet = views.Watch(ctx, kept)
	if s.demo {
		go identifyAll(ctx, env.Fleet)
	}
	go func() {
		_ = kept.LoadBehind(ctx, firstFrame) // what is wrong with the file stands in the state; the server knows all of it anyway
		if sess.ready(ctx) {
			_ = kept.Run(ctx)
		}
	}()
}

// identifyAll has the machines that no list tells from others asked for as soon as everything else was read, instead of a few a
// minute: for a console in this process, which nobody else waits for. Its numbers are exact then.
func identifyAll(ctx context.Context, f views.Fleet) {
	for last := -1; ; {
		changed := f.Changed() // before the look, so that nothing falls between the two
		if p := f.Current(); p.Complete() && !p.StatusAt.IsZero() {
			left := p.Unreported()
			if left == 0 {
				return
			}
			if last < 0 || left < last { // not all are asked for at once; of the rest nobody can tell
				last = left
				f.Identify()
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// flushed waits until the customers of the session before are saved; flush does so for the next one.
func (s *screenOf) flushed(flush func()) {
	s.mu.Lock()
	before := s.flush
	s.flush = flush
	s.mu.Unlock()
	if before != nil {
		before()
	}
}

// ready waits for a sign-in and tells whether there is one, or ctx ended before.
func (sess *session) ready(ctx context.Context) bool {
	pause, next := time.Second, time.Time{}
	for ctx.Err() == nil {
		if sess.engine.Status().State == auth.Ready || !time.Now().Before(next) {
			// Asking signs in where the credentials are at hand; it is not repeated as fast as the look at the state.
			if _, err := sess.engineToken(ctx); err == nil {
				return true
			}
			next = time.Now().Add(pause)
			pause = min(2*pause, time.Minute)
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return false
}

// savedViews are the views of the configuration, by name.
func (c *config) savedViews() []views.SavedView {
	var out []views.SavedView
	for name, v := range c.Views {
		out = append(out, views.SavedView{Name: name, Where: v.Where, Sort: v.Sort})
	}
	slices.SortFunc(out, func(a, b views.SavedView) int { return compareFolded(a.Name, b.Name) })
	return out
}

func compareFolded(a, b string) int {
	switch x, y := unity.Fold(a), unity.Fold(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	default:
		return 0
	}
}

// viewWarnings are the mistakes in the saved views, with the file they stand in.
func viewWarnings(set *settings) []string {
	var out []string
	for _, w := range views.CheckViews(set.config.savedViews()) {
		out = append(out, set.paths.configFile()+": "+w)
	}
	return out
}

// places is where a profile's favourite and recent customers are kept.
func (p paths) places(profile string) string {
	return filepath.Join(p.State, "places-"+profile+".json")
}

// openBook goes on with the favourite and recent customers of the profile. A file that a newer unitty wrote is left alone; an
// unreadable one is as good as none.
func openBook(set *settings) *views.PlaceBook {
	path := set.paths.places(set.Profile)
	var b views.Book
	raw, err := os.ReadFile(path)
	if err == nil && json.Unmarshal(raw, &b) != nil {
		b = views.Book{}
	}
	if b.Format > views.BookFormat {
		return views.NewPlaceBook(views.Book{}, nil)
	}
	return views.NewPlaceBook(b, func(next views.Book) {
		if raw, err := json.MarshalIndent(next, "", "  "); err == nil {
			_ = writePrivate(path, append(raw, '\n')) // a comfort: not worth a message
		}
	})
}
