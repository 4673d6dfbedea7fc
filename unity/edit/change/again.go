package change

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
)

// Way is what is done with a job of the past, as it is asked about: a chain where it takes several steps, else a plan. Object is set
// for the change of an object.
type Way struct {
	Plan   *dispatch.Plan
	Object *Prepared
	Chain  *Chain
}

// Revert plans what takes a job back. The change of an object is prepared from the object as it is now, and refused where
// somebody has changed it since. A move that gave machines the policy of their new group is taken back in two steps.
func Revert(ctx context.Context, c *unity.Client, jobs *dispatch.Jobs, id string, b dispatch.Binding, o dispatch.PlanOptions) (Way, error) {
	past, err := jobs.ToRevert(c, id, b)
	if err != nil {
		return Way{}, err
	}
	if past.Object == nil {
		plan, err := jobs.Revert(ctx, c, past.ID, b, o)
		if err != nil || !past.GavePolicies() {
			return Way{Plan: plan}, err
		}
		return withPolicies(ctx, c, jobs, past.ID, b, o, plan)
	}
	if past.Object.Revert == nil {
		return Way{}, fmt.Errorf("%s: %w", past.Object.Verb, dispatch.ErrNoInverse)
	}
	p, err := back(ctx, c, past.Object)
	if err != nil {
		return Way{}, err
	}
	p.Verb = past.Object.Revert.Verb
	o.RevertOf, o.Binding = past.ID, b
	plan, err := dispatch.MakeObject(ctx, c, p.ObjectChange, o)
	return Way{Plan: plan, Object: p}, err
}

// Retry plans a part of a job once more, as dispatch.Jobs.Retry does. The change of an object is prepared from the object as it
// is now.
func Retry(ctx context.Context, c *unity.Client, jobs *dispatch.Jobs, id string, b dispatch.Binding, some dispatch.Some, o dispatch.PlanOptions) (Way, error) {
	past, err := jobs.Load(id)
	if err != nil {
		return Way{}, err
	}
	if past.Object == nil {
		plan, err := jobs.Retry(ctx, c, past.ID, b, some, o)
		return Way{Plan: plan}, err
	}
	if past, err = jobs.ToRetry(ctx, c, past.ID, b, some); err != nil {
		return Way{}, err
	}
	p, err := once(ctx, c, past.Object, b)
	if err != nil {
		return Way{}, err
	}
	o.RetryOf, o.Binding = past.ID, b
	plan, err := dispatch.MakeObject(ctx, c, p.ObjectChange, o)
	return Way{Plan: plan, Object: p}, err
}

// actionOf gives the action on a site that a change was, "" for others.
func actionOf(id string) unity.SiteAction {
	return map[string]unity.SiteAction{"site.suspend": unity.SiteSuspend, "site.resume": unity.SiteResume,
		"site.convert-trial": unity.SiteConvertTrial, "site.deactivate": unity.SiteDeactivate}[id]
}

// values reads what a journal holds of an object.
func values(raw json.RawMessage) edit.Values {
	v := edit.Values{}
	if json.Unmarshal(raw, &v) != nil {
		return edit.Values{}
	}
	return v
}

// object is the object of a past change as it is now.
type object struct {
	site  *unity.Site
	group *unity.Group
	admin *unity.Admin
}

// read reads the object of a past change; what is created has none.
func read(ctx context.Context, c *unity.Client, ch *dispatch.ObjectChange) (object, error) {
	var o object
	var err error
	if ch.Site != "" {
		if o.site, err = c.Site(ctx, ch.Site); err != nil {
			return o, err
		}
	}
	switch {
	case ch.ObjectID == "":
	case ch.Kind == "group":
		o.group, err = c.Group(ctx, ch.Site, unity.GroupID(ch.ObjectID))
	case ch.Kind == "admin":
		o.admin, err = adminNow(ctx, c, o.site, unity.UserID(ch.ObjectID))
	}
	return o, err
}

