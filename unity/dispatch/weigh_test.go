package dispatch

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

func (l *lab) planOf(t *testing.T, id string, args Args, refs []fleet.Ref, o PlanOptions) (*Plan, error) {
	t.Helper()
	op, err := OperationByID(id, args)
	if err != nil {
		t.Fatal(err)
	}
	targets, err := Freeze(l.binding(), refs)
	if err != nil {
		t.Fatal(err)
	}
	return Make(t.Context(), l.client, op, targets, o)
}

func TestTheTargetKeycodeIsLookedAt(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 4, Endpoints: 90, Seed: 9}, func(t *testing.T, l *lab) {
		all, err := l.client.Sites(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refs := l.pick(t, 0, 2)
		var other *unity.Site
		for i := range all.Sites {
			if s := &all.Sites[i]; s.ID != refs[0].Site && !s.Deactivated.On && !s.Suspended.On {
				other = s
			}
		}
		if other == nil {
			t.Fatal("there is no other site")
		}
		p, err := l.planOf(t, "endpoint.changekeycode", Args{{ArgKeycode, other.Keycode.String()}, {ArgSite, string(other.ID)}, {ArgSiteName, other.Name.Raw()}}, refs, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !says(p.Warnings, "to another customer, "+other.Name.String()) || p.Risk() != Destroy || !strings.Contains(string(p.Batches[0].Request.Body), other.Keycode.String()) {
			t.Errorf("risk %s, warnings %q, %s", p.Risk(), p.Warnings, p.Batches[0].Request.Body)
		}
		if _, err := l.planOf(t, "endpoint.changekeycode", Args{{ArgKeycode, other.Keycode.String()}, {ArgSite, string(refs[0].Site)}}, refs, PlanOptions{}); err == nil {
			t.Error("a keycode of another site than the chosen one is planned")
		}
		p, err = l.planOf(t, "endpoint.changekeycode", Args{{ArgKeycode, "ABCDEFGHIJKLMNOPQRST"}}, refs, PlanOptions{})
		if err != nil || !says(p.Warnings, "of no site of this console") {
			t.Errorf("a foreign keycode: %v, %q", err, p.Warnings)
		}
	})
}

func TestPolicies(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 3)
		policies, err := l.client.SitePolicies(t.Context(), refs[0].Site)
		if err != nil {
			t.Fatal(err)
		}
		met := map[Risk]bool{}
		for i := range policies {
			p, err := l.planOf(t, "endpoint.set-policy", Args{{ArgPolicy, string(policies[i].ID)}, {ArgPolicyName, "harmless"}}, refs, PlanOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := Change
			if unity.Fold(policies[i].Name.Raw()) == unmanaged {
				want = Destroy
			}
			met[p.Risk()] = true
			if p.Risk() != want || (want == Destroy) != says(p.Warnings, "leaves the protection to the user") {
				t.Errorf("%s: risk %s, %q", policies[i].Name, p.Risk(), p.Warnings)
			}
			for _, s := range p.Skipped {
				if s.Reason != "it has this policy already" {
					t.Errorf("%s is skipped: %s", s.Ref.Name(), s.Reason)
				}
			}
		}
		p, err := l.planOf(t, "endpoint.set-policy", Args{{ArgPolicy, refsGUID}, {ArgPolicyName, "UNMANAGED"}}, refs, PlanOptions{})
		if err != nil || p.Risk() != Destroy || !says(p.Warnings, "is not among those") {
			t.Errorf("an unknown policy: %v, %q", err, p.Warnings)
		}
		if !met[Change] {
			t.Error("no ordinary policy was met")
		}
	})
}

func TestWhatIsSoAlreadyIsSkipped(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 2)
		if p := l.plan(t, "reactivate", refs, PlanOptions{}); len(p.Targets) != 0 || len(p.Skipped) != 2 || p.Skipped[0].Reason != "it is not deactivated" {
			t.Errorf("%d targets, %+v", len(p.Targets), p.Skipped)
		}
		if p := l.plan(t, "reactivate", refs, PlanOptions{Again: true}); len(p.Targets) != 2 {
			t.Errorf("again: %d targets", len(p.Targets))
		}
		p := l.plan(t, "deactivate", refs, PlanOptions{})
		if job := l.run(t, p); job.Count(Sent) != 2 {
			t.Fatal(job.Words())
		}
		if p := l.plan(t, "deactivate", refs, PlanOptions{}); len(p.Targets) != 0 || p.Skipped[0].Reason != "it is deactivated already" {
			t.Errorf("%d targets, %+v", len(p.Targets), p.Skipped)
		}
		site := unity.Site{ID: refs[0].Site, Name: unity.NewText("Full"), TotalEndpoints: unity.Int{N: 9, Known: true}, DevicesAllowed: unity.Int{N: 10, Known: true},
			AccessLevel: unity.Int{N: unity.AccessAdmin, Known: true}}
		if p := l.plan(t, "reactivate", refs, PlanOptions{Sites: []unity.Site{site}}); len(p.Targets) != 2 || !says(p.Warnings, "9 of 10 seats taken") {
			t.Errorf("%d targets, %q", len(p.Targets), p.Warnings)
		}
	})
}

