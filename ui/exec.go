package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	tea "charm.land/bubbletea/v2"
)

// Program is a program of the user that runs on the terminal while the screens stand aside.
type Program struct {
	// Name is what the user calls it, Args the program with its arguments.
	Name string
	Args []string
	// Input is what it reads on standard input, Env its whole environment.
	Input []byte
	Env   []string
}

// RunProgram gives the terminal to a program and takes it back when the user has seen what it wrote. Its end is said in a
// message. The program runs as it is: no shell reads its arguments.
func RunProgram(p Program) tea.Cmd {
	return tea.Exec(&visible{program: p}, func(err error) tea.Msg {
		if err != nil {
			return toastMsg{level: Warn, text: clean(p.Name + ": " + err.Error())}
		}
		return toastMsg{level: Good, text: clean(p.Name + " has ended")}
	})
}

// visible runs a program and waits for a key before the screens come back, so that what it wrote can be read.
type visible struct {
	program  Program
	keys     io.Reader
	out, err io.Writer
}

// SetStdin keeps the terminal for the key at the end; the program reads its own input.
func (v *visible) SetStdin(r io.Reader)  { v.keys = r }
func (v *visible) SetStdout(w io.Writer) { v.out = w }
func (v *visible) SetStderr(w io.Writer) { v.err = w }

// Run runs the program to its end.
func (v *visible) Run() error {
	if len(v.program.Args) == 0 {
		return errors.New("there is no program to run")
	}
	//nolint:gosec // running the program that the user has configured is what this is for
	cmd := exec.CommandContext(context.Background(), v.program.Args[0], v.program.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = bytes.NewReader(v.program.Input), v.out, v.err, v.program.Env
	err := cmd.Run()
	end := "ended"
	if err != nil {
		end = clean(err.Error())
	}
	if v.out != nil && v.keys != nil {
		_, _ = fmt.Fprintf(v.out, "\n[%s: %s] press enter to go back to unitty ", clean(v.program.Name), end)
		untilLine(v.keys)
	}
	return err
}

// untilLine reads up to the end of a line, or of the input.
func untilLine(r io.Reader) {
	buf := make([]byte, 1)
	for {
		n, err := r.Read(buf)
		if err != nil || n > 0 && (buf[0] == '\n' || buf[0] == '\r') {
			return
		}
	}
}
