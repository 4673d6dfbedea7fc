package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// groupSetPolicy gives all machines of a group a policy. They are named one by one, from a complete list that is read now: the
// API's own change of a whole group would also reach machines that nobody has seen in the plan.
func (a *app) groupSetPolicy() *cobra.Command {
	var send sendFlags
	var site, policy string
	c := &cobra.Command{Use: "set-policy GROUP --policy POLICY", Short: "Give all active machines of a group a policy", Args: cobra.ExactArgs(1),
		Long: "Gives all active machines of a group, named by id or name, a policy of their own. `unitty group edit --policy-id` changes what the group itself hands on.\n\n" + endpointChangeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(policy) == "" {
				return usagef("--policy is needed: id or name")
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				sel := selection{all: true, site: site, group: args[0]}
				return a.changeEndpoints(ctx, sess, sel, send, func(ctx context.Context, sess *session, refs []fleet.Ref) ([]dispatch.Operation, error) {
					return just(givePolicy(ctx, sess, refs, policy))
				})
			})
		}}
	c.Flags().StringVar(&site, "site", "", "site, by id, keycode or name; without it the group is looked for at all sites")
	c.Flags().StringVar(&policy, "policy", "", "policy, by id or name")
	c.Flags().StringVar(&policy, "policy-id", "", "the same as --policy")
	send.changeFlags(c)
	return c
}
