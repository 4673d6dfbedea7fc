//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
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
	tokens := &passwordTokens{order: o}
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

// passwordTokens signs in with the password whenever there is no token.
type passwordTokens struct {
	order order
	mu    sync.Mutex
	token string
}

// Token gives the token, after a sign-in where there is none.
func (p *passwordTokens) Token(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token != "" {
		return p.token, nil
	}
	form := url.Values{"grant_type": {"password"}, "username": {p.order.User}, "password": {p.order.Password}, "scope": {"*"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.order.BaseURL+"/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(p.order.ClientID, p.order.ClientSecret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.AccessToken == "" {
		return "", errors.New("the simulator gives no token")
	}
	p.token = body.AccessToken
	return p.token, nil
}

// Reject forgets the token.
func (p *passwordTokens) Reject(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token == token {
		p.token = ""
	}
}
