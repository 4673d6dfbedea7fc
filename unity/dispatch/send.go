package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

const notSent = "not sent"

// send sends one request and sorts its outcome. A batch that the server refuses as a whole is split, so that one bad id
// does not hold up the others.
func (r *runner) send(ctx context.Context, b Batch) {
	for again := true; again; {
		if err := r.stopErr(); err != nil {
			r.set(b.Refs, Cancelled, notSent+": "+err.Error(), "")
			return
		}
		if ctx.Err() != nil {
			r.set(b.Refs, Cancelled, notSent, "")
			return
		}
		again = r.once(ctx, b)
	}
}

// once writes the intent down, sends, and writes down what came of it. It tells whether the same is to be sent again: only
// after a pause for a new sign-in, when nothing had been done.
func (r *runner) once(ctx context.Context, b Batch) bool {
	r.edge(EdgeBegun)
	r.mu.Lock()
	pauses := r.resumed
	r.mu.Unlock()
	r.enter()
	if ctx.Err() != nil || r.stopErr() != nil {
		r.leave()
		return true // send looks at both again
	}
	from := r.client.Now()
	if err := r.log.Append(recordIntent, intentRecord{r.places(b.Refs), from}); err != nil {
		r.leave()
		r.halt(err)
		r.set(b.Refs, Cancelled, notSent+": "+err.Error(), "")
		return false
	}
	r.set(b.Refs, Running, "", "")
	r.edge(EdgeIntended)
	answer, err := r.client.Do(unity.Background(ctx), b.Request)
	r.leave()
	r.edge(EdgeAnswered)
	r.under(b.Refs, span{from, r.client.Now()})
	if err == nil {
		r.accept(b, answer)
		return false
	}
	var e *unity.Error
	switch {
	case !errors.As(err, &e):
		r.outcome(b.Refs, Failed, err.Error(), "", false)
	case !e.Sent && ctx.Err() != nil:
		r.outcome(b.Refs, Cancelled, notSent, "", false)
	case signInLost(e):
		return r.pause(ctx, b, pauses, e)
	case !e.Definite():
		r.outcome(b.Refs, Unknown, "it may have arrived: "+e.Error(), e.RequestID, false)
	case len(b.Refs) > 1 && splittable(e.Status):
		r.split(ctx, b)
	default:
		r.outcome(b.Refs, Failed, e.Error(), e.RequestID, false)
	}
	return false
}

// signInLost tells that the request was refused, or never sent, for want of a token that can be had by signing in.
func signInLost(e *unity.Error) bool {
	return errors.Is(e, unity.ErrUnauthenticated) && e.Definite() && (!e.Sent || e.Code == "invalid_token")
}

// accept sorts a 2xx answer.
func (r *runner) accept(b Batch, answer *unity.Response) {
	if !accepted(answer) {
		r.outcome(b.Refs, Unknown, fmt.Sprintf("it may have arrived: the answer (%d) is not the API's, a proxy or portal may have given it", answer.Status), "", false)
		return
	}
	if r.plan.Object != nil {
		r.mu.Lock()
		r.job.Answer = bytes.Clone(answer.Body)
		r.mu.Unlock()
	}
	r.outcome(b.Refs, Sent, "", "", false)
}

// accepted tells whether a 2xx answer can be the API's: documented is 204 without a body. A page that a proxy or portal
// gives instead says nothing about the command.
func accepted(answer *unity.Response) bool {
	body := bytes.TrimSpace(answer.Body)
	return len(body) == 0 || json.Valid(body)
}

// pause waits until somebody has signed in again; one waits for all. The targets stay the same, and what waits is not sent.
func (r *runner) pause(ctx context.Context, b Batch, pauses int, lost *unity.Error) bool {
	r.outcome(b.Refs, Waiting, "", "", false)
	r.pausing.Lock()
	defer r.pausing.Unlock()
	r.mu.Lock()
	over := r.resumed > pauses
	r.mu.Unlock()
	if over || r.stopErr() != nil {
		return true
	}
	if r.options.Pause == nil {
		r.halt(lost)
		return true
	}
	r.note("paused: " + lost.Kind.Error() + "; the rest is sent after the next sign-in")
	err := r.options.Pause(ctx, lost)
	r.note("")
	if err != nil && ctx.Err() == nil {
		r.halt(errors.Join(lost, err))
		return true
	}
	r.mu.Lock()
	r.resumed++
	r.mu.Unlock()
	return true
}

// under notes when the request of targets was on its way.
func (r *runner) under(refs []fleet.Ref, s span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range refs {
		r.spans[ref.ID] = s
	}
}

func splittable(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusUnprocessableEntity
}

func (r *runner) split(ctx context.Context, b Batch) {
	r.outcome(b.Refs, Waiting, "", "", false) // the whole was refused, and nothing was done
	half := len(b.Refs) / 2
	for _, refs := range [][]fleet.Ref{b.Refs[:half], b.Refs[half:]} {
		part, err := newBatch(r.client, b.Op, b.Targets.Site(), refs)
		if err != nil {
			r.outcome(refs, Failed, err.Error(), "", true)
			continue
		}
		r.send(ctx, part)
	}
}
