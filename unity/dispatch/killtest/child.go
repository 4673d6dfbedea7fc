//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

// child carries out the order in the environment and gives the exit code.
func child() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP)
	defer stop()
	var o order
	err := json.Unmarshal([]byte(os.Getenv(childVariable)), &o)
	if err == nil {
		err = o.carryOut(ctx)
	}
	var busy *journal.BusyError
	switch {
	case errors.As(err, &busy):
		return exitBusy
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (o order) carryOut(ctx context.Context) error {
	key, err := unity.ParseKeycode(o.Key)
	if err != nil {
		return err
	}
	tokens := &entry.Password{BaseURL: o.BaseURL, Creds: unitytest.Credentials{Username: o.User, Password: o.Password, ClientID: o.ClientID, ClientSecret: o.ClientSecret}}
	c, err := unity.New(unity.Options{BaseURL: o.BaseURL, GSMKey: key, Tokens: tokens})
	if err != nil {
		return err
	}
	binding := dispatch.Binding{BaseURL: c.BaseURL(), Key: c.Key(), User: o.User}
	run := dispatch.RunOptions{Journal: journal.At(o.Dir), Edge: o.edge(ctx), Sleep: o.sleep}
	if o.Resume != "" {
		_, err := dispatch.NewJobs(run.Journal).Resume(ctx, c, o.Resume, binding, run)
		return err
	}
	var refs []fleet.Ref
	for _, t := range o.Targets {
		refs = append(refs, fleet.Ref{ID: t.ID, Site: t.Site, HostName: unity.NewText(t.HostName), LastSeen: time.Now()})
	}
	frozen, err := dispatch.Freeze(binding, refs)
	if err != nil {
		return err
	}
	op, err := dispatch.OperationNamed("scan", "")
	if err != nil {
		return err
	}
	p, err := dispatch.Make(ctx, c, op, frozen, dispatch.PlanOptions{BatchSize: batchOf})
	if err != nil {
		return err
	}
	_, err = p.Run(ctx, c, run)
	return err
}

// edge stops at the ordered edge and says so on descriptor 3; what follows is up to whoever reads that.
func (o order) edge(ctx context.Context) func(dispatch.Edge) {
	if o.Edge == "" {
		return nil
	}
	events := os.NewFile(3, "events")
	var passed atomic.Int64
	return func(e dispatch.Edge) {
		if e != o.Edge || passed.Add(1) != int64(o.Nth) {
			return
		}
		_, _ = events.WriteString("edge\n")
		<-ctx.Done()
	}
}

// sleep lets the time of the simulated console pass instead of waiting.
func (o order) sleep(ctx context.Context, d time.Duration) error {
	body := fmt.Sprintf(`{"Advance":%q}`, d)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.BaseURL+"/_sim/clock", strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}
