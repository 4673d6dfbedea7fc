package picture

import (
	"context"
	"slices"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// versionOf is what a machine runs: the report's version, or the console's. The version is "" where it has no order.
func (c *Chunk) versionOf(i int) (kind string, version word) {
	version = c.client.handle(i)
	if unity.NewText(version.Value()).Empty() {
		version = c.agent.handle(i)
	}
	return fleet.DeviceType(c.device.at(i)), version
}

// current is the oldest version of each type that is not outdated: the newest that one machine in fifty has, or has left
// behind.
func (p *Picture) current() map[string]string {
	counts := map[string]map[word]int{}
	all := map[string]int{}
	for _, c := range p.chunks {
		for i, f := range c.flags {
			kind, v := c.versionOf(i)
			if f&deactivated != 0 || kind == "" || !selector.IsVersion(unity.Clean(v.Value())) {
				continue
			}
			if counts[kind] == nil {
				counts[kind] = map[word]int{}
			}
			counts[kind][v]++
			all[kind]++
		}
	}
	out := map[string]string{}
	for kind, of := range counts {
		versions := make([]word, 0, len(of))
		for v := range of {
			versions = append(versions, v)
		}
		slices.SortFunc(versions, func(a, b word) int { return selector.CompareVersions(b.Value(), a.Value()) })
		for seen, i := 0, 0; i < len(versions); i++ {
			if seen += of[versions[i]]; seen*50 >= all[kind] {
				out[kind] = versions[i].Value()
				break
			}
		}
	}
	return out
}

// outdated compares each agent with what others of its type have.
func (p *Picture) outdated(ctx context.Context) *Set {
	current := p.current()
	return p.choose(ctx, func() chooser {
		memos := map[string]*memo{}
		for kind := range current {
			memos[kind] = &memo{}
		}
		return func(c *Chunk, into bitmap) (leftOut int) {
			for i, f := range c.flags {
				if f&deactivated != 0 {
					continue
				}
				kind, v := c.versionOf(i)
				m := memos[kind]
				if m == nil {
					leftOut++
					continue
				}
				switch m.judge(v, func(v word) selector.Answer {
					text := unity.Clean(v.Value())
					if !selector.IsVersion(text) {
						return selector.Unknown
					}
					return answer(selector.CompareVersions(text, current[kind]) < 0)
				}) {
				case selector.Yes:
					into.set(i)
				case selector.Unknown:
					leftOut++
				case selector.No:
				}
			}
			return leftOut
		}
	})
}

// drifted compares each policy with that of most machines of the group, or of the site.
func (p *Picture) drifted(ctx context.Context) *Set {
	return p.choose(ctx, func() chooser {
		return func(c *Chunk, into bitmap) (leftOut int) {
			usual := c.usualPolicies()
			for i, f := range c.flags {
				if f&deactivated != 0 {
					continue
				}
				policy := c.policy.of(i)
				if policy.id.Value() == "" {
					leftOut++
					continue
				}
				most, ok := usual[c.group.of(i).id]
				unmanaged := f&(managed|managedKnown) == managedKnown || unity.Fold(policy.name().Raw()) == "unmanaged"
				if ok && policy.id != most.id || unmanaged {
					into.set(i)
				}
			}
			return leftOut
		}
	})
}

// usualPolicies is the policy of most active machines of each group of the site. A group without such a policy has that of
// the site, or none.
func (c *Chunk) usualPolicies() map[word]label {
	c.polled.Do(func() { c.usual = c.pollPolicies() })
	return c.usual
}

func (c *Chunk) pollPolicies() map[word]label {
	groups, site := map[word]*poll{}, &poll{}
	for i, f := range c.flags {
		policy := c.policy.of(i)
		if f&deactivated != 0 || policy.id.Value() == "" {
			continue
		}
		id := c.group.of(i).id
		if groups[id] == nil {
			groups[id] = &poll{}
		}
		groups[id].add(policy)
		site.add(policy)
	}
	usual := make(map[word]label, len(groups))
	ofSite, siteHas := site.majority()
	for id, g := range groups {
		if most, ok := g.majority(); ok {
			usual[id] = most
		} else if siteHas {
			usual[id] = ofSite
		}
	}
	return usual
}

// poll counts policies.
type poll struct {
	votes map[word]int
	named map[word]label
	all   int
}

func (p *poll) add(policy label) {
	if p.votes == nil {
		p.votes, p.named = map[word]int{}, map[word]label{}
	}
	p.votes[policy.id]++
	p.named[policy.id] = policy
	p.all++
}

// majority is what more than half have.
func (p *poll) majority() (label, bool) {
	for policy, n := range p.votes {
		if 2*n > p.all {
			return p.named[policy], true
		}
	}
	return label{}, false
}
