package dispatch

import (
	"errors"
	"fmt"
	"slices"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
)

// precede holds the journal of the job that a plan follows, or repeats a part of, until the new job is written down, and looks
// once more whether another process was faster: a plan may stand on a screen for long. What it gives lets go of the journal.
func (p *Plan) precede(dir *journal.Dir) (release func(), err error) {
	release = func() {}
	if dir == nil {
		return release, nil
	}
	for _, id := range p.predecessors() {
		log, _, err := dir.Hold(id)
		if errors.Is(err, journal.ErrNoJob) {
			continue // it was of a time that is not kept
		}
		if err != nil {
			release()
			return nil, err
		}
		before := release
		release = func() { _ = log.Close(); before() }
	}
	if err := p.stillFirst(NewJobs(dir)); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (p *Plan) predecessors() []string {
	var out []string
	if p.Link != nil && p.Link.Previous != "" {
		out = append(out, p.Link.Previous)
	}
	if p.RetryOf != "" {
		out = append(out, p.RetryOf)
	}
	if p.RevertOf != "" {
		out = append(out, p.RevertOf)
	}
	slices.Sort(out) // in one order everywhere, so that two processes never wait for each other
	return slices.Compact(out)
}

// stillFirst refuses a plan that another job has carried out meanwhile.
func (p *Plan) stillFirst(jobs *Jobs) error {
	if p.Link != nil && p.Link.Previous != "" {
		if err := p.stillNext(jobs); err != nil {
			return err
		}
	}
	if p.RetryOf == "" {
		return nil
	}
	done, err := jobs.repeated(p.RetryOf)
	if err != nil {
		return err
	}
	for _, ref := range p.Targets {
		if by := done[ref.ID]; by != "" {
			return &unity.RefusedError{Reason: fmt.Sprintf("job %s has sent it to %s meanwhile; nothing was sent", by, ref.Name())}
		}
	}
	return nil
}

// stillNext refuses a step of a combined action that another job has begun meanwhile, or that was taken back.
func (p *Plan) stillNext(jobs *Jobs) error {
	past, err := jobs.Load(p.Link.Previous)
	if errors.Is(err, journal.ErrNoJob) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := jobs.outlines()
	if err != nil {
		return err
	}
	if by := Follower(past, all); by != "" {
		return &unity.RefusedError{Reason: fmt.Sprintf("job %s has begun the next step of job %s already; nothing was sent", by, past.ID)}
	}
	if by := TakenBackBy(past, all); by != "" {
		return &unity.RefusedError{Reason: fmt.Sprintf("job %s has taken %s back; nothing was sent", by, unity.Clean(p.Link.Name))}
	}
	return nil
}

// repeated tells of the targets of a job to which later ones have sent it again, or may have or still will, and which job each
// time.
func (js *Jobs) repeated(id string) (map[unity.EndpointID]string, error) {
	all, err := js.outlines()
	if err != nil {
		return nil, err
	}
	out := map[unity.EndpointID]string{}
	todo, seen := []string{id}, map[string]bool{}
	for len(todo) > 0 {
		id, todo = todo[0], todo[1:]
		for _, other := range all {
			if other.RetryOf != id || seen[other.ID] {
				continue
			}
			seen[other.ID], todo = true, append(todo, other.ID)
			whole, err := js.Load(other.ID)
			if err != nil {
				return nil, err
			}
			for i := range whole.Results {
				if s := whole.Results[i].State; s != Failed && s != Skipped {
					out[whole.Results[i].Ref.ID] = other.ID
				}
			}
		}
	}
	return out, nil
}

// notRepeated gives the targets that no later job was sent to, and the others with the job that was.
func notRepeated(refs []fleet.Ref, done map[unity.EndpointID]string) (out []fleet.Ref, left []Skip) {
	for _, ref := range refs {
		if by := done[ref.ID]; by != "" {
			left = append(left, Skip{ref, "job " + by + " has sent it once more"})
			continue
		}
		out = append(out, ref)
	}
	return out, left
}
