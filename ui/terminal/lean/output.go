package lean

import (
	"fmt"
	"os"
	"sync"
)

// Output is a terminal that gets only what it has to. It is a file to the library that draws, which asks it for its size and its
// state. It is safe for concurrent use.
type Output struct {
	file *os.File
	size func() (w, h int)

	mu     sync.Mutex
	screen Screen
}

// NewOutput returns an Output for a terminal, whose size in cells is asked for before each write.
func NewOutput(terminal *os.File, size func() (w, h int)) *Output {
	return &Output{file: terminal, size: size}
}

// Write sends what the terminal does not show already. It reports all of p as written, or nothing with the error of the terminal;
// a sequence must not be cut in two between calls.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.screen.Resize(o.size())
	thin := o.screen.Thin(p)
	if len(thin) == 0 {
		return len(p), nil
	}
	if _, err := o.file.Write(thin); err != nil {
		o.screen.Forget()
		return 0, fmt.Errorf("terminal: %w", err)
	}
	return len(p), nil
}

// Read reads from the terminal.
func (o *Output) Read(p []byte) (int, error) { return o.file.Read(p) } //nolint:wrapcheck // io.EOF has to stay what it is

// Close closes the terminal.
func (o *Output) Close() error { return o.file.Close() } //nolint:wrapcheck // the error of a file says all

// Fd is the descriptor of the terminal.
func (o *Output) Fd() uintptr { return o.file.Fd() }
