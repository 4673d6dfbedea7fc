package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

// endpointChangeHelp is what the verbs say that change the records of machines.
const endpointChangeHelp = `Machines are named as arguments or by --host, --endpoint, --from, --where, or --all with --site. Names are resolved to
ids first; one name that is not found, and nothing is sent.

On a terminal the plan is shown and asked about. Elsewhere a move or a policy is sent at once, a reactivation needs --yes; a
deactivation, and anything for more than 25 machines, needs --yes --expect N with the right N. A machine that was renamed,
moved to another group or deactivated since it was chosen is left out there, as skipped with the reason (exit code 4, or 5
when no other is left). --dry-run shows the plan.

Exit codes: 0 all sent, 1 nothing sent, 2 usage, 3 sign-in needed, 4 some failed or unknown, 5 refused, 6 out of reach.`

// endpointChanges are the verbs that change the records of machines.
func (a *app) endpointChanges() []*cobra.Command {
	return []*cobra.Command{a.endpointMove(), a.endpointPolicy(), a.endpointDeactivate(),
		a.endpointState("reactivate", "Reactivate deactivated machines, which takes seats again")}
}

func (s *sendFlags) changeFlags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.dryRun, "dry-run", false, "show the plan and send nothing")
	f.BoolVarP(&s.yes, "yes", "y", false, "do not ask")
	f.IntVar(&s.expect, "expect", -1, "the number of machines you expect")
	f.StringVar(&s.note, "note", "", "remark for the audit, a ticket number for example")
	f.StringVar(&s.failedTo, "failed-to", "", "write the ids of failed and unknown machines to this file")
}

// operationFor completes what is done once the machines are known: one operation, or a move and a policy.
type operationFor func(ctx context.Context, sess *session, refs []fleet.Ref) ([]dispatch.Operation, error)

func just(op dispatch.Operation, err error) ([]dispatch.Operation, error) {
	return []dispatch.Operation{op}, err
}

func (a *app) endpointState(name, short string) *cobra.Command {
	return a.endpointChange(name+" [HOST…]", short, nil, func(context.Context, *session, []fleet.Ref) ([]dispatch.Operation, error) {
		return just(dispatch.OperationByID("endpoint."+name, nil))
	})
}

// endpointChange makes a verb that changes the records of machines. flags adds the verb's own flags. Where op gives several
// operations, they are one combined action.
func (a *app) endpointChange(use, short string, flags func(*cobra.Command), op operationFor) *cobra.Command {
	var sel selection
	var send sendFlags
	c := &cobra.Command{Use: use, Short: short, Long: short + ".\n\n" + endpointChangeHelp, RunE: func(cmd *cobra.Command, args []string) error {
		sel.hosts = append(sel.hosts, args...)
		sel.whereSet = cmd.Flags().Changed("where")
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.changeEndpoints(ctx, sess, sel, send, op) })
	}}
	sel.flags(c)
	send.changeFlags(c)
	if flags != nil {
		flags(c)
	}
	return c
}

// changeEndpoints resolves the machines, completes the operation for them, plans, asks, sends and reports.
func (a *app) changeEndpoints(ctx context.Context, sess *session, sel selection, flags sendFlags, complete operationFor) error {
	if sess.settings.ReadOnly && !flags.dryRun {
		return refusedf("refused: this profile is read-only")
	}
	refs, f, err := a.targets(ctx, sess, sel)
	if err != nil {
		return err
	}
	ops, err := complete(ctx, sess, refs)
	if err != nil {
		return err
	}
	if len(ops) == 1 {
		return a.sendTo(ctx, sess, ops[0], refs, f.Sites, flags)
	}
	ch, err := change.MoveAndPolicy(ctx, sess.client, sess.binding(), f.Sites, refs, ops[0], ops[1])
	if err != nil {
		return err
	}
	return a.runChain(ctx, sess, ch, flags)
}

// oneSite is the site of all machines; a group and a policy of a site mean nothing at another one.
func oneSite(refs []fleet.Ref, what string) (unity.SiteID, error) {
	if len(refs) == 0 {
		return "", dispatch.ErrNoTargets
	}
	for _, r := range refs {
		if r.Site != refs[0].Site {
			return "", usagef("the machines are of several sites, and %s; narrow by --site", what)
		}
	}
	return refs[0].Site, nil
}

