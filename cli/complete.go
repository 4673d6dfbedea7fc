package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

const (
	// completeWithin is how long a shell waits for names: somebody has pressed a key.
	completeWithin = 2 * time.Second
	// completeMost bounds the names that are proposed: nobody reads more.
	completeMost = 200
)

// proposal proposes what may stand for what was typed.
type proposal func(ctx context.Context, typed string) []string

// withCompletion has shells complete values where they can be known without a call and without a question: words that are fixed,
// profiles, jobs, and the sites and machines of the snapshot on disk. Files are proposed only where a file is meant.
func (a *app) withCompletion(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	a.completeFlags(root)
	for _, c := range root.Commands() {
		a.completeBelow(c)
	}
}

func (a *app) completeBelow(c *cobra.Command) {
	a.completeFlags(c)
	if propose := a.ofArgument(c); propose != nil && c.ValidArgsFunction == nil {
		more := strings.Contains(c.Use, "…")
		c.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 && !more {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return propose(cmd.Context(), typed), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for _, sub := range c.Commands() {
		a.completeBelow(sub)
	}
}

// ofArgument is what a command takes, by the word for it in its usage.
func (a *app) ofArgument(c *cobra.Command) proposal {
	_, rest, _ := strings.Cut(c.Use, " ")
	word, _, _ := strings.Cut(strings.Trim(rest, "[]"), " ")
	switch parent := c.Parent().Name(); {
	case word == "SITE":
		return a.proposeSites
	case word == "HOST" || word == "HOST…":
		return a.proposeHosts
	case word == "JOB…" || word == "ID" && parent == "job":
		return a.proposeJobs
	case word == "NAME" && parent == "profile":
		return a.proposeProfiles
	case word == "NAME" && parent == "command":
		return words(commandNames()...)
	default:
		return nil
	}
}

// completeFlags completes those of a command's own flags whose values can be known.
func (a *app) completeFlags(c *cobra.Command) {
	values := map[string]proposal{
		"output": words("table", "json", "ndjson", "csv"), "color": words("auto", "always", "never"), "profile": a.proposeProfiles,
		"site": a.proposeSites, "host": a.proposeHosts,
	}
	if c.Name() == "login" {
		values["from"] = words("secretserver")
	}
	for name, propose := range values {
		if c.LocalFlags().Lookup(name) == nil || c.HasParent() && c.InheritedFlags().Lookup(name) != nil {
			continue
		}
		// It fails only for a flag that is not there.
		_ = c.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return propose(cmd.Context(), typed), cobra.ShellCompDirectiveNoFileComp
		})
	}
	for _, name := range []string{"from", "failed-to", "input", "debug"} {
		if c.LocalFlags().Lookup(name) == nil || values[name] != nil {
			continue
		}
		_ = c.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { // as above
			return nil, cobra.ShellCompDirectiveDefault
		})
	}
}

// words proposes words that are fixed.
func words(all ...string) proposal {
	return func(_ context.Context, typed string) []string { return beginning(typed, slices.Values(all)) }
}

// beginning keeps what begins with what was typed, without regard to case, and not too much of it. A tab ends what is compared:
// behind it stands what the shell shows beside a word.
func beginning(typed string, all func(yield func(string) bool)) []string {
	var out []string
	folded := unity.Fold(typed)
	for w := range all {
		if strings.HasPrefix(unity.Fold(w), folded) {
			if out = append(out, w); len(out) == completeMost {
				break
			}
		}
	}
	return out
}

func (a *app) proposeProfiles(_ context.Context, typed string) []string {
	s, err := a.quiet().settings()
	if err != nil {
		return nil
	}
	return beginning(typed, slices.Values(s.config.profileNames()))
}

func (a *app) proposeJobs(_ context.Context, typed string) []string {
	jobs, err := a.quiet().pastJobs()
	if err != nil {
		return nil
	}
	all, _, err := jobs.Digests()
	if err != nil || len(all) == 0 {
		return nil
	}
	return beginning(typed, func(yield func(string) bool) {
		if !yield("last\t" + jobHint(&all[0])) {
			return
		}
		for i := range all {
			if !yield(all[i].ID + "\t" + jobHint(&all[i])) {
				return
			}
		}
	})
}

// jobHint tells a job from others.
func jobHint(d *dispatch.Digest) string { return unity.Clean(d.Title) + ", " + string(d.State) }

func (a *app) proposeSites(ctx context.Context, typed string) []string {
	var out []string
	a.onSnapshot(ctx, func(k *kept) {
		out = beginning(typed, func(yield func(string) bool) {
			for i := range k.pic.Sites {
				s := &k.pic.Sites[i]
				if !s.Name.Empty() && !yield(s.Name.String()+"\t"+s.Keycode.String()) {
					return
				}
			}
		})
	})
	return out
}

func (a *app) proposeHosts(ctx context.Context, typed string) []string {
	var out []string
	a.onSnapshot(ctx, func(k *kept) {
		out = beginning(typed, func(yield func(string) bool) {
			for row := range k.pic.Rows() {
				if state, _ := row.State(time.Now(), fleet.DefaultStaleAfter); state == fleet.StateGone || row.HostName().Empty() {
					continue
				}
				if !yield(row.HostName().String() + "\t" + row.SiteName().String()) {
					return
				}
			}
		})
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// onSnapshot looks at the picture on disk, where there is one that can be read at once and without a question.
func (a *app) onSnapshot(ctx context.Context, look func(*kept)) {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	// A shell has nowhere to show why there are no names.
	_ = a.quiet().cached(ctx, func(_ context.Context, _ *session, k *kept) error {
		look(k)
		return nil
	})
}

// quiet is the program as a shell asks it for words: it neither says nor asks anything.
func (a *app) quiet() *app {
	q := *a
	q.in, q.err, q.terminal, q.tty = strings.NewReader(""), io.Discard, false, false
	return &q
}
