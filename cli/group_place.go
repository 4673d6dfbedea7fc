package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// groupReads is how many sites are asked for their groups at the same time; the client's own limit is lower where it has to be.
const groupReads = 16

// siteOfGroup gives the id of the site that has a group of that id or name, by asking every visible site. A name that several sites
// use is ambiguous, and one counts as unique only when every site has answered.
func (sess *session) siteOfGroup(ctx context.Context, name string) (string, error) {
	list, err := sess.client.Sites(ctx)
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	var hits []*unity.Site
	var labels, failed []string
	reads, rctx := errgroup.WithContext(ctx)
	reads.SetLimit(groupReads)
	for i := range list.Sites {
		s := &list.Sites[i]
		if !s.Visible() {
			continue
		}
		reads.Go(func() error {
			groups, err := sess.client.Groups(rctx, s.ID)
			if errors.Is(err, unity.ErrUnauthenticated) || rctx.Err() != nil {
				return errors.Join(err, rctx.Err())
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, s.Name.String())
				return nil
			}
			found, err := fleet.FindGroup(groups, name)
			var ambiguous *fleet.AmbiguousError
			switch {
			case err == nil:
				hits = append(hits, s)
				labels = append(labels, fmt.Sprintf("%s  %s  at %s", found.ID, found.Label(), s.Name))
			case errors.As(err, &ambiguous):
				hits = append(hits, s)
				labels = append(labels, ambiguous.Candidates...)
			}
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return "", err
	}
	slices.Sort(labels)
	slices.Sort(failed)
	byID := unity.IsGUID(strings.TrimSpace(name))
	switch {
	case len(labels) > 1:
		return "", usagef("%v\n(give the id, or --site)", &fleet.AmbiguousError{Kind: "group", Name: name, Candidates: labels})
	case len(hits) == 1 && (byID || len(failed) == 0):
		return string(hits[0].ID), nil
	case len(failed) > 0:
		return "", &fleet.AmbiguousError{Kind: "group", Name: name, Why: "not every site has answered: " + firstFew(failed, 3) + "; narrow by --site"}
	}
	return "", &fleet.NotFoundError{Kind: "group", Name: name}
}
