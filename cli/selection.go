package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// selection is how endpoints are chosen on the command line.
type selection struct {
	endpoints, hosts []string
	where, from      string
	whereSet         bool
	all, newest      bool
	site, group      string
	// fresh has the whole console read, cached forbids it.
	fresh, cached bool
}

func (s *selection) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&s.endpoints, "endpoint", nil, "endpoint id; repeats")
	f.StringArrayVar(&s.hosts, "host", nil, "host name; repeats")
	f.StringVar(&s.where, "where", "", "selector, for example 'seen:<7d type:pc'; a bare word matches the host name only")
	f.StringVar(&s.from, "from", "", "file of host names or ids, one a line, or CSV with host and site; - is standard input")
	f.BoolVar(&s.all, "all", false, "all active endpoints of --site or --group")
	f.StringVar(&s.site, "site", "", "only this site, by id, keycode or name")
	f.StringVar(&s.group, "group", "", "only this group, by id or name; without --site it is looked for at all sites")
	f.BoolVar(&s.newest, "newest", false, "of several records of a host name take the one seen last")
	f.BoolVar(&s.fresh, "fresh", false, "read the whole console, also where the snapshot on disk could tell the machines that are named")
	f.BoolVar(&s.cached, "cached", false, "never read the whole console: refuse where the snapshot on disk cannot tell the machines that are named")
}

// wanted is one named machine, with the site where the file gave one.
type wanted struct{ name, site string }

// targets resolves a selection to machines. Nothing selected is a usage error; a name that is not found, or a selector
// that matches nothing, fails without anything having been sent.
func (a *app) targets(ctx context.Context, sess *session, s selection) ([]fleet.Ref, *fleet.Fleet, error) {
	names, err := a.named(s)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case s.all && s.site == "" && s.group == "":
		return nil, nil, usagef("--all needs --site or --group")
	case s.whereSet && strings.TrimSpace(s.where) == "":
		return nil, nil, usagef("--where is empty: that would be every machine; use --all with --site")
	case len(names) == 0 && !s.whereSet && !s.all:
		return nil, nil, usagef("no machine is selected: give host names, --endpoint, --host, --where, --from, or --all with --site")
	case s.fresh && s.cached:
		return nil, nil, usagef("--fresh and --cached exclude one another")
	case s.onlyNames(names):
		return a.namedTargets(ctx, sess, names, s)
	case s.cached:
		return nil, nil, usagef("--cached is for machines that are named, without --site: what else selects is always read from the server")
	}
	missing, err := sess.missing(ctx)
	if err != nil {
		return nil, nil, err
	}
	plan, err := sess.machineLanguage(true, missing).Parse(s.where)
	if err != nil {
		return nil, nil, err
	}
	if s.whereSet && plan.Empty() {
		return nil, nil, usagef("--where %s is empty: that would be every machine; use --all with --site", unity.Clean(s.where))
	}
	reads := scope{site: s.site, group: s.group, status: needs(plan.Fields(), statusFields), names: needs(plan.Fields(), nameFields)}
	if len(names) == 0 && !s.all { // a name is unique only where every site has answered
		reads.within = sess.within(plan, missing)
	}
	f, err := a.sweep(ctx, sess, reads)
	if err != nil {
		return nil, nil, err
	}
	// Asked for after the first answers: the server's clock is in them.
	if err := dispatch.SkewAllows(sess.client, plan.Fields()); err != nil {
		return nil, nil, refusedf("refused: %v", err)
	}
	var refs []fleet.Ref
	for _, w := range names {
		m, err := findWanted(f, w, s.newest)
		if err != nil {
			return nil, nil, err
		}
		refs = append(refs, m.Ref())
	}
	if s.whereSet {
		rows, unknown, err := a.chosen(ctx, sess, f, plan)
		if err != nil {
			return nil, nil, err
		}
		if unknown > 0 {
			_, _ = fmt.Fprintf(a.err, "unitty: %s\n", leftUnknown(unknown))
		}
		if len(f.Failed) > 0 {
			_, _ = fmt.Fprintf(a.err, "unitty: %s did not answer; the machines there are left out\n", numbered(len(f.Failed), "site"))
		}
		now := sess.client.Now()
		for _, m := range rows {
			ref := m.Ref()
			ref.Found = fleet.FoundBy(plan.Explain(m, now))
			ref.Found.HiddenBy = "" // it was just chosen, whatever a second of the clock has changed
			refs = append(refs, ref)
		}
	}
	if s.all {
		for _, m := range f.Machines {
			if !m.Deactivated.On {
				refs = append(refs, m.Ref())
			}
		}
	}
	if len(refs) == 0 {
		return nil, nil, &fleet.NotFoundError{Kind: "machine", Name: firstOf(s.where, s.group, s.site)}
	}
	return refs, f, nil
}