func (a *app) endpointMove() *cobra.Command {
	var to, how, policy string
	var out bool
	return a.endpointChange("move [HOST…] --to GROUP", "Move machines to another group of their site", func(c *cobra.Command) {
		c.Flags().StringVar(&to, "to", "", "target group, by id or name")
		c.Flags().StringVar(&to, "target-group-id", "", "the same as --to")
		c.Flags().BoolVar(&out, "out", false, "move them out of their group, to the site's default group")
		c.Flags().StringVar(&how, "inheritance", "", "keep (0): policies stay as they are assigned; apply (1): the target group's policy for all")
		c.Flags().StringVar(&policy, "policy", "", "give them this policy too, by id or name, once they are moved")
	}, func(ctx context.Context, sess *session, refs []fleet.Ref) ([]dispatch.Operation, error) {
		if (strings.TrimSpace(to) == "") == !out {
			return nil, usagef("give --to GROUP, or --out for the site's default group")
		}
		move, err := moveTo(ctx, sess, refs, to, how)
		if err != nil || policy == "" {
			return just(move, err)
		}
		give, err := givePolicy(ctx, sess, refs, policy)
		return []dispatch.Operation{move, give}, err
	})
}

// moveTo completes a move to a named group, or to the default one.
func moveTo(ctx context.Context, sess *session, refs []fleet.Ref, to, how string) (dispatch.Operation, error) {
	inheritance, err := inheritanceNumber(how)
	if err != nil {
		return dispatch.Operation{}, err
	}
	site, err := oneSite(refs, "a group belongs to one")
	if err != nil {
		return dispatch.Operation{}, err
	}
	groups, err := sess.client.Groups(ctx, site)
	if err != nil {
		return dispatch.Operation{}, err
	}
	g, err := receiverOf(groups, to)
	if err != nil {
		return dispatch.Operation{}, err
	}
	return dispatch.OperationByID("endpoint.move", dispatch.Args{{Name: dispatch.ArgGroup, Value: string(g.ID)},
		{Name: dispatch.ArgGroupName, Value: g.Label()}, {Name: dispatch.ArgInheritance, Value: inheritance}})
}

// inheritanceNumber reads what becomes of the policies of moved machines (§3.7.5).
func inheritanceNumber(word string) (string, error) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "", "keep", "0":
		return "0", nil
	case "apply", "1":
		return "1", nil
	}
	return "", usagef("--inheritance is keep (0) or apply (1), not %q", unity.Clean(word))
}

func (a *app) endpointPolicy() *cobra.Command {
	var policy string
	return a.endpointChange("set-policy [HOST…] --policy POLICY", "Give machines a policy", func(c *cobra.Command) {
		c.Flags().StringVar(&policy, "policy", "", "policy, by id or name")
		c.Flags().StringVar(&policy, "policy-id", "", "the same as --policy")
	}, func(ctx context.Context, sess *session, refs []fleet.Ref) ([]dispatch.Operation, error) {
		if strings.TrimSpace(policy) == "" {
			return nil, usagef("--policy is needed: id or name")
		}
		return just(givePolicy(ctx, sess, refs, policy))
	})
}

// givePolicy completes the assignment of a named policy.
func givePolicy(ctx context.Context, sess *session, refs []fleet.Ref, name string) (dispatch.Operation, error) {
	found, err := policyFor(ctx, sess, refs, name)
	if err != nil {
		return dispatch.Operation{}, err
	}
	return dispatch.OperationByID("endpoint.set-policy", dispatch.Args{{Name: dispatch.ArgPolicy, Value: string(found.ID)},
		{Name: dispatch.ArgPolicyName, Value: found.Label()}})
}

// policyFor resolves a policy that all machines can have: one of their site, or of the console when they are of several.
func policyFor(ctx context.Context, sess *session, refs []fleet.Ref, name string) (*unity.Policy, error) {
	read := sess.client.Policies
	if site, err := oneSite(refs, ""); err == nil {
		read = sess.policiesOf(site)
	}
	policies, err := read(ctx)
	if err != nil {
		return nil, err
	}
	return fleet.FindPolicy(policies, name)
}
