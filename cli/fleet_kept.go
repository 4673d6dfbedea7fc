package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

// kept is the picture of a console as the last reading left it on disk.
type kept struct {
	head *snapshot.Content
	pic  *picture.Picture
}

// errNothingKept tells that there is no picture of the console on disk.
var errNothingKept = errors.New("no snapshot of this console is kept here")

// keeps tells whether there is a file of a picture, without asking the store for its key.
func (sess *session) keeps() bool {
	_, err := os.Stat(sess.settings.paths.snapshot(sess.settings.Profile))
	return err == nil
}

// keptReader looks on while a picture is read from disk. Either function may be nil.
type keptReader struct {
	// head gets what the picture says of itself before its machines are read, and may refuse it.
	head func(*snapshot.Content) error
	// chunk gets the machines of each site.
	chunk func(*picture.Chunk)
}

// readKept reads the picture from disk.
func (sess *session) readKept(ctx context.Context, r keptReader) (*kept, error) {
	if !sess.keeps() {
		return nil, errNothingKept
	}
	file, err := sess.snapshotFile(ctx)
	if err != nil {
		return nil, err
	}
	if file == nil {
		return nil, errNothingKept
	}
	k := &kept{}
	var chunks []*picture.Chunk
	err = file.Load(ctx, func(c *snapshot.Content) error {
		k.head = c
		if r.head != nil {
			return r.head(c)
		}
		return nil
	}, func(c *picture.Chunk) error {
		chunks = append(chunks, c)
		if r.chunk != nil {
			r.chunk(c)
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errNothingKept
	case err != nil:
		return nil, err
	}
	k.settle(chunks)
	return k, nil
}

// settle makes the picture.
func (k *kept) settle(chunks []*picture.Chunk) {
	c := k.head
	p := picture.Picture{Console: c.Console, Sites: c.Sites, SitesAt: c.SitesAt, StatusAt: c.StatusAt, ReadAt: c.Finished, Stale: true}
	for _, e := range c.Failed {
		p.Failed = append(p.Failed, fleet.SiteError{Site: e.Site, Name: e.Name, Err: errors.New(unity.Clean(e.Err))})
	}
	switch {
	case c.StatusScope:
		p.StatusErr = fmt.Errorf("agents' reports: %w", unity.ErrScope)
	case c.StatusErr != "":
		p.StatusErr = errors.New(unity.Clean(c.StatusErr))
	}
	there := map[unity.SiteID]bool{}
	for _, chunk := range chunks {
		there[chunk.Site().ID] = true
	}
	for i := range c.Sites {
		s := &c.Sites[i]
		_, whole := c.Counts[s.ID]
		switch {
		case !s.Visible():
			p.Hidden++
			continue
		case whole && there[s.ID]:
			p.Done++
		case !slices.ContainsFunc(p.Failed, func(e fleet.SiteError) bool { return e.Site == s.ID }):
			p.Failed = append(p.Failed, fleet.SiteError{Site: s.ID, Name: s.Name, Err: errors.New("it was not read to the end")})
		}
		p.Total++
	}
	k.pic = picture.New(chunks, p)
}

// age is how long ago the last reading was finished; negative when the clock was set back since.
func (k *kept) age() time.Duration { return time.Since(k.head.Finished) }

// missing tells which scopes the picture was read without.
func (k *kept) missing(scope string) bool {
	return k.head.StatusScope && strings.HasPrefix(unity.Fold(scope), "skystatus.")
}

// words say how old the picture is, and what of it is partial or older than that.
func (k *kept) words() string {
	text := "from the snapshot, " + dispatch.AgeWords(k.age()) + " old"
	if n := len(k.pic.Failed); n > 0 {
		text += "; " + numbered(n, "site") + " partial"
	}
	var oldest time.Time
	for _, c := range k.pic.Chunks() {
		if at := c.ReadAt(); !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	if !oldest.IsZero() && k.head.Finished.Sub(oldest) > time.Hour {
		text += "; its oldest site was read " + dispatch.AgeWords(time.Since(oldest)) + " ago"
	}
	return text
}

// fleet gives machines of the picture as a fleet, for what lists fleets.
func (k *kept) fleet(machines []*fleet.Machine) *fleet.Fleet {
	p := k.pic
	return &fleet.Fleet{Sites: p.Sites, Machines: machines, Done: p.Done, Total: p.Total, Failed: p.Failed, Hidden: p.Hidden,
		StatusErr: p.StatusErr, ReadAt: p.ReadAt}
}

// cached opens the picture on disk for a verb that must not call the API at all: nobody signs in, nothing is refreshed.
func (a *app) cached(ctx context.Context, do func(context.Context, *session, *kept) error) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	sess, err := a.unnamed(ctx, s)
	if err != nil {
		return err
	}
	defer sess.close()
	k, err := sess.readKept(ctx, keptReader{})
	switch {
	case errors.Is(err, errNothingKept):
		return &codeError{exitFailed, errNothingKept.Error() + ": leave --cached out; the full-screen console, `unitty watch` and commands that name machines keep one, where the secret store outlives the process"}
	case err != nil && ctx.Err() == nil:
		return &codeError{exitFailed, fmt.Sprintf("the snapshot cannot be used: %v; leave --cached out", err)}
	case err != nil:
		return err
	}
	_, _ = fmt.Fprintf(a.err, "unitty: %s\n", k.words())
	return do(ctx, sess, k)
}
