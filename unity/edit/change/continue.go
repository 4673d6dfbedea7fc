package change

import (
	"context"
	"fmt"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// Continue makes a chain of the steps that the journal of a job names and no job has been made for: the combined action was
// left before they were planned. They go to the machines that came through the job. The job itself has to be over: what it
// has not sent is resumed first.
func Continue(ctx context.Context, c *unity.Client, jobs *dispatch.Jobs, b dispatch.Binding, past *dispatch.Past) (*Chain, error) {
	next, err := jobs.Unfinished(past)
	switch {
	case err != nil:
		return nil, err
	case past.State == dispatch.JobRunning:
		return nil, &StateError{"job " + past.ID + " is still run by " + past.Holder.String()}
	case len(next) == 0:
		return nil, noStep(jobs, past)
	case past.Unsent() > 0 || past.State == dispatch.JobInterrupted:
		return nil, &StateError{fmt.Sprintf("%s was not done: resume job %s first, it was not finished", next[0].Title, past.ID)}
	}
	if err := jobs.MayGoOn(c, past, b); err != nil {
		return nil, err
	}
	refs, lost := through(&past.Job, refsOf(past), nil, past.Link.Lenient)
	lost += past.Link.Lost
	if err := goesOn(next[0].Title, past.Title(), next[0].Whole, len(refs), lost); err != nil {
		return nil, err
	}
	steps, err := stepsOf(ctx, c, jobs, b, next, refs)
	if err != nil {
		return nil, err
	}
	ch := &Chain{ID: past.Link.ID, Name: past.Link.Name, Steps: steps, done: past.Link.Step, lost: lost, previous: past.ID}
	return ch, ch.begin(ctx, refs)
}

// noStep says why no step of a job is left.
func noStep(jobs *dispatch.Jobs, past *dispatch.Past) error {
	by, err := jobs.TakenBack(past)
	switch {
	case err != nil:
		return err
	case by != "" && past.Link != nil:
		return &StateError{fmt.Sprintf("%s was taken back by job %s: nothing goes on from it", past.Link.Name, by)}
	}
	return dispatch.ErrNothingToDo
}

func refsOf(past *dispatch.Past) []fleet.Ref {
	out := make([]fleet.Ref, 0, len(past.Results))
	for i := range past.Results {
		out = append(out, past.Results[i].Ref)
	}
	return out
}

// stepsOf makes steps again from a journal.
func stepsOf(ctx context.Context, c *unity.Client, jobs *dispatch.Jobs, b dispatch.Binding, next []dispatch.NextStep, refs []fleet.Ref) ([]Step, error) {
	var out []Step
	for _, n := range next {
		var step Step
		var err error
		switch n.Action {
		case suspendAction:
			var s *unity.Site
			if s, err = c.Site(ctx, n.Site); err == nil {
				step, err = suspendStep(ctx, c, b, s)
			}
		case policiesAction:
			step, _, err = policiesStep(ctx, c, jobs, n.Args.Get(argJob), b, dispatch.PlanOptions{}, refs)
		default:
			var op dispatch.Operation
			if op, err = dispatch.OperationByID(n.Action, n.Args); err == nil {
				step, err = stepOf(ctx, c, b, nil, op, refs, n.Lenient)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Title, err)
		}
		step.Whole = n.Whole
		out = append(out, step)
	}
	return out, nil
}
