package dispatch

import (
	"context"
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity"
)

// name gives the groups and policies that machines go back to their names, as far as they can be read. Names are for people only.
func (b *back) name(ctx context.Context, c *unity.Client) {
	by := bySite(b.refs)
	for _, site := range siteOrder(b.refs) {
		names, of := namesOf(ctx, c, site, b.each[by[site][0].ID])
		for _, ref := range by[site] {
			args := b.each[ref.ID]
			if name := names[strings.ToLower(args[0].Value)]; name != "" {
				b.each[ref.ID] = Args{args[0], {of, name}}
			}
		}
	}
}

// namesOf reads the names of what a site's machines go back to, and says which argument they are.
func namesOf(ctx context.Context, c *unity.Client, site unity.SiteID, args Args) (map[string]string, string) {
	names := map[string]string{}
	if args.Get(ArgGroup) != "" {
		groups, _ := c.Groups(ctx, site) // an id stands where no name can be read
		for i := range groups {
			names[string(groups[i].ID)] = groups[i].Name.Raw()
		}
		return names, ArgGroupName
	}
	policies, _ := c.SitePolicies(ctx, site)
	for i := range policies {
		names[string(policies[i].ID)] = policies[i].Name.Raw()
	}
	return names, ArgPolicyName
}

// words are the arguments by which the whole is called: those of the first machine, and where they differ a name that says so.
func (b *back) words() Args {
	first := b.each[b.refs[0].ID]
	ids := map[string]bool{}
	for _, ref := range b.refs {
		ids[b.each[ref.ID][0].Value] = true
	}
	switch {
	case len(ids) == 1:
		return first
	case first[0].Name == ArgGroup:
		return Args{first[0], {ArgGroupName, "where each was (" + count(len(ids), "group") + ")"}}
	}
	return Args{first[0], {ArgPolicyName, fmt.Sprintf("that each had (%d policies)", len(ids))}}
}

// warnBack names what the revert does not put back, and what somebody has changed since the job.
func (p *Past) warnBack(plan *Plan) {
	switch p.Operation.ID {
	case "endpoint.isolate":
		plan.Warnings = append(plan.Warnings, "the API does not show which machines are isolated: this goes by the commands of the last six months")
	case "endpoint.deactivate":
		plan.Warnings = append(plan.Warnings, "this brings back the records only: the agent of a machine that has reported in since is uninstalled")
	case "endpoint.move":
		p.warnChanged(plan, func(v Values) string { return string(v.Group) }, p.Operation.Args.Get(ArgGroup), "is in another group now than the job put it in")
	case "endpoint.set-policy":
		p.warnChanged(plan, func(v Values) string { return string(v.Policy) }, p.Operation.Args.Get(ArgPolicy), "has another policy now than the job gave it")
	}
}

// warnChanged names machines that are not as the job left them.
func (p *Past) warnChanged(plan *Plan, of func(Values) string, left, what string) {
	var names []string
	for _, ref := range plan.Targets {
		want := left
		if own := p.story.plan.each[ref.ID]; len(own) > 0 {
			want = own[0].Value
		}
		if is := of(plan.values[ref.ID]); is != "" && !strings.EqualFold(is, want) {
			names = append(names, ref.Name())
		}
	}
	if len(names) > 0 {
		plan.Warnings = append(plan.Warnings, someNames(names)+" "+what+": that change goes, too")
	}
}

// someNames lists the first ten names and counts the others.
func someNames(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(names[:most], ", "), Machines(len(names)-most))
}
