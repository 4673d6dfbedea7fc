package dispatch

import "github.com/unitty/unitty/unity"

// Link says which step of a combined action a job is, and what follows it. It stands in the job's journal, so that the rest
// can be named and started after a crash.
type Link struct {
	// ID is the action's id ("endpoint.rebill"), Name the action in words.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Step counts from 1 up to Of.
	Step int `json:"step"`
	Of   int `json:"of"`
	// Previous is the job of the step before; "" for the first step.
	Previous string `json:"previous,omitempty"`
	// Lost is how many machines did not come through the steps before.
	Lost int `json:"lost,omitempty"`
	// Lenient lets machines go on that this step skipped because they were as it would leave them.
	Lenient bool `json:"lenient,omitempty"`
	// Next are the steps that follow, in order.
	Next []NextStep `json:"next,omitempty"`
}

// NextStep is a step of a combined action that has not been planned yet.
type NextStep struct {
	// Action is the action's id and Args are its arguments; Title names the step for people.
	Action string `json:"action"`
	Args   Args   `json:"args,omitempty"`
	Title  string `json:"title"`
	// Site is the site that the step changes; "" for steps on the machines.
	Site unity.SiteID `json:"site,omitempty"`
	// Whole wants every machine to have come through the steps before; Lenient is as in Link.
	Whole   bool `json:"whole,omitempty"`
	Lenient bool `json:"lenient,omitempty"`
}

// Unfinished lists the steps of the combined action that no job has been made for yet. A job that stands alone, that a later
// one has followed, or whose action was taken back, has none.
func (js *Jobs) Unfinished(p *Past) ([]NextStep, error) {
	if p.Link == nil || len(p.Link.Next) == 0 {
		return nil, nil
	}
	all, err := js.outlines()
	if err != nil {
		return nil, err
	}
	return StepsLeft(p, all), nil
}

// StepsLeft is Unfinished for a job of which all others are known already.
func StepsLeft(p *Past, all []*Past) []NextStep {
	if p.Link == nil || Follower(p, all) != "" || TakenBackBy(p, all) != "" {
		return nil
	}
	return p.Link.Next
}

// Follower gives the job that carried out the step after that of another job, "" for none.
func Follower(p *Past, all []*Past) string {
	for _, other := range all {
		if other.Link != nil && other.Link.Previous == p.ID {
			return other.ID
		}
	}
	return ""
}

// TakenBackBy gives the job that takes back one, or a step before it of the same combined action; "" for none. What is taken back
// is not gone on with.
func TakenBackBy(p *Past, all []*Past) string {
	steps := map[string]bool{}
	for at := p; at != nil && !steps[at.ID]; at = byID(all, at.Link) {
		steps[at.ID] = true
	}
	for _, other := range all {
		if other.RevertOf != "" && steps[other.RevertOf] {
			return other.ID
		}
	}
	return ""
}

// byID gives the job of the step before, nil for none.
func byID(all []*Past, l *Link) *Past {
	if l == nil || l.Previous == "" {
		return nil
	}
	for _, p := range all {
		if p.ID == l.Previous {
			return p
		}
	}
	return nil
}

// TakenBack gives the job that took a job, or a step before it, back; "" for none.
func (js *Jobs) TakenBack(p *Past) (string, error) {
	all, err := js.outlines()
	if err != nil {
		return "", err
	}
	return TakenBackBy(p, all), nil
}

// MayGoOn refuses another console or user than a job was started for.
func (js *Jobs) MayGoOn(c *unity.Client, p *Past, b Binding) error { return p.story.mayResume(c, b) }
