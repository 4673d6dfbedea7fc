// Command mutants proves that tests notice defects: it has the compiler see named wrong changes, one at a time, and checks
// that the named test fails. The tree itself is never touched: a changed file lies elsewhere and is laid over the true one, so
// that everything else comes out of the build cache, and the tests run in a copy of the tree, where they may leave what they like.
//
//	go run .ci/mutants/main.go [-table FILE] [-only NAME] [-timeout 120s]
//
// A mutant is killed when its test fails, and survives when it passes. These are errors, since they would prove nothing:
// an old text that is missing or stands more than once, a test that does not exist or fails without the mutant, and a
// mutant that does not compile.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	table := flag.String("table", filepath.Join(".ci", "mutants", "mutants.txt"), "`file` that lists the mutants")
	only := flag.String("only", "", "run only the mutant with this `name`")
	timeout := flag.Duration("timeout", 2*time.Minute, "longest `time` for one test run")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, ".", *table, *only, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// mutant is one block of the table.
type mutant struct {
	name, file, old, new, pkg, test string
}

// run tries all mutants of the table on the tree at root.
func run(ctx context.Context, out io.Writer, root, table, only string, timeout time.Duration) error {
	text, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	list, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	if only != "" {
		list = pick(list, only)
	}
	if len(list) == 0 {
		return errors.New("the table lists no such mutant")
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	b := &bench{root: root, dir: dir, copied: filepath.Join(dir, "tree"), timeout: timeout, built: map[string]string{}}
	if err := copyTree(root, b.copied); err != nil {
		return fmt.Errorf("copy the tree: %w", err)
	}
	var failed []string
	for _, m := range list {
		began := time.Now()
		err := b.try(ctx, m)
		verdict := "killed"
		if err != nil {
			verdict = err.Error()
			failed = append(failed, m.name)
		}
		fmt.Fprintf(out, "%-44s %5.1f s  %s\n", m.name, time.Since(began).Seconds(), verdict)
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d mutants prove nothing or survived: %s", len(failed), len(list), strings.Join(failed, ", "))
	}
	fmt.Fprintf(out, "all %d mutants were killed\n", len(list))
	return nil
}

// pick returns the mutants with a name.
func pick(list []mutant, name string) []mutant {
	var out []mutant
	for _, m := range list {
		if m.name == name {
			out = append(out, m)
		}
	}
	return out
}

// parse reads the table.
func parse(text string) ([]mutant, error) {
	var list []mutant
	names := map[string]bool{}
	for block := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		m, err := parseBlock(block)
		if err != nil {
			return nil, err
		}
		if m == (mutant{}) {
			continue
		}
		if names[m.name] {
			return nil, fmt.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
		list = append(list, m)
	}
	return list, nil
}

// parseBlock reads the lines of one mutant. A block of comments gives the zero mutant.
func parseBlock(block string) (mutant, error) {
	fields := map[string][]string{}
	for line := range strings.SplitSeq(block, "\n") {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		switch key {
		case "mutant", "file", "old", "new", "package", "test":
		default:
			ok = false
		}
		if !ok {
			return mutant{}, fmt.Errorf("unreadable line %q", line)
		}
		fields[key] = append(fields[key], strings.TrimPrefix(value, " "))
	}
	if len(fields) == 0 {
		return mutant{}, nil
	}
	one := func(key string) string { return strings.TrimSpace(strings.Join(fields[key], "\n")) }
	m := mutant{
		name: one("mutant"), file: one("file"), pkg: one("package"), test: one("test"),
		old: strings.Join(fields["old"], "\n"), new: strings.Join(fields["new"], "\n"),
	}
	if m.name == "" || m.file == "" || m.old == "" || m.pkg == "" || m.test == "" || fields["new"] == nil {
		return mutant{}, fmt.Errorf("mutant %q lacks a field", m.name)
	}
	if m.old == m.new {
		return mutant{}, fmt.Errorf("mutant %q changes nothing", m.name)
	}
	if !filepath.IsLocal(m.file) {
		return mutant{}, fmt.Errorf("mutant %q: %s is outside the tree", m.name, m.file)
	}
	return m, nil
}

// bench is where mutants are tried.
type bench struct {
	// root is the tree, dir a folder for what is built and for changed files, and copied the tree in which tests run.
	root, dir, copied string
	timeout           time.Duration
	// built are the tests without a mutant, by package: several mutants may need the same.
	built map[string]string
}

// try runs the test without and with the mutant. It returns nil when the mutant was killed.
func (b *bench) try(ctx context.Context, m mutant) error {
	path := filepath.Join(b.root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("ERROR: %w", err)
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 {
		return fmt.Errorf("ERROR: the old text stands %d times in %s", n, m.file)
	}
	sound := b.built[m.pkg]
	if sound == "" {
		sound = filepath.Join(b.dir, fmt.Sprintf("sound%d.test", len(b.built)))
		if out, ok := b.build(ctx, sound, m.pkg); !ok {
			return fmt.Errorf("ERROR: the tests of %s do not compile:\n%s", m.pkg, tail(out))
		}
		b.built[m.pkg] = sound
	}
	out, ok := b.runTest(ctx, sound, m)
	switch {
	case !ok:
		return fmt.Errorf("ERROR: %s fails without the mutant:\n%s", m.test, tail(out))
	case !strings.Contains(out, "--- PASS"):
		return fmt.Errorf("ERROR: no test of %s matches %s", m.pkg, m.test)
	}
	overlay, err := b.lay(path, strings.Replace(string(source), m.old, m.new, 1))
	if err != nil {
		return fmt.Errorf("ERROR: %w", err)
	}
	broken := filepath.Join(b.dir, "broken.test")
	if out, ok := b.build(ctx, broken, "-overlay", overlay, m.pkg); !ok {
		return fmt.Errorf("ERROR: the mutant does not compile:\n%s", tail(out))
	}
	if _, ok := b.runTest(ctx, broken, m); ok {
		return errors.New("SURVIVED: the test passes with the mutant")
	}
	return nil
}

// build makes the test program of a package.
func (b *bench) build(ctx context.Context, program string, args ...string) (string, bool) {
	return command(ctx, b.root, "go", append([]string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", program}, args...)...)
}

// runTest runs the named test and reports whether it passed. A test that hangs until the timeout has noticed too.
func (b *bench) runTest(ctx context.Context, program string, m mutant) (string, bool) {
	return command(ctx, filepath.Join(b.copied, filepath.FromSlash(m.pkg)), program, "-test.v", "-test.timeout", b.timeout.String(), "-test.run", m.test)
}

// lay writes a changed file and gives the file that tells the compiler to read it in place of the true one.
func (b *bench) lay(path, changed string) (string, error) {
	instead, overlay := filepath.Join(b.dir, "changed.go"), filepath.Join(b.dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: instead}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(os.WriteFile(instead, []byte(changed), 0o600), os.WriteFile(overlay, text, 0o600))
}

// command runs a program in a folder, and gives what it said and whether it ended well.
func command(ctx context.Context, dir, name string, args ...string) (string, bool) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// tail returns the last lines of a log.
func tail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// copyTree copies the files of root to dir, without version control and built programs.
func copyTree(root, dir string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, rel), 0o700)
		case !d.Type().IsRegular() || rel == "unitty":
			return nil
		}
		return copyFile(path, filepath.Join(dir, rel))
	})
}

// copyFile copies one file with its permissions.
func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}
