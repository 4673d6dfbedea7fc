package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
)

// statusJSON is what `status -o json` prints.
type statusJSON struct {
	Profile, BaseURL, Username, ClientID string
	GSMKey                               string
	State                                string
	Store                                string
	Generation                           uint64
	AccessExpiresAt, RefreshExpiresAt    *time.Time
	Scopes                               []string
	Reach                                string
	Console                              string
	ReadOnly                             bool
	Text                                 string
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{Use: "status", Short: "Show the sign-in and whether the API answers", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return a.verb(cmd.Context(), a.status)
	}}
}

func (a *app) status(ctx context.Context, sess *session) error {
	console, reach, err := sess.reach(ctx)
	st := sess.engine.Status() // after the call: the server may have turned down a token that looked good here
	out := statusJSON{Profile: sess.settings.Profile, BaseURL: sess.settings.BaseURL, Username: sess.settings.Username, ClientID: sess.settings.ClientID,
		GSMKey: sess.settings.Key.String(), State: st.State.String(), Store: sess.store.Name(), Generation: st.Gen, Scopes: append([]string{}, st.Scopes...),
		ReadOnly: sess.settings.ReadOnly, Text: st.Text, Reach: "ok", Console: console}
	if reach != nil {
		out.Reach = reach.Error()
	}
	for _, t := range []struct {
		at time.Time
		to **time.Time
	}{{st.ExpiresAt, &out.AccessExpiresAt}, {st.RefreshExpiresAt, &out.RefreshExpiresAt}} {
		if !t.at.IsZero() {
			at := t.at.UTC().Truncate(time.Second)
			*t.to = &at
		}
	}
	if a.structured() {
		p, perr := newPrinter(a, nil, func(s *statusJSON) ([]byte, error) { return json.Marshal(s) })
		if perr == nil {
			perr = p.one(&out)
		}
		return errors.Join(err, perr)
	}
	for _, kv := range [][2]string{{"profile", out.Profile}, {"address", out.BaseURL}, {"console", firstOf(unity.Clean(out.Console), "-") + "  " + out.GSMKey},
		{"user", out.Username}, {"client", out.ClientID}, {"sign-in", out.State}, {"kept in", out.Store}, {"access until", localTime(st.ExpiresAt)},
		{"refresh until", localTime(st.RefreshExpiresAt)}, {"scopes", scopeWords(out.Scopes)}, {"API", reachWords(reach, err)}, {"read-only", fmt.Sprint(out.ReadOnly)}} {
		_, _ = fmt.Fprintf(a.out, "%-14s %s\n", kv[0], kv[1])
	}
	return err
}

// reach tells the name of the console, what is wrong with the API itself, and why there is no answer.
func (sess *session) reach(ctx context.Context) (console string, reach, err error) {
	if _, err = sess.tokens().Token(ctx); err == nil {
		c, err := sess.client.Console(ctx)
		switch {
		case err == nil:
			return c.Name.Raw(), nil, nil
		case exitCode(err) != exitSignIn:
			return "", err, err
		}
		return "", nil, err // it has answered, and wants another sign-in
	}
	return "", unity.Probe(ctx, sess.settings.BaseURL, version, nil), err
}

// reachWords tells what is wrong with the API: in a word where err, which goes to standard error in full, says the same.
func reachWords(reach, err error) string {
	switch {
	case reach == nil:
		return "ok"
	case exitCode(reach) != exitCode(err):
		return unity.Clean(reach.Error())
	case exitCode(reach) == exitUnreachable:
		return "out of reach"
	default:
		return "answers with an error"
	}
}

func localTime(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format("2006-01-02 15:04:05")
}
