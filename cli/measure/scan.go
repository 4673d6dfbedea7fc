//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

const (
	// seed makes every run measure the same machines.
	seed = 1
	// perSite is how many machines a customer has in the mean.
	perSite = 33
	// findLimit is how many hits are shown.
	findLimit = 200
)

// scanned is a console with the same text as a file, one machine a line, for the programs it is compared with.
type scanned struct {
	n    int
	p    *picture.Picture
	file string
	text []byte
	// host is the folded host name of a machine in the middle.
	host string
}

// scanAt makes a console of n machines.
func (b *bench) scanAt(n int) (*scanned, error) {
	s := &scanned{n: n, p: b.console(n), file: filepath.Join(b.dir, fmt.Sprintf("rows-%d", n))}
	var text bytes.Buffer
	i := 0
	for r := range s.p.Rows() {
		host := unity.Fold(r.HostName().Raw())
		if i >= n/2 && s.host == "" && strings.HasPrefix(host, "desktop-") {
			s.host = host
		}
		i++
		text.WriteString(strings.Join([]string{host, unity.Fold(r.User()), unity.Fold(r.IPs()), unity.Fold(r.MAC()), unity.Fold(r.SiteName().Raw()),
			unity.Fold(r.SiteKey().String())}, "\t"))
		text.WriteByte('\n')
	}
	s.text = text.Bytes()
	return s, os.WriteFile(s.file, s.text, 0o600)
}

// tool runs a program on the rows and gives what it says. An exit code of 1 means that nothing was found.
func tool(ctx context.Context, in, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the tools are named in this program
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	if in != "" {
		f, err := os.Open(in)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		cmd.Stdin = f
	}
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		err = nil
	}
	return string(out), err
}

// question is one filter: the expression, and the fixed text that grep looks for.
type question struct{ name, expr, text string }

func (s *scanned) questions() []question {
	tail := s.host[len(s.host)-4:]
	return []question{
		{"substring", tail, tail},
		{"substring that most rows have", "desktop", "desktop"},
		{"fields", "host:" + tail + " seen:<30d !status:deactivated", tail},
	}
}

func filterRows(ctx context.Context, b *bench) error {
	for _, n := range b.sizes() {
		s, err := b.scanAt(n)
		if err != nil {
			return err
		}
		for _, q := range s.questions() {
			if err := s.filter(ctx, b, q); err != nil {
				return err
			}
		}
		if err := os.Remove(s.file); err != nil {
			return err
		}
	}
	return nil
}

// filter measures one question: what a key costs until the matching machines are known, and until the list has them.
func (s *scanned) filter(ctx context.Context, b *bench, q question) error {
	grammar := picture.Language(false, 0, picturetest.Now, nil)
	var set *picture.Set
	took, err := b.median(func() error {
		query, err := grammar.Compile(q.expr)
		if err != nil {
			return err
		}
		set = s.p.Select(ctx, query, picturetest.Now())
		return nil
	})
	if err != nil {
		return err
	}
	found := ""
	grep, err := b.median(func() error {
		found, err = tool(ctx, "", "grep", "-cF", "-e", q.text, s.file)
		return err
	})
	if err != nil {
		return err
	}
	r := row{name: fmt.Sprintf("filter %s, %s", count(s.n), q.name), value: ms(took), unit: unitMS, yardstick: "grep -cF", yard: ms(grep), budget: 2}
	pass := s.pass(b)
	r.note = fmt.Sprintf("%s hits, %.1f ns an endpoint", count(set.Len()), float64(took.Nanoseconds())/float64(s.n))
	if q.expr == q.text && strings.TrimSpace(found) != strconv.Itoa(set.Len()) {
		return fmt.Errorf("%q: %d machines match, but grep counts %s", q.expr, set.Len(), strings.TrimSpace(found))
	}
	b.add(r)
	if q.expr == q.text {
		// Memory cannot be read faster than once.
		b.add(row{name: r.name + ", from the limit", value: ms(took), unit: unitMS, yardstick: "one pass over the same bytes", yard: ms(pass)})
		b.add(row{name: fmt.Sprintf("filter %s, %s, until the list has it", count(s.n), q.name), value: ms(took + s.shown(b, set)), unit: unitMS})
	}
	return nil
}