// onlyNames tells that machines are named one by one and may be anywhere in the console.
func (s *selection) onlyNames(names []wanted) bool {
	return len(names) > 0 && !s.whereSet && !s.all && s.site == "" && s.group == ""
}

// Fields of selectors that take more than the lists of endpoints.
const (
	statusFields = " status os user ip mac type seen version "
	nameFields   = " group policy "
)

func needs(fields []string, some string) bool {
	for _, f := range fields {
		if f != "" && strings.Contains(some, " "+f+" ") {
			return true
		}
	}
	return false
}

func findWanted(f *fleet.Fleet, w wanted, newest bool) (*fleet.Machine, error) {
	if w.site == "" {
		m, err := f.FindHost(w.name, newest)
		return m, severalHosts(err)
	}
	s, err := fleet.FindSite(f.Sites, w.site)
	if err != nil {
		return nil, err
	}
	part := fleet.Fleet{Total: 1, Done: 1}
	for _, bad := range f.Failed {
		if bad.Site == s.ID {
			part.Failed = append(part.Failed, bad)
		}
	}
	for _, m := range f.Machines {
		if m.SiteID == s.ID {
			part.Machines = append(part.Machines, m)
		}
	}
	return findWanted(&part, wanted{name: w.name}, newest)
}

// named collects the machines that were named one by one.
func (a *app) named(s selection) ([]wanted, error) {
	var out []wanted
	for _, id := range s.endpoints {
		if !unity.IsGUID(strings.TrimSpace(id)) {
			return nil, usagef("--endpoint %q is no endpoint id", unity.Clean(id))
		}
		out = append(out, wanted{name: strings.TrimSpace(id)})
	}
	for _, h := range s.hosts {
		if strings.TrimSpace(h) == "" {
			return nil, usagef("an empty host name selects nothing")
		}
		out = append(out, wanted{name: h})
	}
	if s.from == "" {
		return out, nil
	}
	in := a.in
	if s.from != "-" {
		f, err := os.Open(s.from)
		if err != nil {
			return nil, usagef("--from: %v", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	listed, err := readNames(in)
	if err != nil {
		return nil, usagef("--from: %v", err)
	}
	if len(listed) == 0 {
		return nil, usagef("--from: the file names no machine")
	}
	return append(out, listed...), nil
}

// maxNames bounds a file of names, in bytes.
const maxNames = 64 << 20

// readNames reads names one a line, or CSV whose header has a host column. Lines that begin with # are remarks in both.
func readNames(r io.Reader) ([]wanted, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxNames+1))
	switch {
	case err != nil:
		return nil, err
	case len(raw) > maxNames:
		return nil, errors.New("the file is too large")
	}
	text := strings.TrimPrefix(string(raw), "\ufeff")
	var out []wanted
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(out) == 0 && (strings.ContainsAny(line, ",;\t") || unity.Fold(strings.Trim(line, `"`)) == "host") {
			return readCSV(text, line)
		}
		var quoted string
		if strings.HasPrefix(line, `"`) && json.Unmarshal([]byte(line), &quoted) == nil {
			line = strings.TrimSpace(quoted) // as --jq prints a text
		}
		if line == "" {
			return nil, errors.New("a line is an empty name")
		}
		out = append(out, wanted{name: line})
	}
	return out, nil
}

func readCSV(text, first string) ([]wanted, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = '#', -1, true
	switch {
	case strings.Contains(first, "\t"):
		r.Comma = '\t'
	case strings.Contains(first, ";"):
		r.Comma = ';'
	}
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, nil
	}
	host, site := -1, -1
	for i, h := range rows[0] {
		switch unity.Fold(h) {
		case "host", "hostname", "endpointid":
			if host < 0 {
				host = i
			}
		case "site", "sitename", "siteid":
			if site < 0 {
				site = i
			}
		}
	}
	if host < 0 {
		return nil, errors.New("the CSV has no column called host")
	}
	var out []wanted
	for n, row := range rows[1:] {
		w := wanted{}
		if host < len(row) {
			w.name = strings.TrimSpace(row[host])
		}
		if site >= 0 && site < len(row) {
			w.site = strings.TrimSpace(row[site])
		}
		if w.name == "" {
			return nil, fmt.Errorf("line %d has no host", n+2)
		}
		out = append(out, w)
	}
	return out, nil
}
