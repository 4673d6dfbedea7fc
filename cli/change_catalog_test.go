package cli

import (
	"context"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
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

// verbTree is the tree of verbs of a program without terminal and environment.
func verbTree() *cobra.Command {
	a := &app{in: strings.NewReader(""), out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
	root := a.command()
	root.SetContext(context.Background())
	return root
}

// verbOf finds a verb that can be run.
func verbOf(t *testing.T, root *cobra.Command, id, verb string) *cobra.Command {
	t.Helper()
	c, rest, err := root.Find(strings.Fields(verb))
	if err != nil || len(rest) > 0 || c.RunE == nil {
		t.Errorf("%s: `unitty %s` is no verb: %v", id, verb, err)
		return nil
	}
	return c
}

// TestEveryActionHasAVerb holds the actions on rows against the tree of verbs: what a key does, a script can do.
func TestEveryActionHasAVerb(t *testing.T) {
	t.Parallel()
	root, there := verbTree(), map[string]bool{}
	for _, s := range views.Catalog() {
		there[s.ID] = true
		if onScreenOnly(s) {
			continue
		}
		verb, ok := verbsOf()[s.ID]
		if !ok {
			t.Errorf("%s (%s) has no verb", s.ID, s.Title)
			continue
		}
		if c := verbOf(t, root, s.ID, verb); c != nil && s.Risk > ui.RiskRead && c.Flags().Lookup("dry-run") == nil {
			t.Errorf("%s: `unitty %s` has no --dry-run", s.ID, verb)
		}
	}
	for id := range verbsOf() {
		if !there[id] {
			t.Errorf("%s has a verb here, but is no action any more", id)
		}
	}
}

// TestTheCatalogueHasTheActionsOfEveryList makes every list that the views have and holds its actions against the catalogue, from
// which palette, keys and verbs are made: an action that is not in there would be in none of them.
func TestTheCatalogueHasTheActionsOfEveryList(t *testing.T) {
	t.Parallel()
	client, err := unity.New(unity.Options{BaseURL: "http://127.0.0.1:9", GSMKey: "AAAABBBBCCCCDDDDEEEE", Tokens: signedOut{}})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, s := range views.Catalog() {
		listed[s.ID] = true
	}
	env := reflect.ValueOf(views.NewEnv(client, "user"))
	lists, met := 0, map[string]bool{}
	for i := range env.NumMethod() {
		method := env.Method(i)
		if of := method.Type(); of.NumOut() != 1 || of.Out(0).Kind() != reflect.Struct || of.IsVariadic() || !strings.HasPrefix(of.Out(0).Name(), "Resource[") {
			continue
		}
		lists++
		args := make([]reflect.Value, method.Type().NumIn())
		for n := range args {
			args[n] = reflect.Zero(method.Type().In(n))
		}
		actions := method.Call(args)[0].FieldByName("Actions")
		for n := range actions.Len() {
			s, ok := actions.Index(n).FieldByName("Spec").Interface().(ui.Spec)
			if !ok || !listed[s.ID] {
				t.Errorf("%s of %s is not in the catalogue", s.ID, env.Type().Method(i).Name)
			}
			met[s.ID] = true
		}
	}
	if lists < 10 || len(met) < len(listed)/2 {
		t.Errorf("only %d lists with %d actions were found", lists, len(met))
	}
}

// verbsOfShell says which verb does what a key of the shell or of a place does. Keys that only move on the screens, choose there or
// show something of the program itself are in none.
func verbsOfShell() map[string]string {
	return map[string]string{
		"app.find": "find", "app.jobs": "job list", "app.profile": "profile use", "app.signin": "login", "app.calls": "api",
		"table.export": "endpoint list", "table.raw": "endpoint show",
		"jobs.list": "job list", "jobs.open": "job show", "jobs.resume": "job resume", "jobs.retry": "job retry", "jobs.resend": "job retry", "jobs.elapsed": "job retry", "jobs.revert": "job revert", "jobs.step": "job next",
		"jobs.export": "job show", "jobs.save-failed": "job show",
		"fleet.infected": "endpoint list", "fleet.attention": "endpoint list", "fleet.stale": "endpoint list", "fleet.seen-deactivated": "endpoint list",
		"fleet.duplicates": "endpoint deactivate", "fleet.outdated": "endpoint list", "fleet.drift": "endpoint list", "fleet.seats": "usage",
		"fleet.ending": "site list", "fleet.all": "endpoint list",
	}
}

// onShellOnly are keys of the shell that mean nothing to a verb.
func onShellOnly(id string) bool {
	scope, name, _ := strings.Cut(id, ".")
	switch scope {
	case "filter", "pick", "form", "line", "dialog", "problem", "pane", "board":
		return true
	case "table":
		return name != "export" && name != "raw"
	case "jobs":
		return slices.Contains([]string{"next", "previous", "cancel", "hasten", "copy", "up", "down", "page-up", "page-down", "half-up", "half-down", "top", "bottom", "filter", "close"}, name)
	case "app":
		return slices.Contains([]string{"help", "palette", "back", "leave", "previous", "next", "reload", "messages", "problem", "dismiss", "redraw", "cancel", "suspend"}, name)
	}
	return id == "go.customers"
}

// TestEveryKeyOfTheShellHasAVerb does the same for the keys that are not actions on rows: jobs, find, places across all customers.
func TestEveryKeyOfTheShellHasAVerb(t *testing.T) {
	t.Parallel()
	root, there := verbTree(), map[string]bool{}
	specs := ui.Builtins()
	for _, c := range new(views.Env).Places() {
		specs = append(specs, c.Spec)
	}
	for _, s := range specs {
		if there[s.ID] = true; len(s.Keys) == 0 || onShellOnly(s.ID) {
			continue
		}
		verb, ok := verbsOfShell()[s.ID]
		if !ok {
			t.Errorf("%s (%s, key %s) has no verb", s.ID, s.Title, s.Keys[0])
			continue
		}
		verbOf(t, root, s.ID, verb)
	}
	for id := range verbsOfShell() {
		if !there[id] {
			t.Errorf("%s has a verb here, but is no action any more", id)
		}
	}
}