// back prepares the way back from a change.
func back(ctx context.Context, c *unity.Client, ch *dispatch.ObjectChange) (*Prepared, error) {
	now, err := read(ctx, c, ch)
	if err != nil {
		return nil, err
	}
	if action := actionOf(ch.Revert.ID); action != "" {
		return SiteState(ctx, c, now.site, action)
	}
	switch ch.ID {
	case "site.edit":
		v, err := putBack(edit.SiteEdit(), ch, edit.SiteValues(now.site))
		if err != nil {
			return nil, err
		}
		return EditSite(ctx, c, now.site, v)
	case "group.edit":
		v, err := putBack(edit.GroupEdit(), ch, edit.GroupValues(now.group))
		if err != nil {
			return nil, err
		}
		return EditGroup(ctx, c, now.site, now.group, v)
	case "admin.edit":
		v, err := putBack(edit.AdminEdit(), ch, edit.AdminValues(now.admin))
		if err != nil {
			return nil, err
		}
		return EditAdmin(ctx, c, now.site, now.admin, v)
	case "admin.grant":
		return grantBack(ctx, c, ch, now)
	}
	return nil, fmt.Errorf("%s: %w", ch.Verb, dispatch.ErrNoInverse)
}

// putBack gives the values before a change, as long as the object is as the change has left it.
func putBack(f edit.Form, ch *dispatch.ObjectChange, now edit.Values) (edit.Values, error) {
	before, after := values(ch.Before), values(ch.After)
	out := edit.Values{}
	var others []string
	for name := range f.Changed(before, after) {
		out[name] = before[name]
		if _, moved := f.Changed(now, edit.Values{name: after[name]})[name]; moved {
			others = append(others, fmt.Sprintf("%s is %s and not %s", name, quote(now[name]), quote(after[name])))
		}
	}
	if len(others) == 0 {
		return out, nil
	}
	if len(f.Changed(now, out)) == 0 {
		return nil, &StateError{unity.Clean(ch.Name) + " is as it was before the job already"}
	}
	sort.Strings(others)
	return nil, &StateError{fmt.Sprintf("%s is not as the job left it (%s), so somebody has changed it since: nothing is taken back; an edit sets what it should be",
		unity.Clean(ch.Name), strings.Join(others, ", "))}
}

// grantBack gives an admin the access from before, as long as it is that of the change.
func grantBack(ctx context.Context, c *unity.Client, ch *dispatch.ObjectChange, now object) (*Prepared, error) {
	if len(ch.Diff) != 1 {
		return nil, fmt.Errorf("%s: %w: the access before is not known", ch.Verb, dispatch.ErrNoInverse)
	}
	gave, _ := edit.LevelNumber(ch.Diff[0].After)
	if level := now.admin.AccessLevel; level.Known && level.N != int64(gave) && unity.AccessWord(level) != ch.Diff[0].Before {
		return nil, &StateError{fmt.Sprintf("%s has the access %s now and not %s, so somebody has changed it since: nothing is taken back", now.admin.Label(),
			unity.AccessWord(level), ch.Diff[0].After)}
	}
	return Grant(ctx, c, now.site, now.admin, ch.Diff[0].Before)
}

// once prepares a change again.
func once(ctx context.Context, c *unity.Client, ch *dispatch.ObjectChange, b dispatch.Binding) (*Prepared, error) {
	now, err := read(ctx, c, ch)
	if err != nil {
		return nil, err
	}
	if action := actionOf(ch.ID); action != "" {
		return SiteState(ctx, c, now.site, action)
	}
	before, after := values(ch.Before), values(ch.After)
	switch ch.ID {
	case "site.create":
		return CreateSite(ctx, c, after)
	case "site.edit":
		return EditSite(ctx, c, now.site, edit.SiteEdit().Changed(before, after))
	case "group.create":
		return CreateGroup(ctx, c, now.site, after)
	case "group.edit":
		return EditGroup(ctx, c, now.site, now.group, edit.GroupEdit().Changed(before, after))
	case "group.delete":
		to, err := c.Group(ctx, ch.Site, unity.GroupID(ch.Request.Query.Get("newGroupId")))
		if err != nil {
			return nil, err
		}
		return DeleteGroup(ctx, c, now.site, now.group, to)
	case "admin.create":
		return CreateAdmin(ctx, c, now.site, after)
	case "admin.edit":
		return EditAdmin(ctx, c, now.site, now.admin, edit.AdminEdit().Changed(before, after))
	case "admin.delete":
		return DeleteAdmin(ctx, c, now.site, now.admin, b.User)
	case "admin.grant":
		if len(ch.Diff) == 1 {
			return Grant(ctx, c, now.site, now.admin, ch.Diff[0].After)
		}
	case "admin.access":
		return Access(ctx, c, after)
	}
	return nil, fmt.Errorf("%s cannot be made again from its job; give it anew", ch.Verb)
}
