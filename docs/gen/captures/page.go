//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/unitty/unitty/docs/gen/gen"
)

const head = `# Signing in

<!-- Written by docs/gen/captures, which runs the built program in terminals of 80 columns; change the program, not this page. -->

What a terminal shows in each way to sign in, taken from the program itself against simulated servers. Passwords, secrets
and tokens are never shown while they are typed or pasted. Ports, times, random values and folders are replaced by fixed
ones; the header line of the full-screen program, which counts the lives of the tokens down, is left out.
`

// scene is one way to sign in. Its play leaves captures on the stage.
type scene struct {
	title, text string
	play        func(*stage)
}

// page builds the program, plays all scenes and writes down what was to be seen.
func page(ctx context.Context) ([]byte, error) {
	dir, err := os.MkdirTemp("", "unitty-captures-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin, err := gen.Program(ctx, dir)
	if err != nil {
		return nil, err
	}
	all := scenes()
	texts, errs := make([][]byte, len(all)), make([]error, len(all))
	// A scene stretches a passphrase, which takes a whole core, and then waits for screens: a few at a time keep a small
	// machine busy and no more.
	slots := make(chan struct{}, 3)
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			texts[i], errs[i] = s.capture(ctx, bin, filepath.Join(dir, fmt.Sprint("home", i)))
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return append([]byte(head), bytes.Join(texts, nil)...), nil
}

// capture plays a scene in an empty home folder and gives its part of the page.
func (s scene) capture(ctx context.Context, bin, home string) (text []byte, err error) {
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	st := &stage{ctx: ctx, bin: bin, home: home}
	defer func() {
		st.clear()
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("%s: %w", s.title, f)
		}
	}()
	s.play(st)
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n## %s\n\n%s\n", s.title, s.text)
	for _, c := range st.shots {
		if c.says != "" {
			fmt.Fprintf(&b, "\n%s\n", c.says)
		}
		shown := mask(c.text, home)
		if err := harmless(shown, st.secrets); err != nil {
			return nil, fmt.Errorf("%s: %w", s.title, err)
		}
		fmt.Fprintf(&b, "\n```text\n%s\n```\n", shown)
	}
	return b.Bytes(), nil
}

// harmless fails when a text holds a secret, also one that a terminal has broken over lines.
func harmless(text string, secrets []string) error {
	joined := strings.NewReplacer("\n", "", " ", "").Replace(text)
	for _, s := range secrets {
		if s != "" && strings.Contains(joined, strings.ReplaceAll(s, " ", "")) {
			return errors.New("a secret is on the screen")
		}
	}
	return nil
}
