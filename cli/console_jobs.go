package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

// unsentSince gives the jobs whose journals were written to since about then and that have something to send, the newest first. The others
// are not read: a start or an end is not to wait for all jobs there are. What cannot be read the list of jobs names.
func unsentSince(dir *journal.Dir, since time.Time) []dispatch.Digest {
	ids, _ := dir.IDs()
	jobs := dispatch.NewJobs(dir)
	var out []dispatch.Digest
	for _, id := range ids {
		// The clock of files is a little behind.
		if at, err := dir.Written(id); err != nil || at.Before(since.Add(-time.Second)) {
			continue
		}
		if d, err := jobs.Digest(id); err == nil && d.Unsent() > 0 {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b dispatch.Digest) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID)) })
	return out
}

// nameUnsent says on the terminal, which the screens have given back, how jobs are gone on with that were stopped because the
// screens were left.
func (a *app) nameUnsent(dir *journal.Dir, left time.Time) {
	for _, d := range unsentSince(dir, left) {
		// One that did not end in time is still held by this process, which ends now.
		if d.Finished.Before(left) && (d.State != dispatch.JobRunning || d.Holder.PID != os.Getpid()) {
			continue
		}
		id := d.ID
		if newest, err := dispatch.NewJobs(dir).Load("last"); err == nil && newest.ID == id {
			id = "last"
		}
		_, _ = fmt.Fprintf(a.err, "unitty: %s was stopped, %s not sent to; go on with: unitty job resume %s\n", unity.Clean(d.Title), dispatch.Machines(d.Unsent()), id)
	}
}

// namedFor is how long a job that was stopped is worth a word where nobody has left the screens since.
const namedFor = 7 * 24 * time.Hour

// leftJobs is a line about the jobs of the profile that were stopped after the screens were left the last time, so that it is said
// once. Those whose process ended in the middle the screens name themselves.
func leftJobs(dir *journal.Dir, set *settings) []string {
	since := time.Now().Add(-namedFor)
	if info, err := os.Stat(set.paths.session(set.Profile)); err == nil && info.ModTime().After(since) {
		since = info.ModTime()
	}
	all := slices.DeleteFunc(unsentSince(dir, since), func(d dispatch.Digest) bool {
		return d.Profile != set.Profile || d.State != dispatch.JobCancelled || d.Finished.Before(since)
	})
	if len(all) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s was stopped, %s not sent to", unity.Clean(all[0].Title), dispatch.Machines(all[0].Unsent()))
	if others := len(all) - 1; others > 0 {
		text += fmt.Sprintf("; %s more", numbered(others, "job"))
	}
	return []string{text + ": go on under J"}
}
