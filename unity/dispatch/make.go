package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// maker fills a plan.
type maker struct {
	client  *unity.Client
	plan    *Plan
	options PlanOptions
	sites   map[unity.SiteID]*unity.Site // those of the options, once they were looked for
	lost    error                        // why the first machine could not be read again
	told    func(done int)               // told how many machines were read again; nil where nobody wants to know
}

// Make plans an operation on endpoints. It reads the targets again where the risk or the number asks for it, or where
// their values are needed to put them back; reads the touched sites' open commands; and builds the requests.
func Make(ctx context.Context, c *unity.Client, op Operation, targets Frozen, o PlanOptions) (*Plan, error) {
	if targets.Len() == 0 {
		return nil, ErrNoTargets
	}
	if targets.binding.Key != c.Key() || targets.binding.BaseURL != c.BaseURL() {
		return nil, fmt.Errorf("the machines were chosen on another console than the one in use")
	}
	if len(op.Needs) > 0 {
		return nil, fmt.Errorf("%s needs %s", op.Name, strings.Join(op.Needs, ", "))
	}
	p := &Plan{Operation: op, Binding: targets.binding, sites: o.Sites, client: c, Console: o.Console, MadeAt: c.Now(), before: map[unity.SiteID]known{},
		RetryOf: o.RetryOf, RevertOf: o.RevertOf, each: o.each, values: map[unity.EndpointID]Values{}}
	if p.Console == "" {
		console, err := c.Console(ctx)
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		p.Console = console.Name.String()
	}
	m := maker{client: c, plan: p, options: o}
	var err error
	refs := targets.Refs()
	if op.AgentCommand() {
		if refs, err = m.openCommands(ctx, refs); err != nil {
			return nil, err
		}
	}
	// The machines are read after the commands, so that of many machines too the reading is young when they are sent to.
	if op.Asks(targets.Len()) >= Disrupt || !op.AgentCommand() {
		if refs, err = m.reread(ctx, refs); err != nil {
			return nil, err
		}
	}
	if refs, err = m.weigh(ctx, refs); err != nil {
		return nil, err
	}
	if err := m.nothingRead(len(refs)); err != nil {
		return nil, err
	}
	m.stale(refs)
	m.skew()
	p.Targets = refs
	return p, m.batches(refs)
}

// weigh names what speaks against the change, and leaves out machines that are already as it would make them.
func (m *maker) weigh(ctx context.Context, refs []fleet.Ref) ([]fleet.Ref, error) {
	refs, err := m.warnSites(ctx, refs)
	if err != nil {
		return nil, err
	}
	if err := m.aim(ctx, refs); err != nil {
		return nil, err
	}
	if m.options.Again {
		return refs, nil
	}
	var out []fleet.Ref
	for _, ref := range refs {
		if why := m.already(ref); why != "" {
			m.skip(ref, why)
			continue
		}
		out = append(out, ref)
	}
	return out, nil
}

func (m *maker) warn(format string, args ...any) {
	m.plan.Warnings = append(m.plan.Warnings, fmt.Sprintf(format, args...))
}

func (m *maker) skip(ref fleet.Ref, reason string) {
	m.plan.Skipped = append(m.plan.Skipped, Skip{ref, reason})
}

func bySite(refs []fleet.Ref) map[unity.SiteID][]fleet.Ref {
	out := map[unity.SiteID][]fleet.Ref{}
	for _, r := range refs {
		out[r.Site] = append(out[r.Site], r)
	}
	return out
}

// siteOrder lists the sites of the targets in order of their first machine.
func siteOrder(refs []fleet.Ref) []unity.SiteID {
	var out []unity.SiteID
	seen := map[unity.SiteID]bool{}
	for _, r := range refs {
		if !seen[r.Site] {
			seen[r.Site] = true
			out = append(out, r.Site)
		}
	}
	return out
}

// lookBack is how far back open commands and like commands are looked for: uninstall expires after 14 days, the rest later.
const lookBack = 31 * 24 * time.Hour

