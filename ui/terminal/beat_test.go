package terminal

import (
	"io"
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
					b.Message()
					next = time.After(every)
				case <-end:
					return n
				}
			}
		}
		b.Message()
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

// quitter ends with the first message that is its own.
type quitter struct{}

func (q quitter) Init() tea.Cmd  { return func() tea.Msg { return quitter{} } }
func (q quitter) View() tea.View { return tea.NewView("") }
func (q quitter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(quitter); ok {
		return q, tea.Quit
	}
	return q, nil
}

// TestBeatOfAProgram fails when the version of Bubble Tea that is in use keeps its ticker elsewhere.
func TestBeatOfAProgram(t *testing.T) {
	b, found := &Beat{}, false
	p := tea.NewProgram(quitter{}, tea.WithInput(nil), tea.WithOutput(io.Discard), tea.WithoutSignals(), tea.WithWindowSize(20, 5),
		tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg {
			b.Message()
			b.mu.Lock()
			defer b.mu.Unlock()
			found = found || b.ticker != nil && b.pace == quickBeat
			return msg
		}))
	b.Message() // it has no program yet
	b.Adopt(p)
	defer b.Stop()
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Error("the beat of a program is not set")
	}
}
