package dispatch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/unitytest"
)

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// suspension is the suspension of the first site that is not suspended.
func (l *lab) suspension(t *testing.T) ObjectChange {
	t.Helper()
	all, err := l.client.Sites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all.Sites {
		if s.Suspended.On || s.Deactivated.On {
			continue
		}
		path := "/service/api/console/gsm/" + l.client.Key().String() + "/sites/" + string(s.ID)
		check := func(on string) *Check {
			return &Check{Path: path, List: "Sites", IDField: "SiteId", ID: string(s.ID), Expect: map[string]string{"Suspended": on}}
		}
		return ObjectChange{ID: "site.suspend", Verb: "suspend", Kind: "site", Name: s.Name.Raw(), Risk: Destroy, Site: s.ID, SiteName: s.Name.Raw(), ObjectID: string(s.ID),
			Touches: 3, Request: unity.Request{Method: http.MethodPost, Path: path + "/suspend", Machines: 3, Counted: true}, Check: check("true"),
			Diff:   []FieldChange{{"Suspended", "false", "true"}},
			Revert: &RevertSpec{ID: "site.resume", Verb: "resume", Risk: Disrupt, Method: http.MethodPost, Path: path + "/resume", Machines: 3, Check: check("false")}}
	}
	t.Fatal("every site is suspended")
	return ObjectChange{}
}

func TestAnObjectIsChangedResolvedAndPutBack(t *testing.T) {
	for _, x := range []struct {
		fault string
		want  State
	}{{"", Sent}, {"reset-after", Sent}, {"reset-before", Unknown}, {"504-after", Sent}} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			ch := l.suspension(t)
			p, err := MakeObject(t.Context(), l.client, ch, PlanOptions{Binding: l.binding()})
			if err != nil {
				t.Fatal(err)
			}
			if text, label := p.Typed(); text != ch.Name || label != "name of the site" || p.Machines() != 3 || p.Line() != unity.Clean("suspend "+ch.Name) {
				t.Errorf("typed is %q (%s), line %q", text, label, p.Line())
			}
			l.intercept = func(r *http.Request) (*http.Response, error) {
				if x.fault == "" {
					return nil, nil
				}
				rate := 0.0
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/suspend") {
					rate = 1
				}
				return nil, l.sim.SetFault(x.fault, rate)
			}
			dir := journal.At(filepath.Join(t.TempDir(), "jobs"))
			job, err := p.Run(t.Context(), l.client, RunOptions{Journal: dir})
			if err != nil || job.Results[0].State != x.want {
				t.Errorf("%s: %v, %+v", x.fault, err, job.Results)
			}
			if x.want != Sent {
				return
			}
			back, err := NewJobs(dir).Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if job, err = back.Run(t.Context(), l.client, RunOptions{Journal: dir}); err != nil || job.Count(Sent) != 1 || job.RevertOf == "" {
				t.Errorf("%v, %+v", err, job)
			}
			if s, err := l.client.Site(t.Context(), ch.Site); err != nil || s.Suspended.On {
				t.Errorf("the site is suspended: %v, %v", s.Suspended, err)
			}
		})
	}
}

