package cli

import (
	"sort"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/selector"
	"github.com/unitty/unitty/views"
)

// The languages of --where, in which the saved views of the configuration stand as view:NAME.

// machineLanguage is the language over machines that were just read.
func (sess *session) machineLanguage(forChange bool, missing func(string) bool) *selector.Language[*fleet.Machine] {
	l := fleet.MachineLanguage(forChange, sess.client.Now, missing)
	l.Views = sess.settings.config.viewExpressions()
	return l
}

// siteLanguage is the language over sites.
func (sess *session) siteLanguage() *selector.Language[*unity.Site] {
	l := fleet.SiteLanguage()
	l.Views = sess.settings.config.viewExpressions()
	return l
}

// grammar is the language over the machines of a picture.
func (sess *session) grammar(missing func(string) bool) *picture.Grammar {
	g := picture.Language(false, sess.settings.StaleAfter, sess.client.Now, missing)
	g.Views = sess.settings.config.viewExpressions()
	return g
}

// viewExpressions are the selectors of the saved views by name, never nil.
func (c *config) viewExpressions() map[string]string {
	out := make(map[string]string, len(c.Views))
	for name, v := range c.Views {
		out[name] = v.Where
	}
	return out
}

// inOrder puts rows into the order of the first saved view that a selector names and that has one, as the view's own list
// stands; without one they stay as they are. at gives the row that the columns are of.
func inOrder[T any](c *config, named []string, columns []table.Column[T], rows any, at func(i int) *T) {
	for _, name := range named {
		if keys := (views.SavedView{Sort: c.Views[name].Sort}).SortKeys(); len(keys) > 0 {
			order := table.Comparing(columns, keys)
			sort.SliceStable(rows, func(i, j int) bool { return order(at(i), at(j)) < 0 })
			return
		}
	}
}

// withViews lets each --where below a command say that it takes saved views, and be completed.
func (a *app) withViews(c *cobra.Command) {
	for _, sub := range c.Commands() {
		a.withViews(sub)
	}
	f := c.Flags().Lookup("where")
	if f == nil {
		return
	}
	f.Usage += "; view:NAME stands for a saved view of the configuration"
	ofSites := c.CommandPath() == "unitty usage" || c.HasParent() && c.Parent().Name() == "site"
	// It fails only for a flag that is not there.
	_ = c.RegisterFlagCompletionFunc("where", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return a.completeWhere(typed, ofSites), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
}

// completeWhere proposes fields, values and saved views. Only the views that can be used are proposed: those of machines where
// machines are selected.
func (a *app) completeWhere(typed string, ofSites bool) []string {
	var saved map[string]string
	if set, err := a.quiet().settings(); err == nil {
		saved = set.config.viewExpressions()
	}
	if ofSites {
		l := fleet.SiteLanguage()
		l.Views = usable(saved, func(expr string) error { _, err := l.Parse(expr); return err })
		return l.Complete(typed)
	}
	l := fleet.MachineLanguage(false, time.Now, nil)
	l.Views = usable(saved, func(expr string) error { _, err := l.Parse(expr); return err })
	return l.Complete(typed)
}

// usable are the views that a language can read.
func usable(saved map[string]string, read func(string) error) map[string]string {
	out := map[string]string{}
	for name, expr := range saved {
		if read(expr) == nil {
			out[name] = expr
		}
	}
	return out
}
