package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/unitty/unitty/docs/gen/gen"
)

const head = `# Verbs

<!-- Written by docs/gen/verbs from the program's own help; change the verbs in cli/, not this page. -->

Without a verb ` + "`unitty`" + ` opens the full-screen console. The flags at the end of the first text hold for every verb.
`

// page builds the program, walks the tree of its verbs and writes down their help.
func page(ctx context.Context) ([]byte, error) {
	dir, err := os.MkdirTemp("", "unitty-verbs-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin, err := gen.Program(ctx, dir)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(head)
	if err := walk(&b, helper(ctx, bin, dir), nil); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// helper gives the help of a verb. The program sees an empty home, so that nobody's configuration gets into the page.
func helper(ctx context.Context, bin, home string) func(verb []string) (string, error) {
	return func(verb []string) (string, error) {
		cmd := exec.CommandContext(ctx, bin, append(verb[:len(verb):len(verb)], "--help")...) //nolint:gosec // the program just built, with names from its own help
		cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TERM=dumb"}
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("unitty %s --help: %w", strings.Join(verb, " "), err)
		}
		return string(out), nil
	}
}

// walk writes the help of a verb and of all below it.
func walk(b *bytes.Buffer, help func([]string) (string, error), verb []string) error {
	text, err := help(verb)
	if err != nil {
		return err
	}
	if strings.TrimSpace(text) == "" {
		return errors.New("a help text is empty")
	}
	name := strings.Join(append([]string{"unitty"}, verb...), " ")
	own, global, _ := strings.Cut(text, "\nGlobal Flags:\n")
	if _, after, ok := strings.Cut(global, "\n\n"); ok && len(verb) > 0 {
		own += "\n" + after
	}
	fmt.Fprintf(b, "\n%s %s\n\n```text\n%s\n```\n", strings.Repeat("#", 2+max(len(verb)-1, 0)), name, strings.TrimSpace(own))
	for _, sub := range children(text) {
		if sub == "help" {
			continue
		}
		if err := walk(b, help, append(verb[:len(verb):len(verb)], sub)); err != nil {
			return err
		}
	}
	return nil
}

// children reads the names of the verbs below one from its help.
func children(text string) []string {
	_, list, ok := strings.Cut(text, "\nAvailable Commands:\n")
	if !ok {
		return nil
	}
	var names []string
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			break
		}
		names = append(names, fields[0])
	}
	return names
}