// TestAnObjectInterruptedIsSettledByReading ends the run before the answer is in, and resumes.
func TestAnObjectInterruptedIsSettledByReading(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		dir := journal.At(filepath.Join(t.TempDir(), "jobs"))
		ch := l.suspension(t)
		p, err := MakeObject(t.Context(), l.client, ch, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := newRunner(p, l.client, RunOptions{Journal: dir})
		if err := r.begin(); err != nil { // a run that writes its intent, sends, and is never heard of again
			t.Fatal(err)
		}
		if err := r.log.Append(recordIntent, intentRecord{[]int{0}, l.client.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.client.Do(t.Context(), ch.Request); err != nil {
			t.Fatal(err)
		}
		if err := r.log.Close(); err != nil {
			t.Fatal(err)
		}
		past, err := NewJobs(dir).Load(r.job.ID)
		if err != nil || past.State != JobInterrupted || past.Count(Unknown) != 1 || past.Unsent() != 0 {
			t.Fatalf("%v, %s, %s", err, past.State, past.Words())
		}
		l.sim.ResetLog()
		job, err := NewJobs(dir).Resume(t.Context(), l.client, past.ID, l.binding(), RunOptions{})
		if err != nil || job.Results[0].State != Sent {
			t.Errorf("%v, %+v", err, job.Results)
		}
		for _, e := range l.sim.Log() {
			if e.Method == http.MethodPost && strings.Contains(e.Path, "suspend") {
				t.Error("it was sent again")
			}
		}
	})
}

func TestMakeObjectRefuses(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		good := l.suspension(t)
		bad := []func(*ObjectChange, *PlanOptions){
			func(ch *ObjectChange, _ *PlanOptions) { ch.Name = "" },
			func(ch *ObjectChange, _ *PlanOptions) { ch.Risk = 0 },
			func(ch *ObjectChange, _ *PlanOptions) { ch.Request.Path = "/elsewhere" },
			func(_ *ObjectChange, o *PlanOptions) {
				o.Binding = Binding{BaseURL: "https://other.example", Key: l.client.Key()}
			},
		}
		for i, spoil := range bad {
			ch, o := good, PlanOptions{Console: "x"}
			spoil(&ch, &o)
			if _, err := MakeObject(t.Context(), l.client, ch, o); err == nil {
				t.Errorf("case %d is planned", i)
			}
		}
		good.Revert = nil
		p, err := MakeObject(t.Context(), l.client, good, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		job, jobs, err := l.journalled(t, p, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{}); !errors.Is(err, ErrNoInverse) {
			t.Errorf("what has no inverse gives %v", err)
		}
	})
}

func TestCheckReadsEveryShape(t *testing.T) {
	answer := ""
	client, err := unity.New(unity.Options{BaseURL: "https://x.example", GSMKey: "ABCDEFGHIJKLMNOPQRST", Tokens: staticToken{},
		HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			code := http.StatusOK
			if answer == "" {
				code = http.StatusNotFound
			}
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: readCloser(answer)}, nil
		})}})
	if err != nil {
		t.Fatal(err)
	}
	in := func(ch Check) Check {
		ch.Path = "/service/api/console/gsm/x"
		if ch.List == "" {
			ch.List = "Sites"
		}
		ch.IDField = "Id"
		return ch
	}
	for _, x := range []struct {
		check  Check
		answer string
		want   State
		reason string
	}{
		{Check{ID: "a", Expect: map[string]string{"N": "5"}}, `{"Sites":[{"Id":"b","N":1},{"Id":"A","N":"5"}]}`, Sent, ""},
		{Check{ID: "a", Expect: map[string]string{"N": "5"}}, `{"Sites":[{"Id":"a","N":4}]}`, Unknown, notSeen},
		{Check{ID: "a", Expect: map[string]string{"N": "5"}}, `{"Sites":[{"Id":"a"}]}`, Unknown, notShown + "N"},
		{Check{ID: "a"}, `{"Sites":[{"Id":"a"}]}`, Unknown, "nothing that can be read"},
		{Check{ID: "a", Absent: true}, `{"Sites":[{"Id":"b"}]}`, Sent, ""},
		{Check{ID: "a", Absent: true}, `{"Sites":[{"Id":"a"}]}`, Unknown, "still there"},
		{Check{ID: "a", Absent: true}, ``, Sent, ""},
		{Check{ID: "a"}, ``, Unknown, "cannot be read"},
		{Check{ID: "a"}, `[]`, Unknown, "does not tell"},
		{Check{Known: []string{"B"}, Expect: map[string]string{"Name": "x"}}, `{"Sites":[{"Id":"b","Name":"x"},{"Id":"c","Name":"x"}]}`, Sent, ""},
		{Check{Known: []string{"b"}, Expect: map[string]string{"Name": "x"}}, `{"Sites":[{"Id":"b","Name":"x"}]}`, Unknown, notSeen},
		{Check{Expect: map[string]string{"Name": "x"}}, `{"Sites":[{"Id":"b","Name":"x"},{"Id":"c","Name":"x"}]}`, Unknown, "several"},
	} {
		answer = x.answer
		ch := in(x.check)
		if s, why := ch.ask(context.Background(), client); s != x.want || !strings.Contains(why, x.reason) {
			t.Errorf("%+v on %s: %s (%s)", x.check, x.answer, s, why)
		}
	}
}

type staticToken struct{}

func (staticToken) Token(context.Context) (string, error) { return "t", nil }
func (staticToken) Reject(string)                         {}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
