package lean

import "strings"

// cell is what a cell of the terminal shows: a character and the attributes it was written with. The zero cell is not known.
type cell struct {
	pen  string
	char rune
}

// line is a line of the terminal.
type line struct {
	cells []cell
	// odd is set by a character that terminals may give another width: until the line is erased none of its cells is known.
	odd bool
	// drawn is what the line was drawn with since it was erased, as long as nothing else was written into it; only for odd lines.
	drawn string
}

// unknown marks attributes of which only what was added since is known.
const unknown = "?"

// grid is what a terminal is known to show, and where its cursor stands once everything was said.
type grid struct {
	w, h  int
	lines []line
	// x and y are the cursor, or -1 where that is not known.
	x, y int
	// vague is true after a character that terminals may give another width, until a move says where to: x is then the furthest
	// column that the cursor may be in.
	vague bool
	// top and bottom are the first and last line that scroll.
	top, bottom int
	// pen is the attributes in force, as the sequences since they were last reset.
	pen string
	// wrapping is true when the last column was written: the next character goes to the next line.
	wrapping           bool
	autowrap, inserted bool
	// some is true when anything may be known of a cell.
	some bool
}

// resize starts afresh at a size.
func (g *grid) resize(w, h int) {
	*g = grid{w: w, h: h, lines: make([]line, h), bottom: h - 1, x: -1, y: -1, pen: unknown, autowrap: true, inserted: g.inserted}
	for i := range g.lines {
		g.lines[i].cells = make([]cell, w)
	}
}

// forget makes every cell and the cursor unknown.
func (g *grid) forget() {
	if g.some { // a frame may ask for this at each of its characters
		for y := range g.lines {
			g.lines[y].clear(0, g.w, cell{})
			g.lines[y].odd = false
		}
	}
	g.some = false
	g.lost()
}

// lost makes the place of the cursor unknown.
func (g *grid) lost() { g.x, g.y, g.vague, g.wrapping = -1, -1, false, false }

// placed reports whether it is known in which line the cursor is, and how far it may be.
func (g *grid) placed() bool { return g.x >= 0 && g.y >= 0 }

// known reports whether the place of the cursor is known.
func (g *grid) known() bool { return g.placed() && !g.vague }

// column puts the cursor into a column.
func (g *grid) column(x int) { g.x, g.vague, g.wrapping = x, false, false }

// clear sets the cells from one to before another one.
func (l *line) clear(from, to int, c cell) {
	for x := max(from, 0); x < min(to, len(l.cells)); x++ {
		l.cells[x] = c
	}
	l.drawn = ""
}

// blank is what erasing leaves behind. With attributes that depends on the terminal.
func (g *grid) blank() cell {
	if g.pen != "" {
		return cell{}
	}
	return cell{char: ' '}
}

// erase erases cells of a line. One that is odd stays so unless all of it is erased.
func (g *grid) erase(y, from, to int) {
	l := &g.lines[y]
	c := g.blank()
	g.some = true
	if from <= 0 && to >= g.w {
		l.odd = false
	}
	if l.odd {
		c = cell{}
	}
	l.clear(from, to, c)
}

// set notes a character at the cursor, which then moves on.
func (g *grid) set(char rune) {
	l := &g.lines[g.y]
	c := cell{pen: g.pen, char: char}
	if l.odd || strings.HasPrefix(g.pen, unknown) {
		c = cell{}
	}
	g.some = true
	switch {
	case g.inserted:
		l.clear(0, g.w, cell{})
	case g.vague:
		l.clear(0, g.x+1, cell{})
	default:
		l.clear(g.x, g.x+1, c)
	}
	g.advance(1)
}

// advance moves the cursor behind what was written. Where terminals disagree about widths, one may be in the next line when another
// one is not: then nothing is known any more.
func (g *grid) advance(n int) {
	g.x += n
	switch {
	case g.vague && g.x > g.w:
		g.forget()
	case g.vague:
	case g.x >= g.w:
		g.x, g.wrapping = g.w-1, g.autowrap
	}
}

// wrap goes to the next line before a character is written behind the last column.
func (g *grid) wrap() {
	if g.wrapping {
		g.wrapping, g.x = false, 0
		g.feed()
	}
}

// feed is a line feed.
func (g *grid) feed() {
	switch {
	case g.y < 0:
		g.forget() // it may have scrolled
	case g.y == g.bottom:
		g.scroll(g.top, g.bottom, 1)
	case g.y < g.h-1:
		g.y++
	}
}

// back is a reverse line feed.
func (g *grid) back() {
	switch {
	case g.y < 0:
		g.forget()
	case g.y == g.top:
		g.scroll(g.top, g.bottom, -1)
	case g.y > 0:
		g.y--
	}
}

// scroll moves lines up, or down by a negative number.
func (g *grid) scroll(top, bottom, n int) {
	if top < 0 || bottom >= g.h || top > bottom {
		g.forget()
		return
	}
	g.some = true
	part := g.lines[top : bottom+1]
	n = max(-len(part), min(n, len(part)))
	fresh := part[len(part)-max(n, 0):]
	if n < 0 {
		rotate(part, len(part)+n)
		fresh = part[:-n]
	} else {
		rotate(part, n)
	}
	for i := range fresh {
		fresh[i].odd = false
		fresh[i].clear(0, g.w, g.blank())
	}
}

// rotate moves the first n lines behind the others.
func rotate(lines []line, n int) {
	moved := append(append(make([]line, 0, len(lines)), lines[n:]...), lines[:n]...)
	copy(lines, moved)
}

// shift moves the cells from the cursor on to the right, or to the left by a negative number.
func (g *grid) shift(n int) {
	g.some = true
	l := &g.lines[g.y]
	part := l.cells[g.x:]
	if l.odd || g.y < g.top || g.y > g.bottom { // beside the margins some terminals move nothing
		l.clear(0, g.w, cell{})
		return
	}
	c := g.blank()
	l.drawn = ""
	if n >= 0 {
		n = min(n, len(part))
		copy(part[n:], part)
		l.clear(g.x, g.x+n, c)
		return
	}
	n = min(-n, len(part))
	copy(part, part[n:])
	l.clear(g.w-n, g.w, c)
}
