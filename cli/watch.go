package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// watchEvery is how often changes are read unless --every says otherwise.
const watchEvery = time.Minute

func (a *app) watchCommand() *cobra.Command {
	var where string
	every := watchEvery
	c := &cobra.Command{Use: "watch", Short: "Print what changes among endpoints until interrupted", Args: cobra.NoArgs,
		Long: `Reads the console once, from the snapshot on disk when that is less than an hour old, and then what changed, again and again:
two calls each time while nothing happens. Each change is one line; -o ndjson prints it as JSON:

  Time        when it was noticed, UTC
  Kind        appeared, left or changed: whether the endpoint matches --where now, or goes on matching with other values
  EndpointId, HostName, SiteId, SiteName, Status
  What        an array of {Field, From, To}: the values that changed, and "Endpoint" with the values absent and present for
              one that is new or gone

What is there at the start is no change, and that an endpoint was seen again is none. What a site that does not answer holds
is not known to have left. Trouble is told on standard error, and reading goes on; interrupt it to end it (exit code 130).`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < time.Second {
				return usagef("--every is at least 1s")
			}
			if o := a.flags.output; o == "json" || o == "csv" || a.flags.columns != "" {
				return usagef("watch prints line by line: as a table without --columns, or with -o ndjson")
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				return a.watch(ctx, sess, where, every)
			})
		}}
	c.Flags().StringVar(&where, "where", "", "selector, for example 'status:infected|attention'")
	c.Flags().DurationVar(&every, "every", watchEvery, "how often to read what changed")
	return c
}

// watch keeps the picture of the console current and prints what changes in it.
func (a *app) watch(ctx context.Context, sess *session, where string, every time.Duration) error {
	missing, err := sess.missing(ctx)
	if err != nil {
		return err
	}
	staleAfter := sess.settings.StaleAfter
	query, err := sess.grammar(missing).Compile(where)
	if err != nil {
		return err
	}
	console := live.New(live.Options{Client: sess.client, StaleAfter: staleAfter, Open: sess.snapshotFile, Every: every,
		WithStatus: func() bool { return !missing("SkyStatus.GSM") }})
	_ = console.Load(ctx) // without it everything is read
	w := &watcher{app: a, console: console, every: every, diff: differ{query: query, staleAfter: staleAfter}, seen: a.progress(sess.calls)}
	defer w.seen.end()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = console.Run(ctx) // ends with the context
	}()
	defer func() {
		cancel()
		<-ended
	}()
	gone := a.readerGone(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-gone:
			return errUnread
		case <-console.Changed():
			if err := w.look(ctx, sess.client.Now); err != nil {
				return err
			}
		}
	}
}

// watcher prints the changes of a console.
type watcher struct {
	app     *app
	console *live.Fleet
	every   time.Duration
	diff    differ
	// at is the end of the reading that was looked at last.
	at time.Time
	// told are the failures that were named already.
	told map[string]bool
	// seen tells how far the first reading is.
	seen *progress
}

// look compares after each reading that is finished; between two pieces of one the picture is not whole.
func (w *watcher) look(ctx context.Context, now func() time.Time) error {
	state := w.console.State()
	if state.Phase != live.PhaseIdle {
		if state.Phase == live.PhaseMachines && w.at.IsZero() {
			w.seen.at(state.Done, state.Total, state.Failed)
		}
		return nil
	}
	if state.Err != nil {
		return w.trouble(state.Err)
	}
	at := state.LastDelta
	if state.LastFull.After(at) {
		at = state.LastFull
	}
	p := w.console.Current()
	if at.IsZero() || at.Equal(w.at) || p.Stale {
		return nil
	}
	w.seen.end()
	first := w.at.IsZero()
	w.at = at
	w.partial(p)
	lines := w.diff.next(ctx, p, now())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if first {
		_, _ = fmt.Fprintf(w.app.err, "unitty: watching %d of %s, reading what changed every %s\n", len(w.diff.last), dispatch.Machines(p.Len()), w.every)
		return nil
	}
	for i := range lines {
		if err := w.app.printWatched(&lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// trouble names a failure once, and ends the watching when nobody is signed in any more.
func (w *watcher) trouble(err error) error {
	w.seen.end()
	if exitCode(err) == exitSignIn {
		return err
	}
	w.say("err", "reading failed and is tried again: "+err.Error())
	return nil
}

// partial names what the picture does not show, once each time it begins.
func (w *watcher) partial(p *picture.Picture) {
	before := w.told
	w.told = map[string]bool{}
	for _, s := range p.Failed {
		key := "site " + string(s.Site)
		w.told[key] = before[key]
		w.say(key, s.Name.String()+" could not be read: "+s.Err.Error())
	}
	if p.StatusErr != nil {
		w.told["status"] = before["status"]
		w.say("status", "no agent status: "+p.StatusErr.Error())
	}
}

func (w *watcher) say(key, text string) {
	if w.told[key] {
		return
	}
	if w.told == nil {
		w.told = map[string]bool{}
	}
	w.told[key] = true
	_, _ = fmt.Fprintf(w.app.err, "unitty: %s\n", unity.Clean(text))
}