// openCommands finds the same command still waiting (skipped, unless it is to be sent again) and the opposite one.
func (m *maker) openCommands(ctx context.Context, refs []fleet.Ref) ([]fleet.Ref, error) {
	var (
		mu   sync.Mutex
		open = map[unity.EndpointID][]unity.Command{}
	)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for site, of := range bySite(refs) {
		group.Go(func() error {
			commands, err := listCommands(ctx, m.client, site, of, m.plan.Operation.Command, m.plan.MadeAt.Add(-lookBack))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, unity.ErrUnauthenticated), ctx.Err() != nil:
				return fmt.Errorf("commands under way cannot be read: %w", err)
			case err != nil:
				// Without the list nobody can tell afterwards whether a lost answer meant yes; that is worth a word, not a stop.
				m.warn("the commands under way at %s cannot be read (%s)", siteLabel(of[0]), err)
				return nil
			}
			m.plan.before[site] = knownOf(commands, m.plan.Operation)
			for _, cmd := range commands {
				if cmd.State.Open() && strings.EqualFold(cmd.Command.Raw(), m.plan.Operation.Command) {
					open[cmd.EndpointID] = append(open[cmd.EndpointID], cmd)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []fleet.Ref
	for _, ref := range refs {
		same := false
		var opposite *unity.Command
		for i := range open[ref.ID] {
			if cmd := &open[ref.ID][i]; like(cmd, m.plan.Operation) {
				same = true
			} else if opposite == nil || cmd.DateRequested.After(opposite.DateRequested.Time) {
				opposite = cmd
			}
		}
		if same && !m.options.Again {
			m.skip(ref, "the same command is already waiting for it")
			continue
		}
		if opposite != nil {
			m.oppose(ref, opposite)
		}
		out = append(out, ref)
	}
	return out, nil
}

// oppose notes a waiting command that does the opposite. What takes a job back is meant to follow it, so that is not asked
// about.
func (m *maker) oppose(ref fleet.Ref, cmd *unity.Command) {
	m.warnOf(warnKind{"%s still has a waiting command that does the opposite", "machines still have a waiting command that does the opposite"}, Named(ref))
	if m.plan.RevertOf != "" {
		return
	}
	since := ""
	if at := cmd.DateRequested; at.Known() {
		since = ", asked for " + AgeWords(m.plan.MadeAt.Sub(at.Time)) + " ago"
	}
	m.plan.Opposed = append(m.plan.Opposed, fmt.Sprintf("%s: %s is waiting for it%s", Named(ref), cmd.Words(), since))
}

// listCommands reads like commands of the targets of one site: from the endpoint's own list for one machine, else from
// the site's.
func listCommands(ctx context.Context, c *unity.Client, site unity.SiteID, refs []fleet.Ref, command string, since time.Time) ([]unity.Command, error) {
	q := unity.CommandQuery{Command: command, Since: since}
	if len(refs) == 1 {
		return unity.Collect(c.EndpointCommands(ctx, site, refs[0].ID, q))
	}
	return unity.Collect(c.SiteCommands(ctx, site, q))
}

// batches cuts the targets into requests: per site, so many ids each.
func (m *maker) batches(refs []fleet.Ref) error {
	size := m.options.BatchSize
	if size <= 0 {
		size = batchSize
		if m.plan.Operation.Risk == Destroy {
			size = batchSizeDestroy
		}
	}
	groups, order := m.alike(refs)
	for _, key := range order {
		for of := groups[key]; len(of) > 0; of = of[min(size, len(of)):] {
			op := m.plan.Operation
			if args := m.plan.each[of[0].ID]; args != nil {
				var err error
				if op, err = op.With(args); err != nil {
					return err
				}
			}
			batch, err := newBatch(m.client, op, of[0].Site, of[:min(size, len(of))])
			if err != nil {
				return err
			}
			m.plan.Batches = append(m.plan.Batches, batch)
		}
	}
	return nil
}

// alike groups machines that can be named in one request: the same site, the same arguments.
func (m *maker) alike(refs []fleet.Ref) (map[string][]fleet.Ref, []string) {
	groups, order, sites := map[string][]fleet.Ref{}, []string(nil), bySite(refs)
	for _, site := range siteOrder(refs) {
		for _, ref := range sites[site] {
			key := string(site)
			for _, a := range m.plan.each[ref.ID] {
				key += "\x00" + a.Name + "\x00" + a.Value
			}
			if groups[key] == nil {
				order = append(order, key)
			}
			groups[key] = append(groups[key], ref)
		}
	}
	return groups, order
}

func newBatch(c *unity.Client, op Operation, site unity.SiteID, refs []fleet.Ref) (Batch, error) {
	ids := make([]unity.EndpointID, len(refs))
	for i, r := range refs {
		ids[i] = r.ID
	}
	targets, err := unity.NewTargets(site, ids)
	if err != nil {
		return Batch{}, err
	}
	req, err := op.request(c, targets)
	if err != nil {
		return Batch{}, err
	}
	return Batch{Targets: targets, Refs: refs, Op: op, Request: req}, nil
}
