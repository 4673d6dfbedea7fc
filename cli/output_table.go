package cli

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
)

// table writes aligned columns: all of them and whole, except on a terminal, whose lines are not to break.
func (p *printer[T]) table() error {
	lines := p.lines()
	widths := make([]int, len(p.columns))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	layout := make([]table.Fitted, len(p.columns))
	for i, w := range widths {
		layout[i] = table.Fitted{At: i, Width: w}
	}
	if w, _ := p.app.screenSize(); p.app.tty && w > 0 {
		layout = p.fit(lines, w-1)
	}
	for _, line := range lines {
		if _, err := io.WriteString(p.app.out, alignedLine(line, layout, p.columns)); err != nil {
			return err
		}
	}
	return nil
}

// wide tells that the terminal has no room for the columns in full.
func (p *printer[T]) wide() bool {
	w, _ := p.app.screenSize()
	if !p.app.tty || w == 0 {
		return false
	}
	need := -2
	lines := p.lines()
	for i := range p.columns {
		need += 2 + max(ansi.StringWidth(lines[0][i]), ansi.StringWidth(lines[1][i]))
	}
	return need >= w
}

// upright writes a single row line by line, so that nothing of it is lost.
func (p *printer[T]) upright() error {
	lines, names := p.lines(), 0
	for _, name := range lines[0] {
		names = max(names, ansi.StringWidth(name))
	}
	for i, name := range lines[0] {
		text := strings.TrimRight(name+strings.Repeat(" ", names-ansi.StringWidth(name))+"  "+lines[1][i], " ")
		if _, err := io.WriteString(p.app.out, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// lines are the cells of the heading and of all rows.
func (p *printer[T]) lines() [][]string {
	head := make([]string, len(p.columns))
	for i, c := range p.columns {
		head[i] = strings.ToUpper(c.Title)
	}
	lines := append(make([][]string, 0, len(p.rows)+1), head)
	for _, row := range p.rows {
		line := make([]string, len(p.columns))
		for i, c := range p.columns {
			line[i] = unity.Clean(c.Text(row))
		}
		lines = append(lines, line)
	}
	return lines
}

// fit chooses the columns that have room in w cells, as the lists of the program do.
func (p *printer[T]) fit(lines [][]string, w int) []table.Fitted {
	return table.Fit(p.columns, w, func(at int) []int {
		widths := make([]int, len(lines))
		for i, line := range lines {
			widths[i] = ansi.StringWidth(line[at])
		}
		return widths
	})
}

// screenSize is the room of the terminal that is written to, in cells; 0 where it is not known.
func (a *app) screenSize() (w, h int) {
	if f, ok := a.out.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return 0, 0
}

func alignedLine[T any](line []string, layout []table.Fitted, columns []table.Column[T]) string {
	var b strings.Builder
	for i, column := range layout {
		if i > 0 {
			b.WriteString("  ")
		}
		cell := line[column.At]
		if ansi.StringWidth(cell) > column.Width {
			cell = ansi.Truncate(cell, column.Width, "…")
		}
		pad := strings.Repeat(" ", max(0, column.Width-ansi.StringWidth(cell)))
		if columns[column.At].Right {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}
