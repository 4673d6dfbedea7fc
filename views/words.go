package views

import (
	"sort"
	"strings"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// ago words how long ago an instant is; "never" for none.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	age := now.Sub(at)
	if age < time.Minute {
		// Seconds that count up in many rows would keep the line busy all the time.
		return "just now"
	}
	return dispatch.AgeWords(age) + " ago"
}

// seen says when a machine was seen last where nothing else says what the time means.
func seen(at, now time.Time) string {
	if at.IsZero() {
		return "never seen"
	}
	return "seen " + ago(at, now)
}

// agePace is how often ages in lists move on. All do so at once, since every frame costs: one that differs in a single age is sent
// with what surrounds it, and terminals get lines with wide characters again in each.
const agePace = 30 * time.Second

// paced is a clock for ages in lists.
func paced(now func() time.Time) func() time.Time {
	return func() time.Time { return now().Truncate(agePace) }
}

// since words how long ago an instant is where the heading says what happened then.
func since(at, now time.Time) string {
	switch {
	case at.IsZero():
		return "never"
	case now.Sub(at) < time.Minute:
		return "now"
	default:
		return dispatch.AgeWords(now.Sub(at))
	}
}

// nameless stands for a host name that is missing; the beginning of the id tells such machines apart.
func nameless(id unity.EndpointID) string {
	const enough = 8
	return "(no name) " + string(id[:min(len(id), enough)])
}

// local is an instant in the reader's own time.
func local(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Local().Format("2006-01-02 15:04")
}

// stamp is an instant for files; "" for none.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// stampText is an instant for files, or its unreadable text.
func stampText(t unity.Time) string {
	if !t.Known() {
		return t.Text()
	}
	return stamp(t.Time)
}

// when is an instant with its age, or its unreadable text.
func when(t unity.Time, now time.Time) string {
	if !t.Known() {
		return t.Text()
	}
	if t.After(now) {
		return local(t.Time)
	}
	return local(t.Time) + " · " + ago(t.Time, now)
}

func yesNo(b unity.Bool) string {
	switch {
	case !b.Known:
		return ""
	case b.On:
		return "yes"
	default:
		return "no"
	}
}

func byTime[T any](at func(*T) time.Time) func(a, b *T) int {
	return func(a, b *T) int { return at(a).Compare(at(b)) }
}

func byInt[T any](n func(*T) int64) func(a, b *T) int {
	return func(a, b *T) int {
		switch x, y := n(a), n(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		default:
			return 0
		}
	}
}

// pollsNeeded is how many polls of a machine tell when the next one is due: that is two gaps.
const pollsNeeded = 3

// pollWindow is when the next poll is expected: after the last one, by the shortest and the longest gap seen. usual is the gap
// in the middle; ok is false while too few polls were seen to tell.
func pollWindow(polls []time.Time) (from, to time.Time, usual time.Duration, ok bool) {
	if len(polls) < pollsNeeded {
		return time.Time{}, time.Time{}, 0, false
	}
	gaps := make([]time.Duration, 0, len(polls)-1)
	for i := 1; i < len(polls); i++ {
		gaps = append(gaps, polls[i].Sub(polls[i-1]))
	}
	sort.Slice(gaps, func(i, j int) bool { return gaps[i] < gaps[j] })
	last := polls[len(polls)-1]
	return last.Add(gaps[0]), last.Add(gaps[len(gaps)-1]), gaps[len(gaps)/2], true
}

// expectPoll words when the next poll is expected, or when the last one was while the usual gap is not known.
func expectPoll(polls []time.Time, now time.Time) string {
	if len(polls) == 0 {
		return "never seen"
	}
	last := polls[len(polls)-1]
	from, to, usual, ok := pollWindow(polls)
	if !ok {
		return "last seen " + local(last)
	}
	text := from.Local().Format("15:04") + "–" + to.Local().Format("15:04")
	if from.Equal(to) {
		text = from.Local().Format("15:04")
	}
	text += ", last seen " + last.Local().Format("15:04") + ", usual gap " + dispatch.AgeWords(usual)
	if now.After(to) {
		text = "overdue: expected " + text
	}
	return text
}

// fields builds detail lines.
type fields struct {
	section string
	out     []ui.Field
}

func (f *fields) in(section string) *fields { f.section = section; return f }

func (f *fields) add(name, value string) *fields { return f.toned(name, value, theme.Plain) }

func (f *fields) toned(name, value string, tone theme.Tone) *fields {
	f.out = append(f.out, ui.Field{Section: f.section, Name: name, Value: value, Tone: tone})
	return f
}

func raw(r unity.Record) []byte { return r.Raw() }

func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " · ")
}
