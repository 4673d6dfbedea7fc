package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

const notSent = "not sent"

// send sends one request and sorts its outcome. A batch that the server refuses as a whole is split, so that one bad id
// does not hold up the others.
func (r *runner) send(ctx context.Context, b Batch) {
	for again := true; again; {
		r.breathe(ctx)
		if r.over(ctx, b.Refs) {
			return
		}
		b, again = r.once(ctx, b)
	}
}

// over ends what is not to be sent any more.
func (r *runner) over(ctx context.Context, refs []fleet.Ref) bool {
	reason := notSent
	if err := r.stopErr(); err != nil {
		reason += ": " + err.Error()
	} else if ctx.Err() == nil {
		return false
	}
	r.unsent(refs, Cancelled, reason, "", false)
	return true
}

// once writes the intent down, sends, and writes down what came of it. It tells whether the rest of the request is to be sent
// again: only after a definite no, when nothing had been done.
func (r *runner) once(ctx context.Context, b Batch) (rest Batch, again bool) {
	r.edge(EdgeBegun)
	pauses := r.pauses()
	r.enter()
	if ctx.Err() != nil || r.stopErr() != nil {
		r.leave()
		return b, true // send looks at both again
	}
	left, err := r.current(ctx, b)
	if err != nil || len(left.Refs) == 0 {
		r.leave()
		return b, r.unread(ctx, b, pauses, err)
	}
	b = left
	var from, leaving time.Time
	request := b.Request
	request.Throttled = true
	request.Leaving = func() error {
		if r.isOld(b) {
			return errOld // it waited for its turn for long
		}
		leaving = time.Now()
		if from, err = r.intend(b.Refs); err == nil {
			err = ctx.Err() // it takes time to write
		}
		return err
	}
	answer, err := r.client.Do(unity.Background(ctx), request)
	r.leave()
	r.edge(EdgeAnswered)
	if !from.IsZero() {
		// The clock may be set meanwhile; how long the request was on its way is measured by one that cannot be.
		r.under(b.Refs, span{from, from.Add(time.Since(leaving))})
	}
	if err == nil {
		r.heard()
		r.accept(b, answer)
		return b, false
	}
	var e *unity.Error
	if !errors.As(err, &e) {
		r.unsent(b.Refs, Failed, err.Error(), "", true)
		return b, false
	}
	return b, r.refused(ctx, b, pauses, e)
}

// errOld keeps a request from leaving whose targets were read too long ago.
var errOld = errors.New("the reading is too old")

// unread sorts a request that was not sent because its targets had to be read again, and tells whether it is tried again. No
// error means that no target is left.
func (r *runner) unread(ctx context.Context, b Batch, pauses int, err error) bool {
	switch {
	case err == nil:
		return false
	case ctx.Err() != nil:
		return true // send says so
	case errors.Is(err, unity.ErrUnauthenticated):
		r.pause(ctx, pauses, err)
		return true
	default:
		r.unsent(b.Refs, Cancelled, notSent+": "+err.Error(), "", false)
		return false
	}
}

// intend writes down that the bytes of a request leave now. It is called for each try, so that a crash leaves in doubt what was
// on its way, and a date that tells when.
func (r *runner) intend(refs []fleet.Ref) (time.Time, error) {
	from := r.client.Now()
	places := r.places(refs)
	if err := r.log.Append(recordIntent, intentRecord{places, from}); err != nil {
		r.halt(err)
		return time.Time{}, err
	}
	r.together(places)
	r.set(refs, Running, "", "")
	r.edge(EdgeIntended)
	return from, nil
}

