package views

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// still is a fleet whose picture and state do not change.
type still struct {
	Fleet
	pic   *picture.Picture
	state live.State
}

func (s still) Current() *picture.Picture { return s.pic }
func (s still) State() live.State         { return s.state }

// TestThePictureStandsInWhereTheServerSaysNothing reads the machines of a site from a server that answers, fails and is out of reach.
func TestThePictureStandsInWhereTheServerSaysNothing(t *testing.T) {
	p := picturetest.Random(4, 3, 90)
	c := p.Chunks()[0]
	down := &unity.Error{Kind: unity.ErrUnreachable}
	answer := ui.Page[fleet.Machine]{Items: []*fleet.Machine{{SiteName: c.Site().Name}}, Total: 1}
	for name, x := range map[string]struct {
		state live.State
		err   error
		// came are the pages that the server gave, kept how often the picture is shown.
		came []ui.Page[fleet.Machine]
		kept int
	}{
		"answers":                  {came: []ui.Page[fleet.Machine]{answer}},
		"fails":                    {err: &unity.Error{Kind: unity.ErrUnavailable, Status: 503}, kept: 1},
		"is overloaded":            {err: &unity.Error{Kind: unity.ErrRateLimited, Status: 429}, kept: 1},
		"fails in the middle":      {err: &unity.Error{Kind: unity.ErrUnavailable}, came: []ui.Page[fleet.Machine]{answer}},
		"does not say how many":    {err: down, came: []ui.Page[fleet.Machine]{{Items: answer.Items, Total: -1}}},
		"says no":                  {err: &unity.Error{Kind: unity.ErrDenied, Status: 403}},
		"is known to be away":      {state: live.State{Err: down}, err: down, kept: 2},
		"was away and answers now": {state: live.State{Err: down}, came: []ui.Page[fleet.Machine]{answer}, kept: 1},
	} {
		t.Run(name, func(t *testing.T) {
			e := &Env{Fleet: still{pic: p, state: x.state}}
			var got []ui.Page[fleet.Machine]
			load := orKept(e, c.Site().ID, func(_ context.Context, emit func(ui.Page[fleet.Machine])) error {
				for _, page := range x.came {
					emit(page)
				}
				return x.err
			}, e.keptMachines)
			if err := load(t.Context(), func(p ui.Page[fleet.Machine]) { got = append(got, p) }); !errors.Is(err, x.err) {
				t.Fatalf("the error is %v, want %v", err, x.err)
			}
			kept := 0
			for _, page := range got {
				if len(page.Items) == c.Len() && page.Age.Equal(c.ReadAt()) {
					kept++
				}
			}
			if kept != x.kept || len(got) != len(x.came)+x.kept {
				t.Fatalf("%d pages, %d of them from the picture, want %d and %d", len(got), kept, len(x.came)+x.kept, x.kept)
			}
		})
	}
}

// TestThePictureIsShownWhileTheServerIsSlow reads a site twice from a server that takes five seconds: only who opens it sees the
// picture meanwhile, since later the rows are there.
func TestThePictureIsShownWhileTheServerIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := picturetest.Random(4, 3, 90)
		c := p.Chunks()[0]
		e := &Env{Fleet: still{pic: p}}
		load := orKept(e, c.Site().ID, func(_ context.Context, emit func(ui.Page[fleet.Machine])) error {
			<-time.After(5 * time.Second)
			emit(ui.Page[fleet.Machine]{Total: 0})
			return nil
		}, e.keptMachines)
		for _, want := range []string{"1s:picture 5s:0 ", "5s:0 "} {
			start, got := time.Now(), ""
			if err := load(t.Context(), func(page ui.Page[fleet.Machine]) {
				rows := "0"
				if len(page.Items) == c.Len() && page.Age.Equal(c.ReadAt()) {
					rows = "picture"
				}
				got += time.Since(start).String() + ":" + rows + " "
			}); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("the pages are %q, want %q", got, want)
			}
		}
	})
}
