//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// Units of values.
const (
	unitMS    = "ms"
	unitBytes = "B"
	unitPart  = "%"
	unitCalls = "calls"
)

// row is one line of the table.
type row struct {
	name  string
	value float64
	unit  string
	// yardstick names what the value is compared with, and yard is that one's value.
	yardstick string
	yard      float64
	// budget is the most that the ratio, or with absolute the value, may be; 0 means there is none.
	budget   float64
	absolute bool
	note     string
	// missing says why nothing was measured.
	missing string
}

// ratio is how many times the yardstick the value is; 0 without one.
func (r row) ratio() float64 {
	if r.yard <= 0 {
		return 0
	}
	return r.value / r.yard
}

// holds reports whether the budget is kept; a row without one always does, a ratio without a yardstick never.
func (r row) holds() bool {
	switch {
	case r.budget == 0 || r.missing != "":
		return true
	case r.absolute:
		return r.value <= r.budget
	default:
		return r.yard > 0 && r.ratio() <= r.budget
	}
}

// cells are the columns of the table.
func (r row) cells() []string {
	if r.missing != "" {
		return []string{r.name, "-", r.yardstick, "-", "-", "not measured: " + r.missing}
	}
	yard, ratio, budget, verdict := r.yardstick, "", "", ""
	if r.yard > 0 {
		yard, ratio = strings.TrimSpace(r.yardstick+" "+number(r.yard)+" "+r.unit), number(r.ratio())+" ×"
	}
	if r.budget > 0 {
		budget, verdict = "≤ "+number(r.budget)+" ×", "ok"
		if r.absolute {
			budget = "≤ " + number(r.budget) + " " + r.unit
		}
		if !r.holds() {
			verdict = "OVER"
		}
	}
	if r.note != "" {
		verdict = strings.TrimSpace(verdict + "  " + r.note)
	}
	return []string{r.name, number(r.value) + " " + r.unit, yard, ratio, budget, verdict}
}

// number writes three significant figures.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func printRows(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(r.cells(), "\t")) // Flush reports the error
	}
	return w.Flush()
}

// printMarkdown writes the table as documents have it.
func printMarkdown(out io.Writer, rows []row) error {
	var text strings.Builder
	text.WriteString("\n| | value | yardstick | ratio | budget | |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		text.WriteString("|")
		for _, cell := range r.cells() {
			cell = strings.ReplaceAll(cell, "|", "\\|")
			if cell != "" {
				cell = " " + cell
			}
			text.WriteString(cell + " |")
		}
		text.WriteString("\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// bench gathers rows and holds what the measures share.
type bench struct {
	options
	dir   string
	errs  io.Writer
	rows  []row
	homes int
	// pictures are consoles that several groups work with, by their size.
	pictures map[int]*picture.Picture
}

// console makes a console of n machines, once.
func (b *bench) console(n int) *picture.Picture {
	if p := b.pictures[n]; p != nil {
		return p
	}
	if b.pictures == nil {
		b.pictures = map[int]*picture.Picture{}
	}
	b.pictures[n] = picturetest.Random(seed, n/perSite+1, n)
	return b.pictures[n]
}

// forget frees the consoles, so that collecting garbage among them takes no time from what follows.
func (b *bench) forget() {
	b.pictures = nil
	runtime.GC()
}

func (b *bench) add(r row) { b.rows = append(b.rows, r) }

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.errs, format+"\n", args...) // progress only
}

func (b *bench) over() int {
	n := 0
	for _, r := range b.rows {
		if !r.holds() {
			n++
		}
	}
	return n
}

// sizes are the numbers of endpoints at which growth is shown.
func (b *bench) sizes() []int {
	if b.quick {
		return []int{1_000, 10_000, 100_000}
	}
	return []int{1_000, 10_000, 100_000, 1_000_000}
}

// times is how often something is repeated; the median counts.
func (b *bench) times() int {
	if b.quick {
		return 5
	}
	return 11
}

// What takes long is repeated less often: three times at least, and no more once it has taken long enough.
const (
	leastTimes = 3
	longEnough = 5 * time.Second
)

// median runs something several times and gives the middle of what it took.
func (b *bench) median(f func() error) (time.Duration, error) {
	var all []time.Duration
	for start := time.Now(); len(all) < b.times() && (len(all) < leastTimes || time.Since(start) < longEnough); {
		began := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// count writes a number with commas.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// describe says what the numbers were measured on.
func describe(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s, %s, %d processors, %s, load average %s\n\n", runtime.GOOS+"/"+runtime.GOARCH, processor(), runtime.NumCPU(), runtime.Version(),
		driver.LoadAverage())
	return err
}

// processor is the name of the processor, as far as the system tells.
func processor() string {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "processor unknown"
	}
	for line := range strings.Lines(string(raw)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "processor unknown"
}
