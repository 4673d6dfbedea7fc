package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

func (a *app) cacheCommand() *cobra.Command {
	c := &cobra.Command{Use: "cache", Short: "The picture of the console that is kept on disk"}
	c.AddCommand(&cobra.Command{Use: "purge", Short: "Remove the picture of the profile's console from disk", Args: cobra.NoArgs,
		Long: `Removes the encrypted picture of the console (host names, users, addresses and states of all machines) that is kept so
that the next start need not wait for the server, and what was set aside of it. The next start reads the console anew.
Its key stays in the secret store; "unitty logout --purge" removes that too.`,
		RunE: func(*cobra.Command, []string) error { return a.purgeCache() }})
	return c
}

func (a *app) purgeCache() error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	n, err := a.purgeSnapshot(s)
	if err == nil && n == 0 {
		_, _ = fmt.Fprintf(a.err, "No picture of profile %s was kept here.\n", s.Profile)
	}
	return err
}

// purgeSnapshot removes the files of a profile's snapshot, names them, and tells how many there were.
func (a *app) purgeSnapshot(s *settings) (int, error) {
	removed, err := snapshot.Purge(s.paths.snapshot(s.Profile))
	for _, path := range removed {
		_, _ = fmt.Fprintf(a.err, "Removed %s\n", unity.Clean(path))
	}
	if err != nil {
		err = fmt.Errorf("purge: %w", err)
	}
	return len(removed), err
}

// purgeSnapshotKey removes the key of the snapshot from the store.
func purgeSnapshotKey(ctx context.Context, s *settings, store auth.Store) error {
	if err := store.Delete(ctx, snapshotItem(s)); err != nil && !errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("purge: key of the snapshot: %w", err)
	}
	return nil
}
