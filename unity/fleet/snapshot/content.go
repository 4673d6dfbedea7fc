package snapshot

import (
	"bytes"
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

// Frames are filled up to about frameFill bytes, so that several can be read at once and compression has something to work
// on; sites go by sitesPerFrame. The first machines stand in a few small frames: who reads ahead while the sites are being
// shown has little to do then, and the first machines are there soon after.
const (
	frameFill     = 256 << 10
	firstFill     = 16 << 10
	firstFrames   = 4
	sitesPerFrame = 250
)

// Save writes the picture of a finished sync. saved is false where the file holds a later one, of another process.
func (f *File) Save(ctx context.Context, c *Content, chunks iter.Seq[*picture.Chunk]) (saved bool, err error) {
	return f.replace(ctx, c.Finished, func(w *frameWriter) error {
		if err := writeHead(w, c); err != nil {
			return err
		}
		e := &picture.Encoder{}
		frames := 0
		full := func() error {
			if e.Size() < firstFill || frames >= firstFrames && e.Size() < frameFill {
				return nil
			}
			frames++
			return flush(w, e)
		}
		for chunk := range chunks {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := e.Add(chunk, full); err != nil {
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
	if err := w.write(frameHead, raw, nil); err != nil {
		return err
	}
	if err := w.write(frameChanges, c.Changes, nil); err != nil {
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
			if err := w.write(frameSites, e.buf, nil); err != nil {
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

func flush(w *frameWriter, e *picture.Encoder) error {
	if e.Size() == 0 {
		return nil
	}
	packable, noise := e.Take()
	return w.write(frameRows, packable, noise)
}

// Load reads the snapshot piece by piece: sites is called once, before any machine is read; chunk for each site, in the
// order in which they were saved. Without a file the error is fs.ErrNotExist; an AsideError tells that the file was no
// good, which may show only after some pieces.
func (f *File) Load(ctx context.Context, sites func(*Content) error, chunk func(*picture.Chunk) error) error {
	return f.read(ctx, &loader{sites: sites, chunk: chunk})
}

// piece is what a frame holds.
type piece struct {
	kind  byte
	data  []byte
	sites []unity.Site
	parts []picture.Part
}

// unfold reads a frame's content. It knows nothing of the frames before, so several may be read at once.
func unfold(kind byte, data, noise []byte) (p piece, err error) {
	p.kind = kind
	switch kind {
	case frameSites:
		p.sites, err = readSites(data)
	case frameRows:
		p.parts, err = picture.Decode(data, noise)
	default:
		p.data = bytes.Clone(data)
	}
	if err != nil {
		err = ErrCorrupt
	}
	return p, err
}

func readSites(data []byte) (out []unity.Site, err error) {
	d := &decoder{buf: data}
	for len(d.buf) > 0 {
		s, err := unity.DecodeSite(json.RawMessage(d.bytes(d.uint())))
		if err != nil || d.bad {
			return nil, ErrCorrupt
		}
		out = append(out, s)
	}
	return out, nil
}

// loader puts pieces together.
type loader struct {
	sites func(*Content) error
	chunk func(*picture.Chunk) error
	head  *Content
	begun bool
	open  []picture.Part
}

func (l *loader) take(at time.Time, p piece) error {
	switch {
	case p.kind == frameHead && l.head == nil:
		l.head = &Content{}
		if json.Unmarshal(p.data, l.head) != nil {
			return ErrCorrupt
		}
		l.head.Finished = at
	case l.head == nil:
		return ErrCorrupt
	case p.kind == frameChanges:
		l.head.Changes = p.data
	case p.kind == frameSites && !l.begun:
		l.head.Sites = append(l.head.Sites, p.sites...)
	case p.kind == frameRows && l.begun:
		return l.takeParts(p.parts)
	case p.kind == frameRows, p.kind == frameSites:
		return ErrCorrupt
	}
	if !l.begun && p.kind != frameHead && len(l.head.Sites) == l.head.SiteCount {
		l.begun = true
		return l.sites(l.head)
	}
	return nil
}

func (l *loader) takeParts(parts []picture.Part) error {
	for _, p := range parts {
		if len(l.open) > 0 && l.open[0].Chunk.Site() != p.Chunk.Site() {
			return ErrCorrupt
		}
		l.open = append(l.open, p)
		if !p.Last {
			continue
		}
		done := picture.Join(l.open)
		l.open = nil
		if err := l.chunk(done); err != nil {
			return err
		}
	}
	return nil
}
