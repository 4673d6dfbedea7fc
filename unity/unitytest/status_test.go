package unitytest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// follow walks the batches of a status list by their ContinuationURI.
func (b *bench) follow(path string) (all []map[string]any, calls int) {
	b.t.Helper()
	body := b.get(path)
	for {
		calls++
		found := rows(body, "QueryResults")
		if len(found) != number(body, "Count") {
			b.t.Fatalf("Count is %d of %d rows", number(body, "Count"), len(found))
		}
		all = append(all, found...)
		next := text(body, "ContinuationURI")
		if next == "" {
			if body["ContinuationToken"] != nil || body["ContinuationURI"] != nil {
				b.t.Fatal("the last batch has a continuation")
			}
			return all, calls
		}
		if len(text(body, "ContinuationToken")) < 200 || !strings.HasPrefix(next, "http://example.com/service/api/status/") {
			b.t.Fatalf("continuation %s", next)
		}
		r := httptest.NewRequestWithContext(b.t.Context(), "GET", next, nil)
		r.Header.Set("Authorization", "Bearer "+b.token)
		status, answer := b.serve(r)
		if status != http.StatusOK {
			b.t.Fatal(status, answer)
		}
		body = answer
	}
}

func TestStatusWalk(t *testing.T) {
	b := newBench(t, Options{})
	all, calls := b.follow("/status/gsm/{k}?batchSize=300")
	if len(all) != 1000 || calls != 4 {
		t.Fatalf("%d rows in %d calls", len(all), calls)
	}
	for i, e := range b.s.World().Endpoints {
		row := all[i]
		if text(row, "HostName") != e.HostName || row["Deactivated"] != e.Deactivated {
			t.Fatalf("row %d is %v, want %s", i, row, e.HostName)
		}
		info, _ := row["BasicInfo"].(map[string]any)
		if info["Infected"] != e.Infected || text(info, "DeviceType") != e.DeviceType {
			t.Fatalf("row %d is %v, want %+v", i, info, e)
		}
		want := any(nil)
		if !e.LastSeen.IsZero() {
			want = e.LastSeen.Format("2006-01-02T15:04:05")
		}
		if row["LastSeen"] != want {
			t.Fatalf("LastSeen is %v, want %v", row["LastSeen"], want)
		}
		if _, there := row["MachineId"]; there {
			t.Fatal("a row has MachineId")
		}
	}
	if first := b.get("/status/gsm/{k}"); number(first, "Count") != 50 {
		t.Errorf("the default batch has %d", number(first, "Count"))
	}
}

func TestStatusOfOneSite(t *testing.T) {
	b := newBench(t, Options{})
	site := b.biggest()
	for _, key := range []string{site.Keycode, dashed(site.Keycode), strings.ToLower(site.Keycode)} {
		if all, _ := b.follow("/status/site/" + key + "?batchSize=20"); len(all) != site.Endpoints {
			t.Errorf("%d rows for %s, want %d", len(all), key, site.Endpoints)
		}
	}
	b.want(404, "GET", "/status/site/AAAA-AAAA-AAAA-AAAA-AAAA", "")
	e := b.polling(site.ID)
	one, _ := b.follow("/status/site/" + site.Keycode + "?machineId=" + url.QueryEscape(e.MachineID) + "&returnedInfo=BasicInfo,SystemAnalyzer")
	if len(one) != 1 || one[0]["SystemAnalyzer"] == nil || one[0]["BasicInfo"] == nil || one[0]["OSAndVersions"] != nil {
		t.Error(one)
	}
}

func TestStatusRules(t *testing.T) {
	b := newBench(t, Options{})
	for _, size := range []string{"0", "1001", "-1", "x"} {
		body := b.want(400, "GET", "/status/gsm/{k}?batchSize="+size, "")
		if text(body, "error_description") != "Batch size must be between 1 and 1000" {
			t.Error(body)
		}
	}
	b.want(400, "GET", "/status/gsm/{k}?modifiedSince=yesterday", "")
	b.want(400, "GET", "/status/gsm/{k}?continuation=bm90aGluZw", "")
	token := text(b.get("/status/gsm/{k}?batchSize=10"), "ContinuationToken")
	b.want(400, "GET", "/status/gsm/{k}?returnedInfo=BasicInfo&continuation="+token, "")
	b.want(200, "GET", "/status/gsm/{k}?batchSize=20&continuation="+token, "")

	since := b.s.World().Now.Add(-2 * time.Hour)
	want := 0
	for _, e := range b.s.World().Endpoints {
		count(&want, !e.LastSeen.Before(since))
	}
	got, _ := b.follow("/status/gsm/{k}?batchSize=1000&modifiedSince=" + since.Format(time.RFC3339))
	if len(got) != want || want == 0 || want == 1000 {
		t.Errorf("%d rows modified in two hours, want %d", len(got), want)
	}
	id, err := b.s.InsertEndpoint(b.s.World().Sites[0].ID, "NEW\x1b-ONE")
	if err != nil {
		t.Fatal(err)
	}
	all, _ := b.follow("/status/gsm/{k}?batchSize=1000")
	if len(all) != 1001 || text(all[1000], "HostName") != "NEW\x1b-ONE" {
		t.Errorf("%d rows", len(all))
	}
	if err := b.s.RemoveEndpoint(id); err != nil {
		t.Fatal(err)
	}
	if all, _ := b.follow("/status/gsm/{k}?batchSize=1000"); len(all) != 1000 {
		t.Errorf("%d rows after one is gone", len(all))
	}
}

func TestHooks(t *testing.T) {
	b := newBench(t, Options{Sites: 4, Endpoints: 40})
	e := b.polling(b.biggest().ID)
	if err := b.s.RenameEndpoint(e.ID, "zzz-last"); err != nil {
		t.Fatal(err)
	}
	to := b.s.World().Sites[0].ID
	if err := b.s.MoveEndpoint(e.ID, to); err != nil {
		t.Fatal(err)
	}
	list := b.walk("/console/gsm/{k}/sites/" + to + "/endpoints?pageSize=1000")
	if text(list[len(list)-1], "EndpointId") != e.ID {
		t.Errorf("the last of the new site is %v", list[len(list)-1])
	}
	if err := b.s.Clean(e.ID); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{b.s.Poll("nobody"), b.s.MoveEndpoint(e.ID, "nowhere"), b.s.SetFault("no such fault", 1), b.s.SetFault("500", 2),
		b.s.SetVariant("no such variant", true)} {
		if err == nil {
			t.Error("no error")
		}
	}
	if _, err := b.s.InsertEndpoint("nowhere", "x"); err == nil {
		t.Error("no error")
	}
	for _, o := range []Options{{Faults: map[string]float64{"x": 1}}, {Variants: []string{"x"}}, {User: "x"}} {
		if New(o).Err() == nil {
			t.Errorf("no error for %+v", o)
		}
	}
}
