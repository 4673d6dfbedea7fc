package change

import (
	"context"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// policyField is the field of sites and groups that names a policy.
const policyField = "PolicyId"

// Unprotected tells the policy under which nobody but the machine's user is in charge of its protection.
func Unprotected(p *unity.Policy) bool { return dispatch.Unprotected(p.Name) }

// weighed looks at a policy that a change sets: it is called by its name, and whether it protects is said for whom. It tells
// whether it is one that does not.
func weighed(ctx context.Context, c *unity.Client, s *unity.Site, policy, whom string, ch *dispatch.ObjectChange) bool {
	if policy == "" {
		return false
	}
	policies, err := policiesFor(ctx, c, s)
	if err != nil {
		ch.Warnings = append(ch.Warnings, "the policies could not be read: "+unity.Clean(err.Error()))
		return false
	}
	namePolicies(ch.Diff, policies)
	for i := range policies {
		if string(policies[i].ID) != policy {
			continue
		}
		if Unprotected(&policies[i]) {
			ch.Warnings = append(ch.Warnings, policies[i].Label()+" leaves the protection to whoever uses the machine, "+whom)
			return true
		}
		return false
	}
	ch.Warnings = append(ch.Warnings, "the site's list of policies does not hold "+unity.Clean(policy))
	return false
}

// policiesFor reads the policies that a site can use; without a site, those of the console.
func policiesFor(ctx context.Context, c *unity.Client, s *unity.Site) ([]unity.Policy, error) {
	if s == nil {
		return c.Policies(ctx)
	}
	return c.SitePolicies(ctx, s.ID)
}

// namePolicies writes names for the ids of policies.
func namePolicies(diff []dispatch.FieldChange, policies []unity.Policy) {
	names := map[string]string{}
	for i := range policies {
		names[string(policies[i].ID)] = policies[i].Label()
	}
	for i := range diff {
		if diff[i].Field != policyField {
			continue
		}
		for _, value := range []*string{&diff[i].Before, &diff[i].After} {
			if name := names[*value]; name != "" {
				*value = name
			}
		}
	}
}