// pass is one look at every byte, for which the memory is the limit.
func (s *scanned) pass(b *bench) time.Duration {
	d, _ := b.median(func() error {
		if bytes.IndexByte(s.text, 0) >= 0 {
			return errors.New("a zero byte")
		}
		return nil
	})
	return d
}

// listed is the table that a list of the console's machines shows.
func (s *scanned) listed() *table.Rows[picture.Row, unity.EndpointID] {
	rows := table.NewRows(func(r *picture.Row) unity.EndpointID { return r.ID() }, []table.Column[picture.Row]{
		{ID: "host", Text: func(r *picture.Row) string { return r.HostName().String() }},
		{ID: "user", Text: func(r *picture.Row) string { return r.User() }},
		{ID: "seen", Rank: func(r *picture.Row) int64 { return r.Seen().UnixNano() }},
	}, nil)
	rows.SetSort([]table.SortKey{{Column: "host"}})
	slab, items := make([]picture.Row, 0, s.p.Len()), make([]*picture.Row, 0, s.p.Len())
	for r := range s.p.Rows() {
		slab = append(slab, r)
		items = append(items, &slab[len(slab)-1])
	}
	rows.Merge(items)
	rows.Len()
	return rows
}

// shown is how long the list takes to show what was found.
func (s *scanned) shown(b *bench, set *picture.Set) time.Duration {
	rows := s.listed()
	d, _ := b.median(func() error {
		rows.SetFilter(func(r *picture.Row) bool { return set.Has(*r) })
		rows.Len()
		return nil
	})
	return d
}

func fuzzyRows(ctx context.Context, b *bench) error {
	for _, n := range b.sizes() {
		s, err := b.scanAt(n)
		if err != nil {
			return err
		}
		// Letters with gaps, as somebody types who remembers some of the name.
		name := s.host
		word := "dk" + name[len(name)-7:len(name)-5] + name[len(name)-4:len(name)-2]
		hits := 0
		took, err := b.median(func() error {
			hits = len(s.p.Find(ctx, word, findLimit))
			return nil
		})
		if err != nil {
			return err
		}
		r := row{name: "find " + count(n) + ", fuzzy, ranked", value: ms(took), unit: unitMS, yardstick: "fzf --filter", budget: 0.25}
		r.note = fmt.Sprintf("%q, the best %d, %.1f ns an endpoint", word, hits, float64(took.Nanoseconds())/float64(n))
		fzf, err := b.median(func() error {
			_, err := tool(ctx, s.file, "fzf", "--filter", word)
			return err
		})
		switch {
		case errors.Is(err, exec.ErrNotFound):
			r.yardstick, r.budget = "fzf is not installed", 0
		case err != nil:
			return err
		}
		r.yard = ms(fzf)
		b.add(r)
	}
	return nil
}

func sortRows(ctx context.Context, b *bench) error {
	for _, n := range b.sizes() {
		s, err := b.scanAt(n)
		if err != nil {
			return err
		}
		theirs, err := b.median(func() error {
			_, err := tool(ctx, "", "sort", "-o", os.DevNull, s.file)
			return err
		})
		if err != nil {
			return err
		}
		rows := s.listed()
		for _, other := range []string{"user", "seen"} {
			key := false
			took, err := b.median(func() error {
				key = !key
				by := "host"
				if key {
					by = other
				}
				rows.SetSort([]table.SortKey{{Column: by}})
				rows.Len()
				return nil
			})
			if err != nil {
				return err
			}
			b.add(row{name: fmt.Sprintf("sort %s, host ↔ %s", count(n), other), value: ms(took), unit: unitMS, yardstick: "sort", yard: ms(theirs)})
		}
	}
	return nil
}
