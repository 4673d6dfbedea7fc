package terminal

import (
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

type blank struct{}

func (blank) Init() tea.Cmd                       { return nil }
func (blank) Update(tea.Msg) (tea.Model, tea.Cmd) { return blank{}, nil }
func (blank) View() tea.View                      { return tea.NewView("blank") }

// TestDrawingIsSeenAndItsEndAwaited fails too when the library calls its goroutine something else.
func TestDrawingIsSeenAndItsEndAwaited(t *testing.T) {
	in, keys, err := os.Pipe() // without input the library waits half a second for its end
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = in.Close(), keys.Close() }()
	p := tea.NewProgram(blank{}, tea.WithInput(in), tea.WithOutput(io.Discard), tea.WithoutSignalHandler(), tea.WithWindowSize(20, 5))
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	p.Send(nil) // taken once the program runs
	for range 50 {
		begun(t)
		if AwaitDrawn(0) {
			t.Fatal("it draws, and is said to have ended")
		}
		if err := p.ReleaseTerminal(); err != nil {
			t.Fatal(err)
		}
		if !AwaitDrawn(10 * time.Second) {
			t.Fatal("the terminal is released, and it still draws")
		}
		if err := p.RestoreTerminal(); err != nil {
			t.Fatal(err)
		}
	}
	p.Quit()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !AwaitDrawn(10 * time.Second) {
		t.Fatal("the program has ended, and it still draws")
	}
}

// begun waits until the program draws.
func begun(t *testing.T) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !drawing(); runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal("the goroutine that draws is not found")
		}
	}
}
