package picture_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// writeLines puts the texts that a bare word is looked for in into a file, a machine a line.
func writeLines(b *testing.B, p *picture.Picture, line func(picture.Row) string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "rows")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for r := range p.Rows() {
		_, _ = fmt.Fprintln(w, line(r)) // Flush tells
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkYardstick runs grep and fzf on the bytes that Select and Find look at, process start included.
func BenchmarkYardstick(b *testing.B) {
	all := func(r picture.Row) string {
		return unity.Fold(r.HostName().Raw() + " " + r.User() + " " + r.IPs() + " " + r.MAC())
	}
	host := func(r picture.Row) string { return r.FoldedHost() }
	for _, x := range []struct {
		name string
		line func(picture.Row) string
		args []string
	}{
		{"grep/7f3", all, []string{"grep", "-cF", "7f3"}}, {"grep/desk", all, []string{"grep", "-cF", "desk"}},
		{"grep/host/k2l", host, []string{"grep", "-cF", "k2l"}},
		{"fzf/7f3k", all, []string{"fzf", "--filter", "7f3k"}}, {"fzf/d7f3", all, []string{"fzf", "--filter", "d7f3"}},
		{"fzf/dskt7", all, []string{"fzf", "--filter", "dskt7"}}, {"fzf/kim vance", all, []string{"fzf", "--filter", "kim vance"}},
	} {
		b.Run(x.name, func(b *testing.B) {
			if _, err := exec.LookPath(x.args[0]); err != nil {
				b.Skip(err)
			}
			for _, n := range []int{10_000, 100_000} {
				b.Run(fmt.Sprint(n), func(b *testing.B) {
					path := writeLines(b, picturetest.Random(1, n/65, n), x.line)
					before := cpuTime(true)
					for b.Loop() {
						f, err := os.Open(path)
						if err != nil {
							b.Fatal(err)
						}
						cmd := exec.CommandContext(b.Context(), x.args[0], x.args[1:]...)
						cmd.Stdin = f
						cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
						_ = cmd.Run() // no hit is an answer
						_ = f.Close() // only read
					}
					b.ReportMetric(float64(cpuTime(true)-before)/float64(b.N)/1e6, "cpu-ms/op")
				})
			}
		})
	}
}

// BenchmarkMemoryScan reads the same bytes as fast as memory gives them, for one byte that is not there.
func BenchmarkMemoryScan(b *testing.B) {
	scales(b, func(b *testing.B, p *picture.Picture) {
		all := make([]byte, p.FoldedBytes())
		b.SetBytes(int64(len(all)))
		for b.Loop() {
			if bytes.IndexByte(all, 1) >= 0 {
				b.Fatal("found")
			}
		}
	})
}
