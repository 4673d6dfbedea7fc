package cli

import (
	"context"
	"os"
	"testing"
)

func TestGateWaitsForSectionsAndGivesWayToTheEnd(t *testing.T) {
	g := &gate{}
	ends := func(s os.Signal) bool { return s == os.Kill }
	leave := g.enter()
	sig := make(chan os.Signal, 2)
	sig <- os.Interrupt
	sig <- os.Kill
	if s := g.shut(sig, ends); s != os.Kill {
		t.Fatalf("with a section under way shut gives %v", s)
	}
	leave()
	g.enter()() // hangs when the gate has stayed shut

	if s := g.shut(nil, nil); s != nil {
		t.Fatalf("shut gives %v", s)
	}
	entered := make(chan struct{})
	go func() {
		defer close(entered)
		g.enter()()
	}()
	select {
	case <-entered:
		t.Fatal("a section began behind a shut gate")
	default:
	}
	g.open()
	<-entered
}

func TestWithoutARunTheGateIsOpen(t *testing.T) {
	g := gateOf(context.Background())
	g.enter()()
	if s := g.shut(nil, nil); s != nil {
		t.Fatal(s)
	}
	g.open()
	ctx, stop := withSignals(context.Background())
	defer stop()
	if gateOf(ctx) == nil || gateOf(context.WithoutCancel(ctx)) != gateOf(ctx) {
		t.Error("the gate is not the one of the run")
	}
}
