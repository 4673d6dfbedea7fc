package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// namedTargets resolves machines that are named one by one: with the picture on disk where it is recent and complete, else by
// reading the whole console. The server has been asked for each machine before anything is sent to it.
func (a *app) namedTargets(ctx context.Context, sess *session, names []wanted, s selection) ([]fleet.Ref, *fleet.Fleet, error) {
	why := error(cannot("--fresh was given"))
	if !s.fresh {
		if s.newest {
			why = cannot("--newest compares what the server says now")
		} else {
			q := &quick{sess: sess, names: names}
			refs, err := q.resolve(ctx)
			if err == nil {
				return refs, q.fleet, nil
			}
			why = err
		}
	}
	var no *cannotError
	switch {
	case !errors.As(why, &no):
		return nil, nil, why
	case s.cached:
		return nil, nil, usagef("%s; without --cached the whole console is read", no.why)
	}
	f, calls, err := a.readConsole(ctx, sess, names)
	if err != nil {
		return nil, nil, err
	}
	_, _ = fmt.Fprintf(a.err, "unitty: %s; it took %s to read the whole console\n", unity.Clean(no.why), numbered(int(calls), "call"))
	var refs []fleet.Ref
	for _, w := range names {
		m, err := findWanted(f, w, s.newest)
		if err != nil {
			return nil, nil, err
		}
		refs = append(refs, m.Ref())
	}
	return refs, f, nil
}

// readConsole reads all sites, and gives the machines that may be meant. Where a picture can be kept it is, so that the next
// command need not read so much; there the agents' reports are read too.
func (a *app) readConsole(ctx context.Context, sess *session, names []wanted) (*fleet.Fleet, int64, error) {
	missing, err := sess.missing(ctx)
	if err != nil {
		return nil, 0, err
	}
	file, err := sess.snapshotFile(ctx)
	if err != nil || file == nil {
		var calls atomic.Int64
		f, err := a.sweep(unity.CountCalls(ctx, &calls), sess, scope{})
		return f, calls.Load(), err
	}
	console := live.New(live.Options{Client: sess.client, StaleAfter: sess.settings.StaleAfter, Snapshot: file,
		WithStatus: func() bool { return !missing("SkyStatus.GSM") }})
	_ = console.Load(ctx) // what changed since then is kept in it; a file that is no good is set aside
	stop := a.follow(sess, console)
	err = console.Sync(ctx)
	stop()
	if err != nil {
		return nil, 0, err
	}
	state := console.State()
	if state.Disk != nil {
		_, _ = fmt.Fprintf(a.err, "unitty: the snapshot could not be kept: %s\n", unity.Clean(state.Disk.Error()))
	}
	p := console.Current()
	sess.console = p.Console
	return &fleet.Fleet{Sites: p.Sites, Machines: machinesNamed(p, names, sess.settings.StaleAfter), Done: p.Done, Total: p.Total, Failed: p.Failed,
		Hidden: p.Hidden, StatusErr: p.StatusErr, ReadAt: p.ReadAt}, state.Calls, nil
}

// follow shows how far the reading of a console is, until stop is called.
func (a *app) follow(sess *session, console *live.Fleet) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		shown := a.progress(sess.calls)
		defer shown.end()
		for {
			select {
			case <-done:
				return
			case <-console.Changed():
				if s := console.State(); s.Phase == live.PhaseMachines {
					shown.at(s.Done, s.Total, s.Failed)
				}
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// meant tells which machines names may mean: those of a host name, or of an id.
type meant struct {
	hosts map[string]bool
	ids   map[unity.EndpointID]bool
}

func meantBy(names []wanted) meant {
	m := meant{hosts: map[string]bool{}, ids: map[unity.EndpointID]bool{}}
	for _, w := range names {
		if host := unity.Fold(w.name); host != "" { // what folds to nothing is nobody's name
			m.hosts[host] = true
		}
		if id := strings.ToLower(strings.TrimSpace(w.name)); unity.IsGUID(id) {
			m.ids[unity.EndpointID(id)] = true
		}
	}
	return m
}

func (m meant) has(r picture.Row) bool {
	return m.hosts[r.FoldedHost()] || len(m.ids) > 0 && m.ids[r.ID()]
}

// machinesNamed are the machines of a picture that names may mean.
func machinesNamed(p *picture.Picture, names []wanted, staleAfter time.Duration) []*fleet.Machine {
	m := meantBy(names)
	var out []*fleet.Machine
	for r := range p.Rows() {
		if m.has(r) {
			out = append(out, r.Machine(staleAfter))
		}
	}
	return out
}