// refused sorts a request that failed, and tells whether it is sent again.
func (r *runner) refused(ctx context.Context, b Batch, pauses int, e *unity.Error) bool {
	slow := e.Status == http.StatusTooManyRequests
	if !slow && !signInLost(e) && e.Sent {
		r.heard()
	}
	switch {
	case errors.Is(e, unity.ErrRefused) && r.stopErr() != nil, errors.Is(e, errOld):
		return true // the intent could not be written, or nothing was written
	case slow:
		return r.throttled(b, e)
	case !e.Sent && ctx.Err() != nil:
		r.unsent(b.Refs, Cancelled, notSent, "", true)
	case signInLost(e):
		r.unsent(b.Refs, Waiting, "", "", true)
		r.pause(ctx, pauses, e)
		return true
	case !e.Definite():
		r.outcome(b.Refs, Unknown, "it may have arrived: "+e.Error(), e.RequestID, false)
	case len(b.Refs) > 1 && splittable(e.Status):
		r.split(ctx, b)
	default:
		r.unsent(b.Refs, Failed, e.Error(), e.RequestID, true)
	}
	return false
}

// heard notes that the server gave an answer to a change that was neither for want of a token nor for too many requests.
func (r *runner) heard() {
	r.mu.Lock()
	r.fruitless = 0
	r.mu.Unlock()
	if r.slow.over() {
		r.note("")
	}
}

// signInLost tells that the request was refused, or never sent, for want of a token that can be had by signing in.
func signInLost(e *unity.Error) bool {
	return errors.Is(e, unity.ErrUnauthenticated) && e.Definite() && (!e.Sent || e.Code == "invalid_token")
}

// accept sorts a 2xx answer.
func (r *runner) accept(b Batch, answer *unity.Response) {
	if why := doubtful(answer); why != "" {
		r.outcome(b.Refs, Unknown, fmt.Sprintf("it may have arrived: the answer (%d) %s", answer.Status, why), "", false)
		return
	}
	if r.plan.Object != nil {
		r.mu.Lock()
		r.job.Answer = bytes.Clone(answer.Body)
		r.mu.Unlock()
	}
	r.outcome(b.Refs, Sent, "", "", false)
}

// doubtful says why a 2xx answer is no yes, or "": documented is 204 without a body. A page that a proxy or portal gives instead
// says nothing about the command, and an error in a success contradicts itself.
func doubtful(answer *unity.Response) string {
	body := bytes.TrimSpace(answer.Body)
	switch {
	case len(body) == 0:
		return ""
	case unity.SaysNo(body):
		return "holds an error of the API"
	case !json.Valid(body):
		return "is not the API's, a proxy or portal may have given it"
	}
	return ""
}

// pauses counts the pauses that have ended.
func (r *runner) pauses() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resumed
}

// maxFruitless is how many pauses in a row may end with a sign-in that the server does not take for a change.
const maxFruitless = 3

// pause waits until somebody has signed in again; one waits for all. The targets stay the same, and what waits is not sent.
func (r *runner) pause(ctx context.Context, pauses int, lost error) {
	if r.pausing.take(ctx) != nil {
		return
	}
	defer r.pausing.give()
	r.mu.Lock()
	over, fruitless := r.resumed > pauses, r.fruitless >= maxFruitless
	r.mu.Unlock()
	if over || r.stopErr() != nil {
		return
	}
	if r.options.Pause == nil || fruitless {
		r.halt(lost)
		return
	}
	r.note("paused: " + unity.ErrUnauthenticated.Error() + "; the rest is sent after the next sign-in")
	began := r.client.Now()
	err := r.options.Pause(ctx, lost)
	r.change(func() { r.job.rested += r.client.Now().Sub(began) })
	r.note("")
	if err != nil && ctx.Err() == nil {
		r.halt(errors.Join(lost, err))
		return
	}
	r.mu.Lock()
	r.resumed++
	r.fruitless++
	r.mu.Unlock()
}

func splittable(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusUnprocessableEntity
}

func (r *runner) split(ctx context.Context, b Batch) {
	r.unsent(b.Refs, Waiting, "", "", true) // the whole was refused, and nothing was done
	half := len(b.Refs) / 2
	for _, refs := range [][]fleet.Ref{b.Refs[:half], b.Refs[half:]} {
		part, err := newBatch(r.client, b.Op, b.Targets.Site(), refs)
		if err != nil {
			r.unsent(refs, Failed, err.Error(), "", true)
			continue
		}
		r.send(ctx, part)
	}
}
