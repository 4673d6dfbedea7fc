//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/auth"
)

// shiftedVariable makes this program a user of the sign-in whose clock is wrong: it holds by how much, in milliseconds and
// separated by commas, and the clock jumps from each to the next. The program under test has no such thing.
const shiftedVariable = "UNITTY_TORTURE_SHIFTED"

// shiftedStay is how long such a process lives between two jumps.
const shiftedStay = 400 * time.Millisecond

// shifted is a process with the engine of the program under test and a clock of its own. It prints a token after each
// jump, and gives 0 when it got all of them.
func shifted(ctx context.Context, plan string, out, errs io.Writer) int {
	if err := shiftedLife(ctx, plan, out); err != nil {
		_, _ = fmt.Fprintln(errs, "shifted:", err)
		if errors.Is(err, auth.ErrNeedsLogin) {
			return codeSignIn
		}
		return 1
	}
	return 0
}

func shiftedLife(ctx context.Context, plan string, out io.Writer) (err error) {
	name := os.Getenv("UNITTY_KEYRING")
	store, _, err := auth.Choose(ctx, auth.ChooseOptions{Name: name, PassphraseFile: os.Getenv("UNITTY_KEYRING_PASSPHRASE_FILE"),
		Dir: filepath.Join(os.Getenv("XDG_STATE_HOME"), "unitty", "secrets")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var off atomic.Int64
	engine, err := auth.NewEngine(auth.Options{Store: store, UserAgent: "torture/1", Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) },
		Account: auth.Account{BaseURL: os.Getenv("UNITTY_BASE_URL"), ClientID: os.Getenv("UNITTY_CLIENT_ID"), Username: os.Getenv("UNITTY_USERNAME")}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(context.WithoutCancel(ctx))) }()
	started := false
	for word := range strings.SplitSeq(plan, ",") {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return err
		}
		off.Store(n * int64(time.Millisecond))
		if !started {
			engine.Start(ctx)
			started = true
		}
		token, err := engine.Token(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, token); err != nil {
			return err
		}
		rest(ctx, shiftedStay)
	}
	return nil
}

// shiftedLoop lives with wrong clocks.
func (t *torture) shiftedLoop(ctx context.Context, name string, r *rand.Rand) error {
	env, err := t.house.environment(name)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for rest(ctx, time.Duration(r.Float64()*2*float64(t.opt.pause))) {
		plan := t.clocks(r)
		t.note(func() { t.shifts += strings.Count(plan, ",") + 1 })
		if err := t.onceOf(self, append(env, shiftedVariable+"="+plan), "shifted", nil, t.judgeShifted); err != nil {
			return err
		}
	}
	return nil
}

// clocks makes the plan of one process: up to four clocks, right ones among them.
func (t *torture) clocks(r *rand.Rand) string {
	by := []time.Duration{0, t.opt.ttl / 10, t.opt.ttl / 2, t.opt.ttl, 30 * time.Second, 2 * time.Minute, time.Hour, 15 * 24 * time.Hour}
	var plan []string
	for range 1 + r.IntN(4) {
		d := by[r.IntN(len(by))]
		if r.IntN(2) == 0 {
			d = -d
		}
		plan = append(plan, strconv.FormatInt(d.Milliseconds(), 10))
	}
	return strings.Join(plan, ",")
}

// judgeShifted asks the server about a token of a process that does not know the time. It may be too old; anything else
// would be wrong.
func (t *torture) judgeShifted(text string, _ time.Time) {
	v := t.judge.check(strings.TrimSpace(text))
	if v == expired {
		v = outdated
	}
	t.note(func() { t.verdicts[v]++ })
}
