package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Kinds of frames, in the order in which they come.
const (
	frameHead    = 'H'
	frameChanges = 'C'
	frameSites   = 'S'
	frameRows    = 'R'
)

// Failure is a site that could not be read, with the words that said why.
type Failure struct {
	Site unity.SiteID
	Name unity.Text
	Err  string
}

// Content is what a snapshot holds besides the machines.
type Content struct {
	// Finished is when the sync was finished that the snapshot holds, by the clock of this machine.
	Finished time.Time `json:"-"`
	// Console is the console's name.
	Console string
	// SitesAt, StatusAt and FullAt are when the list of sites, the agents' reports and last the whole console were read.
	SitesAt, StatusAt, FullAt time.Time
	Failed                    []Failure
	Hidden, Total             int
	// StatusErr says why there were no reports; StatusScope that the token lacked the scope.
	StatusErr   string
	StatusScope bool
	// Counts is how many machines the list of sites named for a site when its machines were last read to the end.
	Counts map[unity.SiteID]int64
	// Changes is whatever the keeper of the picture wants to find again; JSON.
	Changes json.RawMessage `json:"-"`
	// Sites are the sites as the server sent them.
	Sites []unity.Site `json:"-"`
	// SiteCount and Rows count sites and machines.
	SiteCount, Rows int
}

// Frames are filled up to about frameFill bytes, so that the first of them is on the screen soon and compression has
// something to work on; sites go by sitesPerFrame, rows are looked at again every rowsPerBlock.
const (
	frameFill     = 256 << 10
	sitesPerFrame = 500
	rowsPerBlock  = 512
)

// Save writes the picture of a finished sync. saved is false where the file holds a later one, of another process.
func (f *File) Save(ctx context.Context, c *Content, chunks iter.Seq[*picture.Chunk]) (saved bool, err error) {
	return f.replace(ctx, c.Finished, func(w *frameWriter) error {
		if err := writeHead(w, c); err != nil {
			return err
		}
		e := &encoder{}
		e.reset()
		for chunk := range chunks {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := writeChunk(w, e, chunk); err != nil {
				return err
			}
		}
		return flush(w, e)
	})
}

func writeHead(w *frameWriter, c *Content) error {
	head := *c
	head.SiteCount = len(c.Sites)
	raw, err := json.Marshal(&head)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if err := w.write(frameHead, raw); err != nil {
		return err
	}
	if err := w.write(frameChanges, c.Changes); err != nil {
		return err
	}
	var e encoder
	for i := range c.Sites {
		record, err := siteRecord(&c.Sites[i])
		if err != nil {
			return err
		}
		e.raw(string(record))
		if (i+1)%sitesPerFrame == 0 || i == len(c.Sites)-1 {
			if err := w.write(frameSites, e.buf); err != nil {
				return err
			}
			e.buf = e.buf[:0]
		}
	}
	return nil
}

// siteRecord is a site as the server sent it. One that came otherwise has only what names it and what it counts.
func siteRecord(s *unity.Site) (json.RawMessage, error) {
	if raw := s.Record.Raw(); len(raw) > 0 {
		return raw, nil
	}
	record := map[string]any{"SiteId": string(s.ID), "SiteName": s.Name, "AccountKeyCode": string(s.Keycode)}
	for name, n := range map[string]unity.Int{"TotalEndpoints": s.TotalEndpoints, "DevicesAllowed": s.DevicesAllowed, "AccessLevel": s.AccessLevel} {
		if n.Known {
			record[name] = n.N
		}
	}
	raw, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return raw, nil
}

// writeChunk writes the machines of a site in blocks: the site, whether it is the last block, and the rows.
func writeChunk(w *frameWriter, e *encoder, c *picture.Chunk) error {
	site := c.Site()
	for from := 0; from == 0 || from < c.Len(); from += rowsPerBlock {
		to := min(from+rowsPerBlock, c.Len())
		e.text(string(site.ID))
		e.text(site.Name.Raw())
		e.text(string(site.Key))
		last := uint64(0)
		if to == c.Len() {
			last = 1
		}
		e.uint(last)
		e.uint(uint64(to - from)) //nolint:gosec // never negative
		for i := from; i < to; i++ {
			e.row(c.Row(i))
		}
		if len(e.buf) >= frameFill {
			if err := flush(w, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func flush(w *frameWriter, e *encoder) error {
	if len(e.buf) == 0 {
		return nil
	}
	err := w.write(frameRows, e.buf)
	e.reset()
	return err
}

// Load reads the snapshot piece by piece: sites is called once, before any machine is read; chunk for each site, in the
// order in which they were saved. Without a file the error is fs.ErrNotExist; an AsideError tells that the file was no
// good, which may show only after some pieces.
func (f *File) Load(ctx context.Context, sites func(*Content) error, chunk func(*picture.Chunk) error) error {
	l := &loader{sites: sites, chunk: chunk}
	if err := f.read(ctx, l.frame); err != nil {
		return err
	}
	return nil
}

// loader puts frames together.
type loader struct {
	sites func(*Content) error
	chunk func(*picture.Chunk) error
	head  *Content
	begun bool
	open  *picture.Builder
	site  picture.Site
}

func (l *loader) frame(at time.Time, kind byte, data []byte) error {
	switch {
	case kind == frameHead && l.head == nil:
		l.head = &Content{}
		if json.Unmarshal(data, l.head) != nil {
			return ErrCorrupt
		}
		l.head.Finished = at
	case l.head == nil:
		return ErrCorrupt
	case kind == frameChanges:
		l.head.Changes = append(json.RawMessage(nil), data...)
	case kind == frameSites && !l.begun:
		if err := l.readSites(data); err != nil {
			return err
		}
	case kind == frameRows && l.begun:
		return l.readRows(data)
	case kind == frameRows, kind == frameSites:
		return ErrCorrupt
	}
	if !l.begun && kind != frameHead && len(l.head.Sites) == l.head.SiteCount {
		l.begun = true
		return l.sites(l.head)
	}
	return nil
}

func (l *loader) readSites(data []byte) error {
	d := &decoder{buf: data}
	for len(d.buf) > 0 {
		s, err := unity.DecodeSite(json.RawMessage(d.bytes(d.uint())))
		if err != nil || d.bad {
			return ErrCorrupt
		}
		l.head.Sites = append(l.head.Sites, s)
	}
	return nil
}

func (l *loader) readRows(data []byte) error {
	d := &decoder{buf: data}
	for len(d.buf) > 0 {
		site := picture.Site{ID: unity.SiteID(d.text()), Name: unity.NewText(d.text()), Key: unity.Keycode(d.text())}
		last, n := d.uint() != 0, d.uint()
		if d.bad || n > rowsPerBlock || l.open != nil && l.site != site {
			return ErrCorrupt
		}
		if l.open == nil {
			l.open, l.site = picture.NewBuilder(site, int(n)), site
		}
		for range n {
			d.row(l.open)
			if d.bad {
				return ErrCorrupt
			}
		}
		if last {
			done := l.open.Chunk()
			l.open = nil
			if err := l.chunk(done); err != nil {
				return err
			}
		}
	}
	return nil
}