func TestSkew(t *testing.T) {
	for _, x := range []struct {
		off            time.Duration
		warns, refuses bool
	}{{0, false, false}, {50 * time.Second, false, false}, {2 * time.Minute, true, false}, {-2 * time.Minute, true, false}, {11 * time.Minute, true, true}} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			dated := roundTrip(func(r *http.Request) (*http.Response, error) {
				answer, err := l.RoundTrip(r)
				if err == nil {
					answer.Header.Set("Date", time.Now().Add(x.off).UTC().Format(http.TimeFormat))
				}
				return answer, err
			})
			c, err := unity.New(unity.Options{BaseURL: l.client.BaseURL(), GSMKey: l.client.Key(), Tokens: l, HTTP: &http.Client{Transport: dated}})
			if err != nil {
				t.Fatal(err)
			}
			l.client = c
			p := l.plan(t, "scan", l.pick(t, 0, 1), PlanOptions{})
			if says(p.Warnings, "clock is") != x.warns {
				t.Errorf("off by %s: %q", x.off, p.Warnings)
			}
			if err := SkewAllows(c, []string{"host", "seen"}); (err != nil) != x.refuses {
				t.Errorf("off by %s: seen gives %v", x.off, err)
			}
			if err := SkewAllows(c, []string{"host"}); err != nil {
				t.Errorf("off by %s: host gives %v", x.off, err)
			}
		})
	}
}

// TestOperationsComeBack makes every operation again from its id and arguments.
func TestOperationsComeBack(t *testing.T) {
	guid := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom(Operations()).Draw(t, "op")
		args := Args(nil)
		for _, need := range op.Needs {
			value := guid.Draw(t, need)
			if need == ArgKeycode {
				value = rapid.StringMatching(`[0-9A-Z]{20}`).Draw(t, "key")
			}
			args = append(args, Arg{need, value})
		}
		whole, err := op.With(args)
		if err != nil || len(whole.Needs) != 0 || whole.Risk != op.Risk || whole.ID != op.ID {
			t.Fatalf("%+v, %v", whole, err)
		}
		again, err := OperationByID(whole.ID, whole.Args)
		if err != nil || again.Words() != whole.Words() || again.Parameters != whole.Parameters {
			t.Fatalf("%+v, %v", again, err)
		}
		if len(op.Needs) > 0 {
			if _, err := op.With(nil); err == nil {
				t.Fatalf("%s is complete without arguments", op.ID)
			}
		}
		if _, err := op.With(append(args, Arg{"Nonsense", "x"})); err == nil {
			t.Fatalf("%s takes an unknown argument", op.ID)
		}
	})
}

func TestProgress(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	j := &Job{Started: start}
	for i := range 100 {
		site, state := unity.SiteID("a"), Waiting
		if i >= 60 {
			site = "b"
		}
		if i < 40 {
			state = Sent
		}
		j.Results = append(j.Results, Result{Ref: fleet.Ref{Site: site}, State: state})
	}
	p := j.Progress(start.Add(10 * time.Second))
	if p.Done != 40 || p.Total != 100 || p.PerSecond != 4 || p.Left != 15*time.Second || len(p.Sites) != 2 || p.Sites[0].Done != 40 || p.Sites[0].Total != 60 {
		t.Errorf("%+v", p)
	}
	if got := p.String(); got != "40 of 100, 4.0 per second, about 15 s left" {
		t.Errorf("in words %q", got)
	}
	for i := range j.Results {
		if i >= 4 {
			j.Results[i].State = Waiting
		}
	}
	if p := j.Progress(start.Add(10 * time.Second)); p.Left != 0 || p.PerSecond != 0 {
		t.Errorf("an estimate from four answers: %+v", p)
	}
}
