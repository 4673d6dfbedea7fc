package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/ui/terminal"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/views"
)

func (a *app) configCommand() *cobra.Command {
	var keys bool
	c := &cobra.Command{Use: "config", Short: "Print every path in use and the settings in force", Args: cobra.NoArgs,
		Long: `Prints every path in use and the settings in force, after flags, environment and file. Nothing is read from a secret store.
unlocked_until is when the file store, which is open now, asks for its passphrase again unless it is used before.

--keys prints the ids of all actions with the keys they have now, for [keys]. A key that two actions would share, or that cannot be
bound, is named with exit code 2, as it is when the full-screen console starts.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.settings()
			if err != nil {
				return err
			}
			if keys {
				return a.printKeys(s)
			}
			return a.printConfig(cmd.Context(), s)
		}}
	c.Flags().BoolVar(&keys, "keys", false, "print the ids of all actions with their keys, for [keys]")
	return c
}

func (a *app) printConfig(ctx context.Context, s *settings) error {
	rows := []unity.Extra{
		{Name: "config", Value: s.paths.configFile()}, {Name: "audit", Value: s.paths.auditFile()}, {Name: "jobs", Value: s.paths.jobs()},
		{Name: "secrets", Value: s.paths.secrets()}, {Name: "lock", Value: a.lockPath(ctx, s)}, {Name: "exports", Value: s.paths.exports()},
		{Name: "session", Value: s.paths.session(s.Profile)}, {Name: "places", Value: s.paths.places(s.Profile)},
		{Name: "snapshot", Value: s.paths.snapshot(s.Profile)}, {Name: "debug", Value: a.flags.debug}, {Name: "profile", Value: s.Profile},
		{Name: "profiles", Value: strings.Join(s.config.profileNames(), " ")}, {Name: "base_url", Value: s.BaseURL}, {Name: "gsm_key", Value: s.keyText()},
		{Name: "username", Value: s.Username}, {Name: "client_id", Value: s.ClientID}, {Name: "scope", Value: strings.Join(s.Scope, " ")},
		{Name: "store", Value: firstOf(s.Store, s.Pinned, "auto")}, {Name: "unlocked_until", Value: unlockedUntil(ctx, s)},
		{Name: "read_only", Value: s.ReadOnly}, {Name: "require_audit", Value: s.RequireAudit},
		{Name: "stale_after", Value: s.StaleAfter.String()}, {Name: "idle_lock", Value: s.IdleLock.String()},
		{Name: "theme", Value: firstOf(s.config.UI.Theme, "ansi")}, {Name: "glyphs", Value: firstOf(s.config.UI.Glyphs, "ascii")},
		{Name: "mouse", Value: s.config.UI.Mouse}, {Name: "sync_output", Value: firstOf(s.config.UI.SyncOutput, terminal.SyncAuto)},
		{Name: "whole_frames", Value: s.config.UI.WholeFrames},
		{Name: "refresh", Value: s.Refresh.String()}, {Name: "colour", Value: s.Colour},
	}
	if a.structured() {
		return a.printMembers(rows...)
	}
	for _, r := range rows {
		line := strings.TrimRight(fmt.Sprintf("%-14s %s", r.Name, unity.Clean(fmt.Sprint(r.Value))), " ")
		if _, err := fmt.Fprintln(a.out, line); err != nil {
			return err
		}
	}
	return nil
}

// unlockedUntil is when the passphrase of the file store is asked for again unless it is used before, "" when it is asked for now.
func unlockedUntil(ctx context.Context, s *settings) string {
	until := auth.FileKeyUntil(ctx, s.paths.secrets())
	if until.IsZero() {
		return ""
	}
	return until.UTC().Format(time.RFC3339)
}

// lockPath is the lock that the processes of the sign-in share, "" where the store outlives no process, or cannot be told without
// asking somebody.
func (a *app) lockPath(ctx context.Context, s *settings) string {
	quiet := *a
	quiet.terminal, quiet.err = false, io.Discard
	store, err := quiet.openStore(ctx, s)
	if err != nil {
		return ""
	}
	defer func() { _ = store.Close() }()
	engine, err := auth.NewEngine(auth.Options{Account: s.account(), Store: store, UserAgent: unity.UserAgent(version)})
	if err != nil {
		return ""
	}
	defer func() { _ = engine.Close(ctx) }()
	return engine.LockPath()
}

// structured tells whether something else than text for people was asked for.
func (a *app) structured() bool {
	return a.flags.jq != "" || a.flags.output != "" && a.flags.output != "table"
}

// printMembers prints one object whose keys stand in the given order: as JSON, or as CSV of one row.
func (a *app) printMembers(members ...unity.Extra) error {
	p, err := newPrinter(a, nil, func(m *[]unity.Extra) ([]byte, error) { return membersJSON(*m) })
	if err != nil {
		return err
	}
	return p.one(&members)
}

// printKeys lists what [keys] in the configuration can name, with the keys in force, and refuses keys that clash.
func (a *app) printKeys(s *settings) error {
	specs := append(ui.Builtins(), s.config.catalog()...)
	for _, c := range (&views.Env{Saved: s.config.savedViews()}).Places() {
		specs = append(specs, c.Spec)
	}
	for i := range specs {
		if keys, ok := s.config.Keys[specs[i].ID]; ok {
			specs[i].Keys = keys
		}
	}
	columns := []table.Column[ui.Spec]{
		{ID: "id", Title: "Id", Min: 30, Text: func(s *ui.Spec) string { return s.ID }},
		{ID: "keys", Title: "Keys", Min: 8, Text: func(s *ui.Spec) string { return strings.Join(s.Keys, " ") }},
		{ID: "risk", Title: "Risk", Min: 8, Priority: 2, Text: func(s *ui.Spec) string { return s.Risk.String() }},
		{ID: "help", Title: "What it does", Min: 16, Priority: 1, Text: func(s *ui.Spec) string { return s.Help }},
	}
	err := printAll(a, specs, columns, func(s *ui.Spec) ([]byte, error) {
		return json.Marshal(struct {
			ID, Title, Help, Risk string
			Keys                  []string
		}{s.ID, s.Title, s.Help, s.Risk.String(), append([]string{}, s.Keys...)})
	})
	if err != nil {
		return err
	}
	return checkKeys(s)
}
