package cli

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/views"
)

// verbsOf says which verb does what an action does. Whoever adds an action adds its verb here.
func verbsOf() map[string]string {
	return map[string]string{
		"endpoint.scan": "scan", "endpoint.cleanup": "cleanup", "endpoint.restart": "restart", "endpoint.isolate": "isolate", "endpoint.release": "release",
		"endpoint.uninstall": "command send", "endpoint.changekeycode": "command send", "endpoint.deactivate": "endpoint deactivate",
		"endpoint.reactivate": "endpoint reactivate", "endpoint.move": "endpoint move", "endpoint.set-policy": "endpoint set-policy", "endpoint.threats": "threat list",
		"site.details": "site show", "site.commands": "command list", "site.threats": "threat list", "site.policies": "policy list", "site.admins": "admin list",
		"site.create": "site create", "site.edit": "site edit", "site.suspend": "site suspend", "site.resume": "site resume", "site.convert-trial": "site convert-trial",
		"site.deactivate": "site deactivate", "site.open": "open",
		"group.details": "group list", "group.commands": "command list", "group.threats": "threat list", "group.create": "group create", "group.edit": "group edit",
		"group.delete": "group delete",
		"admin.create": "admin create", "admin.edit": "admin edit", "admin.grant": "admin grant", "admin.delete": "admin delete",
		"endpoint.rebill": "endpoint deactivate", "endpoint.move-policy": "endpoint move", "site.offboard": "site offboard",
		"command.again": "job retry", "endpoint.clean-duplicates": "endpoint deactivate", "group.set-policy": "group set-policy",
		"admin.access": "admin access request", "admin.access-status": "admin access status",
	}
}

// onScreenOnly are actions about the screens themselves, which mean nothing to a verb.
func onScreenOnly(s ui.Spec) bool { return s.Risk == ui.RiskRead && (s.ID == "site.favourite") }

// TestEveryActionHasAVerb holds the actions on rows against the tree of verbs: what a key does, a script can do.
func TestEveryActionHasAVerb(t *testing.T) {
	t.Parallel()
	a := &app{in: strings.NewReader(""), out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
	root := a.command()
	root.SetContext(context.Background())
	for _, s := range views.Catalog() {
		if onScreenOnly(s) {
			continue
		}
		verb, ok := verbsOf()[s.ID]
		if !ok {
			t.Errorf("%s (%s) has no verb", s.ID, s.Title)
			continue
		}
		c, rest, err := root.Find(strings.Fields(verb))
		if err != nil || len(rest) > 0 || c.RunE == nil {
			t.Errorf("%s: `unitty %s` is no verb: %v", s.ID, verb, err)
			continue
		}
		if s.Risk > ui.RiskRead && c.Flags().Lookup("dry-run") == nil {
			t.Errorf("%s: `unitty %s` has no --dry-run", s.ID, verb)
		}
	}
}
