package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

func (a *app) logoutCommand() *cobra.Command {
	var purge bool
	c := &cobra.Command{Use: "logout", Short: "Forget the sign-in of the profile", Args: cobra.NoArgs,
		Long: `Removes the tokens, the client secret and the notes about them from this machine. The profile itself stays in the
configuration; "unitty profile remove" removes that. Having no sign-in is no error.

The server has no way to take tokens back: what was issued is accepted there until it expires, which the verb says with
the times. Only a password change in the GSM console ends it at once.

--purge also removes what the screens remember of the profile: the last place, marks and filters. Exports, the audit and
the log stay; they are records, not memory.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context(), purge) }}
	c.Flags().BoolVar(&purge, "purge", false, "also remove what the screens remember of the profile")
	return c
}

func (a *app) logout(ctx context.Context, purge bool) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	if err := a.forget(ctx, s); err != nil {
		return err
	}
	if !purge {
		return nil
	}
	return a.purge(s)
}

// forget wipes the stored sign-in and says what the server still accepts.
func (a *app) forget(ctx context.Context, s *settings) error {
	if s.ClientID == "" || s.Username == "" {
		_, _ = fmt.Fprintf(a.err, "Profile %s has no sign-in: nothing had to be forgotten.\n", s.Profile)
		return nil
	}
	sess, err := a.stored(ctx, s)
	if err != nil {
		return err
	}
	defer sess.close()
	before := sess.engine.Status()
	if err := sess.engine.SignOut(ctx); err != nil {
		return err
	}
	if s.Source != nil {
		if err := a.forgetVault(ctx, s, sess.store); err != nil {
			return err
		}
	}
	if before.State == auth.SignedOut {
		_, _ = fmt.Fprintf(a.err, "No sign-in of profile %s was stored here.\n", s.Profile)
	} else {
		_, _ = fmt.Fprintf(a.err, "The sign-in of profile %s is forgotten here.\n", s.Profile)
	}
	_, _ = fmt.Fprintln(a.err, stillAccepted(before, time.Now()))
	return nil
}

// stillAccepted says how long the server would take the tokens that were forgotten.
func stillAccepted(before auth.Status, now time.Time) string {
	const end = " Only a password change in the GSM console ends them at once."
	switch {
	case before.RefreshExpiresAt.After(now) && before.ExpiresAt.After(now):
		return fmt.Sprintf("The server would still accept the forgotten tokens: the access token until %s, the refresh token until %s.",
			before.ExpiresAt.Local().Format("15:04:05"), before.RefreshExpiresAt.Local().Format("2006-01-02 15:04")) + end
	case before.RefreshExpiresAt.After(now):
		return fmt.Sprintf("The server would still accept the forgotten refresh token, until %s.", before.RefreshExpiresAt.Local().Format("2006-01-02 15:04")) + end
	default:
		return "Tokens that were issued elsewhere for this user are not touched: the server accepts access tokens for 5 minutes and refresh tokens for 14 days." + end
	}
}

// purge removes what the screens remember of a profile, and names it.
func (a *app) purge(s *settings) error {
	var errs []error
	removed := 0
	for _, path := range s.paths.remembered(s.Profile) {
		err := os.Remove(path)
		switch {
		case err == nil:
			removed++
			_, _ = fmt.Fprintf(a.err, "Removed %s\n", unity.Clean(path))
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, fmt.Errorf("purge: %w", err))
		}
	}
	if removed == 0 && len(errs) == 0 {
		_, _ = fmt.Fprintf(a.err, "Nothing else of profile %s was kept here.\n", s.Profile)
	}
	return errors.Join(errs...)
}

// remembered are the files that the screens keep for one profile and that can be lost without loss of a record.
func (p paths) remembered(profile string) []string {
	return []string{p.session(profile)}
}
