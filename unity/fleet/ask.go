package fleet

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
)

// ErrNotNarrowed tells that the server gives reports of other machines too when it is asked for one by its machine id.
var ErrNotNarrowed = errors.New("the server does not narrow agents' reports by machine id")

// Asker asks for agents' reports one by one, by machine id, for machines that no list tells apart: those that share their name
// with another record of their site, where reports carry no machine id (§3.13). It is safe for concurrent use.
type Asker struct {
	client *unity.Client
	// turn is held by whoever finds out whether the server goes by the machine id.
	turn chan struct{}
	// narrowed tells that the server was seen to go by the machine id, broken that it was seen not to.
	narrowed, broken atomic.Bool
}

// NewAsker makes an asker.
func NewAsker(c *unity.Client) *Asker { return &Asker{client: c, turn: make(chan struct{}, 1)} }

// Report is the report of the machine with that id and host name at a site; nil where the site gives none, or one that is not
// the machine's for certain. It takes one call, and the first one that finds a report another one, which asks for a machine
// that does not exist: a server that answers that with a report does not go by the id, and ErrNotNarrowed is returned then
// and ever after.
func (a *Asker) Report(ctx context.Context, site unity.Keycode, id unity.MachineID, host unity.Text) (*unity.Status, error) {
	if a.broken.Load() {
		return nil, ErrNotNarrowed
	}
	rows, err := a.rows(ctx, site, id)
	if err != nil || len(rows) != 1 {
		return nil, err
	}
	r := &rows[0]
	if r.MachineID != "" && KeyOf(r.MachineID) != KeyOf(id) || unity.Fold(r.HostName.Raw()) != unity.Fold(host.Raw()) {
		return nil, nil
	}
	if err := a.prove(ctx, site, id); err != nil {
		return nil, err
	}
	return r, nil
}

// rows are at most two reports: of two that fit neither is the machine's.
func (a *Asker) rows(ctx context.Context, site unity.Keycode, id unity.MachineID) ([]unity.Status, error) {
	for page, err := range a.client.SiteStatus(ctx, site, unity.StatusQuery{MachineID: id, BatchSize: 2}) {
		if errors.Is(err, unity.ErrNotFound) {
			return nil, nil
		}
		return page.Items, err
	}
	return nil, nil
}

// prove finds out, once, whether the server goes by the machine id. The site is one that has just given a report, so that
// no report means something.
func (a *Asker) prove(ctx context.Context, site unity.Keycode, id unity.MachineID) error {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !a.narrowed.Load() && !a.broken.Load() {
		rows, err := a.rows(ctx, site, stranger(id))
		switch {
		case errors.Is(err, unity.ErrInvalid): // it looked at the id
		case err != nil:
			return err
		}
		a.narrowed.Store(len(rows) == 0)
		a.broken.Store(len(rows) > 0)
	}
	if a.broken.Load() {
		return ErrNotNarrowed
	}
	return nil
}

// stranger is a machine id of the same form that no machine has.
func stranger(id unity.MachineID) unity.MachineID {
	next := strings.NewReplacer("0", "1", "1", "2", "2", "3", "3", "4", "4", "5", "5", "6", "6", "7", "7", "8", "8", "9", "9", "0",
		"a", "b", "b", "c", "c", "d", "d", "e", "e", "f", "f", "a", "A", "B", "B", "C", "C", "D", "D", "E", "E", "F", "F", "A")
	out := next.Replace(string(id))
	if out == string(id) {
		out += "0"
	}
	return unity.MachineID(out)
}

// MostAsked bounds the machines that a verb asks for one by one.
const MostAsked = 250

// Asked says what asking for machines one by one came to.
type Asked struct {
	// Calls is the number of API calls, Told that of machines that got a report, Left that of machines that were not asked
	// for, since there were more than MostAsked.
	Calls, Told, Left int
}

// AskEach asks for the reports of those machines that are wanted and have none, where their machine id is theirs alone within
// their site. The machines that get one are changed in place. An error ends the asking; what was told before stays.
func (f *Fleet) AskEach(ctx context.Context, c *unity.Client, wanted func(*Machine) bool) (Asked, error) {
	var out Asked
	open := f.askable(wanted)
	if len(open) > MostAsked {
		open, out.Left = open[:MostAsked], len(open)-MostAsked
	}
	var calls atomic.Int64
	asker := NewAsker(c)
	reports := make([]*unity.Status, len(open))
	group, gctx := errgroup.WithContext(unity.CountCalls(ctx, &calls))
	group.SetLimit(16)
	for i, m := range open {
		group.Go(func() (err error) {
			reports[i], err = asker.Report(gctx, m.SiteKey, m.MachineID, m.HostName)
			return err
		})
	}
	err := group.Wait()
	for i, m := range open {
		if reports[i] == nil {
			continue
		}
		reports[i].Keycode = m.SiteKey
		m.Status, m.StatusNote = reports[i], ""
		out.Told++
	}
	f.Unjoined -= out.Told
	out.Calls = int(calls.Load())
	return out, err
}

// askable are the wanted machines without a report whose machine id says which one they are, as is only known of sites that were
// read to the end.
func (f *Fleet) askable(wanted func(*Machine) bool) []*Machine {
	type at struct {
		site unity.SiteID
		key  MachineKey
	}
	if f.StatusErr != nil {
		return nil
	}
	broken := f.broken()
	bearers := map[at]int{}
	for _, m := range f.Machines {
		bearers[at{m.SiteID, KeyOf(m.MachineID)}]++
	}
	var out []*Machine
	for _, m := range f.Machines {
		key := KeyOf(m.MachineID)
		if m.Status == nil && m.StatusNote == NoteNotJoined && !broken[m.SiteID] && key != (MachineKey{}) && bearers[at{m.SiteID, key}] == 1 && wanted(m) {
			out = append(out, m)
		}
	}
	return out
}

// Namesakes tells of each machine whether it is active and another active record of its site has its host name: only such
// records can be of one machine, and only asking for them by themselves tells whether they are.
func (f *Fleet) Namesakes() func(*Machine) bool {
	type at struct {
		site unity.SiteID
		host string
	}
	bearers := map[at]int{}
	of := func(m *Machine) at { return at{m.SiteID, unity.Fold(m.HostName.Raw())} }
	for _, m := range f.Machines {
		if !m.Deactivated.On {
			bearers[of(m)]++
		}
	}
	return func(m *Machine) bool { k := of(m); return !m.Deactivated.On && k.host != "" && bearers[k] > 1 }
}
