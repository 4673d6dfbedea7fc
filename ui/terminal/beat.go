package terminal

import (
	"reflect"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Beat paces the frames. Bubble Tea looks for a new frame at a fixed beat, so a key waits for half of it on average, and an idle
// program is woken by it for nothing: forty times a second cost one per cent of a core. A Beat makes it fast right after a
// message that follows a pause, even while messages come one after another, and slow while none comes, so that no frame is late,
// however long after the one before. The zero Beat does nothing until it is given a program, and nothing but what Bubble Tea does
// itself where that has no ticker to be set.
type Beat struct {
	mu      sync.Mutex
	program *tea.Program
	ticker  *time.Ticker
	// pace is the time between two beats, last when something happened, and turn what looks whether the pace is still right.
	pace time.Duration
	last time.Time
	turn *time.Timer
}

// The paces, and how long they hold.
const (
	quickBeat = 3 * time.Millisecond
	quickFor  = 40 * time.Millisecond
	evenBeat  = time.Second / framesPerSecond
	evenFor   = 100 * time.Millisecond
	slowBeat  = 500 * time.Millisecond
)

// Pace returns a model that is the given one, and sets the beat by what comes to it.
func (b *Beat) Pace(m tea.Model) tea.Model { return paced{Model: m, beat: b} }

// paced is a model with its beat. The beat is set before a message is worked off, because that is the sooner, and again once there is
// something to draw, because it may have become slow meanwhile.
type paced struct {
	tea.Model
	beat *Beat
}

func (p paced) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	p.beat.message()
	m, cmd := p.Model.Update(msg)
	p.Model = m
	return p, cmd
}

func (p paced) View() tea.View {
	v := p.Model.View()
	p.beat.message()
	return v
}

// Adopt makes a program's beat the one that is paced. It is called before the program runs.
func (b *Beat) Adopt(p *tea.Program) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.program = p
}

// message notes that something happens.
func (b *Beat) message() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ticker == nil {
		if b.ticker = tickerOf(b.program); b.ticker == nil {
			return
		}
		b.turn = time.AfterFunc(quickFor, b.look)
	}
	now := time.Now()
	paused := now.Sub(b.last) > evenBeat
	b.last = now
	if paused && b.pace != quickBeat {
		b.set(quickBeat, quickFor)
	}
}

// Stop ends the pacing.
func (b *Beat) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.turn != nil {
		b.turn.Stop()
	}
	b.program, b.ticker = nil, nil
}

// look takes the next pace once the one in force has held long enough.
func (b *Beat) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch quiet := time.Since(b.last); {
	case b.ticker == nil:
	case b.pace == quickBeat:
		b.set(evenBeat, evenFor)
	case b.pace == evenBeat && quiet < evenFor:
		b.turn.Reset(evenFor - quiet)
	case b.pace == evenBeat:
		b.set(slowBeat, 0)
	}
}

// set sets the pace, and when to look again, zero for not before the next message. The lock must be held.
func (b *Beat) set(pace, hold time.Duration) {
	b.pace = pace
	b.ticker.Reset(pace)
	if hold > 0 {
		b.turn.Reset(hold)
	}
}

// tickerOf finds the ticker of a program that runs. Bubble Tea keeps it to itself and has no other way to set the beat of a running
// program; where a later version has none of that name and type, it is nil.
func tickerOf(p *tea.Program) *time.Ticker {
	if p == nil {
		return nil
	}
	f := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return (*time.Ticker)(f.UnsafePointer())
}
