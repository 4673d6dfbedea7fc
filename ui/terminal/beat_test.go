package terminal

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
)

// TestBeat counts the beats after a message, while messages go on, and once nothing happens.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ticker := time.NewTicker(evenBeat)
		defer ticker.Stop()
		b := &Beat{ticker: ticker}
		b.turn = time.AfterFunc(time.Hour, b.look)
		defer b.Stop()
		beats := func(d time.Duration, every time.Duration) (n int) {
			end, next := time.After(d), time.After(every)
			for {
				select {
				case <-ticker.C:
					n++
				case <-next:
					b.message()
					next = time.After(every)
				case <-end:
					return n
				}
			}
		}
		b.message()
		if n := beats(quickFor, time.Hour); n < 12 || n > 14 {
			t.Errorf("%d beats right after a message", n)
		}
		beats(evenFor+2*evenBeat, time.Hour)
		if n := beats(10*time.Second, time.Hour); n < 19 || n > 21 {
			t.Errorf("%d beats in ten seconds without a message", n)
		}
		beats(quickFor, 5*time.Millisecond)
		if n := beats(time.Second, 5*time.Millisecond); n < framesPerSecond-1 || n > framesPerSecond+14 {
			t.Errorf("%d beats in a second of messages", n)
		}
		if n := beats(10*time.Second, time.Second); n > 10*25+20 {
			t.Errorf("%d beats in ten seconds with a message in each", n)
		}
	})
}

// quitter ends with the first message that is its own, and notes whether its beat was set by then.
type quitter struct {
	beat *Beat
	set  *bool
}

func (q quitter) Init() tea.Cmd  { return func() tea.Msg { return quitter{} } }
func (q quitter) View() tea.View { return tea.NewView("") }
func (q quitter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	q.beat.mu.Lock()
	*q.set = *q.set || q.beat.ticker != nil && q.beat.pace == quickBeat
	q.beat.mu.Unlock()
	if _, ok := msg.(quitter); ok {
		return q, tea.Quit
	}
	return q, nil
}

// TestBeatOfAProgram fails when the version of Bubble Tea that is in use keeps its ticker elsewhere.
func TestBeatOfAProgram(t *testing.T) {
	b, set := &Beat{}, false
	p := tea.NewProgram(b.Pace(quitter{b, &set}), tea.WithInput(nil), tea.WithOutput(io.Discard), tea.WithoutSignals(), tea.WithWindowSize(20, 5))
	b.message() // it has no program yet
	b.Adopt(p)
	defer b.Stop()
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if !set {
		t.Error("the beat of a program is not set")
	}
}

// sink notes when something was sent last.
type sink struct {
	mu   sync.Mutex
	last time.Time
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	return len(p), nil
}

func (s *sink) at() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// counter shows how many messages of its own it got. Each takes it a while.
type counter struct {
	n    int
	work time.Duration
}

type step struct{}

func (c counter) Init() tea.Cmd  { return nil }
func (c counter) View() tea.View { return tea.NewView(fmt.Sprint("\nframe", c.n, "\n")) }
func (c counter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(step); ok {
		<-time.After(c.work)
		c.n++
	}
	return c, nil
}

// TestNoFrameIsLate measures, with a clock that costs nothing, how long after a message the frame stands: after idling for less and for
// more than the beats hold, and where the message takes long to be worked off.
func TestNoFrameIsLate(t *testing.T) {
	for _, work := range []time.Duration{0, 30 * time.Millisecond, 150 * time.Millisecond, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b, out := &Beat{}, &sink{}
			p := tea.NewProgram(b.Pace(counter{work: work}), tea.WithInput(nil), tea.WithOutput(out), tea.WithoutSignalHandler(),
				tea.WithWindowSize(20, 5), tea.WithFPS(framesPerSecond), tea.WithEnvironment([]string{"TERM=xterm"}))
			b.Adopt(p)
			defer b.Stop()
			done := make(chan error, 1)
			go func() { _, err := p.Run(); done <- err }()
			worst := time.Duration(0)
			for _, idle := range []int{1000, 5, 15, 21, 39, 41, 99, 101, 139, 141, 250, 499, 501, 700, 10_000, 60_000} {
				<-time.After(time.Duration(idle) * time.Millisecond)
				ready := time.Now().Add(work)
				p.Send(step{})
				<-time.After(work + 600*time.Millisecond)
				if out.at().Before(ready) {
					t.Errorf("work of %v, after %d ms: no frame", work, idle)
				}
				worst = max(worst, out.at().Sub(ready))
			}
			p.Quit()
			if err := <-done; err != nil {
				t.Error(err)
			}
			t.Logf("work of %v: at most %v late", work, worst)
			if worst > time.Second/framesPerSecond {
				t.Errorf("work of %v: a frame is %v late", work, worst)
			}
		})
	}
}
