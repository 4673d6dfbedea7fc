package live

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestLoadBehind holds that the sites of a snapshot are there at once and the machines only after the pause, all of them.
func TestLoadBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 10, Endpoints: 200, Seed: 4})
		file := testSnapshot(t, l)
		f := l.fleet(Options{Snapshot: file})
		sync1(t, f)
		g := l.fleet(Options{Snapshot: file})
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- g.LoadBehind(t.Context(), time.Second) }()
		for len(g.Current().Sites) == 0 {
			<-g.Changed()
		}
		if p := g.Current(); len(p.Sites) != 10 || p.Len() != 0 || time.Since(began) > 0 {
			t.Errorf("at first there are %d sites and %d machines after %v", len(p.Sites), p.Len(), time.Since(began))
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n, took := g.Current().Len(), time.Since(began); n != 200 || took < time.Second {
			t.Errorf("after %v there are %d machines", took, n)
		}
	})
}

// TestLoadBehindEnds holds that a load which is given up does not wait for its pause.
func TestLoadBehindEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 3, Endpoints: 30, Seed: 4})
		file := testSnapshot(t, l)
		sync1(t, l.fleet(Options{Snapshot: file}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		g := l.fleet(Options{Snapshot: file})
		if err := g.LoadBehind(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
