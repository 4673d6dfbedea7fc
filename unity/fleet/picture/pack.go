package picture

import (
	"strings"
	"sync"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// newChunk makes a chunk whose columns are still to come.
func newChunk(site Site, n int) *Chunk {
	return &Chunk{site: site, foldedSite: unity.Fold(site.Name.Raw()), n: n, flags: make([]flag, n), own: &own{}, heard: &heard{},
		foldedKey: strings.ReplaceAll(unity.Fold(site.Key.String()), "-", "")}
}

func (c *Chunk) keepOdd(i int, raws map[instant][]byte) {
	if len(raws) == 0 {
		return
	}
	if c.odd == nil {
		c.odd = map[oddKey][]byte{}
	}
	c.flags[i] |= odd
	for which, raw := range raws {
		c.odd[oddKey{u32(i), which}] = raw
	}
}

func (c *Chunk) machineOf(i int) (key fleet.MachineKey) {
	if c.machine == nil {
		return key
	}
	return c.machine[i]
}

func (c *Chunk) threatsOf(i int) int64 {
	if c.threats == nil {
		return 0
	}
	return c.threats[i]
}

// packOwn makes the columns of what the console says. The flags must be there.
func (c *Chunk) packOwn(rows []entry) {
	for i := range rows {
		if rows[i].machine != (fleet.MachineKey{}) && c.machine == nil {
			c.machine = make([]fleet.MachineKey, c.n)
		}
		if c.machine != nil {
			c.machine[i] = rows[i].machine
		}
	}
	c.first = packStamps(c.n, func(i int) ticks { return rows[i].first })
	c.last = packStamps(c.n, func(i int) ticks { return rows[i].last })
	c.infectedAt = packStamps(c.n, func(i int) ticks { return rows[i].infectedAt })
	c.read = packStamps(c.n, func(i int) ticks { return rows[i].read })
	c.id = packTexts(c.n, func(i int) string { return rows[i].id })
	c.host = packTexts(c.n, func(i int) string { return rows[i].host })
	c.agent.codes, c.agent.dict = packWords(c.n, func(i int) word { return rows[i].agent })
	c.group.codes, c.group.dict = packWords(c.n, func(i int) label { return rows[i].group })
	c.policy.codes, c.policy.dict = packWords(c.n, func(i int) label { return rows[i].policy })
	c.settleOwn(false)
}

// settleOwn makes what follows from the columns of the console. guids tells that the ids are known to be folded.
func (c *Chunk) settleOwn(guids bool) {
	c.readAt = c.read.least(c.n)
	c.fHost = c.host.folded(c.n, false)
	c.idsFolded = guids
	if guids {
		c.id.mask = guidMask // at least what it has
	} else {
		c.id = c.id.scanned()
	}
	for i := 0; i < c.n && !guids; i++ {
		if id := c.id.at(i); unity.Fold(id) != id {
			return
		}
	}
	c.idsFolded = true
}

// least is the earliest instant of n rows, 0 of none.
func (s *stamps) least(n int) ticks {
	least := s.one
	for i := range min(n, len(s.all)) {
		if i == 0 || s.all[i] < least {
			least = s.all[i]
		}
	}
	return least
}

// packHeard makes the columns of reports, but for the folded ones. The flags must be there.
func (c *Chunk) packHeard(of func(int) *news) {
	c.isJoined = bitmapOf(c.n, func(i int) bool { return c.flags[i]&joined != 0 })
	for i := range c.n {
		if n := of(i).threats; n != 0 {
			if c.threats == nil {
				c.threats = make([]int64, c.n)
			}
			c.threats[i] = n
		}
	}
	c.report = packStamps(c.n, func(i int) ticks { return of(i).report })
	c.scanned = packStamps(c.n, func(i int) ticks { return of(i).scanned })
	c.statusAt = packStamps(c.n, func(i int) ticks { return of(i).statusAt })
	c.user = packTexts(c.n, func(i int) string { return of(i).user })
	c.ip = packTexts(c.n, func(i int) string { return of(i).ip })
	c.mac = packTexts(c.n, func(i int) string { return of(i).mac })
	column := func(of func(int) word) words {
		code, dict := packWords(c.n, of)
		return words{code, dict}
	}
	c.client = column(func(i int) word { return of(i).client })
	c.os = column(func(i int) word { return of(i).os })
	c.device = column(func(i int) word { return of(i).device })
	c.public = column(func(i int) word { return of(i).public })
	c.note = column(func(i int) word { return of(i).note })
}

// packFolded adds what scans look at in reports.
func (c *Chunk) packFolded() {
	c.fUser = c.user.folded(c.n, true)
	c.fMAC = c.mac.folded(c.n, true)
	c.fIPs = c.foldedIPs()
}

// makeMasks makes the masks of the texts in which words are looked for with gaps.
func (c *Chunk) makeMasks() {
	c.masked.Do(func() {
		c.hostMask, c.userMask = make([]uint64, c.n), make([]uint64, c.n)
		for i := range c.n {
			c.hostMask[i], c.userMask[i] = gapMask(c.fHost.at(i)), gapMask(c.fUser.at(i))
		}
	})
}

// folded is a column of n rows as scans compare it; with clean its sanitised view. Plain texts, as nearly all are, are
// folded as a whole, and share with the column what stays the same.
func (t texts) folded(n int, clean bool) texts {
	if t.plain(n) {
		t.arena = strings.ToLower(t.arena)
		return t.scanned()
	}
	out := texts{end: make([]uint32, n)}
	var arena strings.Builder
	arena.Grow(len(t.arena))
	for i := range out.end {
		if text := t.at(i); !writeLower(&arena, text) {
			if clean {
				text = unity.Clean(text)
			}
			arena.WriteString(unity.Fold(text))
		}
		out.end[i] = u32(arena.Len())
		arena.WriteByte('\n')
	}
	if arena.Len() == n {
		return texts{}
	}
	out.arena = arena.String()
	return out.scanned()
}

// writeLower writes a text of ASCII and Latin letters folded; ok is false, and nothing written, where it is of another kind.
func writeLower(to *strings.Builder, s string) (ok bool) {
	if s != "" && (s[0] == ' ' || s[len(s)-1] == ' ') || len(s) > mostPlain {
		return false
	}
	for _, r := range s {
		if (r < ' ' || r > '~') && (r < firstLatin || r > lastLatin) {
			return false
		}
	}
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b >= 'A' && b <= 'Z':
			to.WriteByte(b + 'a' - 'A')
		case b < 0x80:
			to.WriteByte(b)
		default:
			i++ // these letters have two bytes
			to.WriteString(foldedLatin()[rune(b&0x1f)<<6|rune(s[i]&0x3f)-firstLatin])
		}
	}
	return true
}

