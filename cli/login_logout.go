package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

func (a *app) logoutCommand() *cobra.Command {
	var purge bool
	c := &cobra.Command{Use: "logout", Short: "Forget the sign-in of the profile", Args: cobra.NoArgs,
		Long: `Removes the tokens, the client secret and the notes about them from this machine. The profile itself stays in the
configuration; "unitty profile remove" removes that. Having no sign-in is no error.

The server has no way to take tokens back: what was issued is accepted there until it expires, which the verb says with
the times. Only a password change in the GSM console ends it at once.

--purge also removes what is remembered of the profile: the last place and orders of lists, favourite and recent customers, the
picture of the console on disk with its key, and the journals of its jobs. The file store asks for its passphrase again then, as it
does when the last profile signs out. Exports, the audit and the log stay; they are records.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context(), purge) }}
	c.Flags().BoolVar(&purge, "purge", false, "also remove the snapshot with its key, the journals of jobs and what the screens remember of the profile")
	return c
}

func (a *app) logout(ctx context.Context, purge bool) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	last, err := a.forget(ctx, s, purge)
	if err != nil {
		return err
	}
	if purge {
		err = a.purge(s)
	}
	if purge || last { // nobody needs the kernel to hold the key of the file store; the next use asks for its passphrase
		err = errors.Join(err, auth.ForgetFileKey(ctx, s.paths.secrets()))
	}
	return err
}

// forget wipes the stored sign-in, with purge the key of the snapshot too, and says what the server still accepts. last tells that
// it was the last one in the file store.
func (a *app) forget(ctx context.Context, s *settings, purge bool) (last bool, err error) {
	if s.ClientID == "" || s.Username == "" {
		_, _ = fmt.Fprintf(a.err, "Profile %s has no sign-in: nothing had to be forgotten.\n", s.Profile)
		return false, nil
	}
	sess, err := a.stored(ctx, s)
	if err != nil {
		return false, err
	}
	defer sess.close()
	before := sess.engine.Status()
	narrower, err := sess.engine.Narrower(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(a.err, "unitty: how long the server takes the narrower tokens is not known: "+err.Error())
	}
	if err := sess.engine.SignOut(ctx); err != nil {
		return false, err
	}
	if purge {
		if err := purgeSnapshotKey(ctx, s, sess.store); err != nil {
			return false, err
		}
	}
	if s.Source != nil {
		if err := a.forgetVault(ctx, s, sess.store); err != nil {
			return false, err
		}
	}
	if before.State == auth.SignedOut {
		_, _ = fmt.Fprintf(a.err, "No sign-in of profile %s was stored here.\n", s.Profile)
	} else {
		_, _ = fmt.Fprintf(a.err, "The sign-in of profile %s is forgotten here.\n", s.Profile)
	}
	_, _ = fmt.Fprintln(a.err, stillAccepted(before, time.Now()))
	for _, n := range narrower {
		_, _ = fmt.Fprintf(a.err, "The narrower sign-in (%s) is forgotten here too. %s\n", unity.Clean(strings.Join(n.Scopes, " ")), stillAccepted(n, time.Now()))
	}
	return sess.store.Name() == "file" && !s.otherSignIn(ctx, sess.store), nil
}

// otherSignIn tells whether another profile of the configuration has a sign-in in the store. One that cannot be read counts as one.
func (s *settings) otherSignIn(ctx context.Context, store auth.Store) bool {
	for name, p := range s.config.Profiles {
		if name == s.Profile || p.ClientID == "" || p.Username == "" {
			continue
		}
		engine, err := auth.NewEngine(auth.Options{Account: auth.Account{BaseURL: firstOf(p.BaseURL, unity.DefaultBaseURL), ClientID: p.ClientID, Username: p.Username},
			Store: store, UserAgent: unity.UserAgent(version)})
		if err != nil {
			continue // no account that anybody could have signed in to
		}
		err = engine.Load(ctx)
		signedOut := err == nil && engine.Status().State == auth.SignedOut
		_ = engine.Close(ctx)
		if !signedOut {
			return true
		}
	}
	return false
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
	pictures, err := a.purgeSnapshot(s)
	errs = append(errs, err)
	journals, err := a.purgeJournals(s)
	errs = append(errs, err)
	if removed += pictures + journals; removed == 0 && errors.Join(errs...) == nil {
		_, _ = fmt.Fprintf(a.err, "Nothing else of profile %s was kept here.\n", s.Profile)
	}
	return errors.Join(errs...)
}

// remembered are the files that the screens keep for one profile and that can be lost without loss of a record.
func (p paths) remembered(profile string) []string {
	return []string{p.session(profile), p.places(profile)}
}

// purgeJournals removes the journals of the profile's jobs and says how many. One that a process runs now stays, and so does
// one that cannot be read: nobody can tell whose it is. The audit is the record that stays.
func (a *app) purgeJournals(s *settings) (int, error) {
	dir := journal.At(s.paths.jobs())
	past, _, err := dispatch.NewJobs(dir).Digests()
	if err != nil {
		return 0, err
	}
	removed := 0
	var errs []error
	for i := range past {
		p := &past[i]
		if p.Profile != s.Profile {
			continue
		}
		if err := dir.Remove(p.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		removed++
	}
	if removed > 0 {
		_, _ = fmt.Fprintf(a.err, "Removed the journals of %s in %s\n", numbered(removed, "job"), unity.Clean(dir.Path()))
	}
	return removed, errors.Join(errs...)
}