// The letters of western and central European languages.
const (
	firstLatin = '\u00c0'
	lastLatin  = '\u017f'
)

// foldedLatin are these letters as they are folded. They fold the same in any text without marks of its own, so that names
// such as Müller need not go through the tables of all scripts one by one.
var foldedLatin = sync.OnceValue(func() *[lastLatin - firstLatin + 1]string {
	var out [lastLatin - firstLatin + 1]string
	for i := range out {
		out[i] = unity.Fold(string(rune(firstLatin + i)))
	}
	return &out
})

// mostPlain is a length up to which no view is cut.
const mostPlain = 256

// plain tells that all texts are printable ASCII without blanks at their ends, and short.
func (t *texts) plain(n int) bool {
	breaks := 0
	for i := 0; i < len(t.arena); i++ {
		switch b := t.arena[i]; {
		case b == '\n':
			breaks++
		case b < ' ' || b > '~':
			return false
		}
	}
	if t.end == nil {
		return true
	}
	if breaks != n || strings.Contains(t.arena, " \n") || strings.Contains(t.arena, "\n ") || strings.HasPrefix(t.arena, " ") {
		return false
	}
	for i := range n {
		if t.end[i]-t.start(i) > mostPlain {
			return false
		}
	}
	return true
}

// foldedIPs is the column of fleet.Addresses, folded.
func (c *Chunk) foldedIPs() texts {
	public := make([]string, len(c.public.dict))
	for i, w := range c.public.dict {
		if public[i] = w.Value(); !isPlain(public[i]) {
			public[i] = ""
		}
	}
	size := 0
	for i := range c.n {
		size += len(c.ip.at(i)) + sep + len(public[c.public.codes.at(i)]) + sep
	}
	var arena strings.Builder
	arena.Grow(size)
	end := make([]uint32, c.n)
	for i := range c.n {
		own, other := c.ip.at(i), public[c.public.codes.at(i)]
		if other != "" && isPlain(own) {
			arena.WriteString(own)
			arena.WriteByte(' ')
			arena.WriteString(other)
		} else {
			arena.WriteString(unity.Fold(fleet.Addresses(unity.NewText(own), unity.NewText(c.public.at(i)))))
		}
		end[i] = u32(arena.Len())
		arena.WriteByte('\n')
	}
	if arena.Len() == c.n {
		return texts{}
	}
	return texts{arena: arena.String(), end: end}.scanned()
}

// isPlain tells a text that folding leaves as it is for certain, and that is not empty.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if b := s[i]; b <= ' ' || b > '~' || b >= 'A' && b <= 'Z' {
			return false
		}
	}
	return s != "" && len(s) <= mostPlain
}
