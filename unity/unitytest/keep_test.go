package unitytest

import (
	"testing"
	"time"
)

// TestOldTokensAreForgotten bounds the memory of a simulator that runs long.
func TestOldTokensAreForgotten(t *testing.T) {
	b := newBench(t, Options{Sites: 1, Endpoints: 1, AccessTTL: time.Minute, RefreshTTL: time.Hour})
	for range 3000 {
		b.s.Advance(2 * time.Minute)
		if b.signIn("*") == "" {
			t.Fatal("no token")
		}
	}
	if a, r := len(b.s.tokens.access), len(b.s.tokens.refresh); a > 2000 || r > 2000 {
		t.Errorf("%d access and %d refresh tokens are kept", a, r)
	}
	b.get("/console/gsm/{k}")
}

func TestLogIsBounded(t *testing.T) {
	s := New(Options{Sites: 1, Endpoints: 1, Now: fakeClock()})
	for i := range maxLog + 10 {
		s.record(Entry{N: i})
	}
	log := s.Log()
	if len(log) > maxLog || log[len(log)-1].N != maxLog+9 {
		t.Errorf("%d entries, the last is %d", len(log), log[len(log)-1].N)
	}
}

func TestGroupPolicyReachesItsMachines(t *testing.T) {
	b := newBench(t, Options{})
	site := b.biggest()
	e := b.polling(site.ID)
	path := "/console/gsm/{k}/sites/" + site.ID + "/groups/" + e.GroupID
	own, shared := b.s.World().Policies[2].ID, b.s.World().Policies[3].ID
	b.want(204, "PUT", "/console/gsm/{k}/sites/"+site.ID+"/endpoints/policy", `{"EndpointsList":"`+e.ID+`","PolicyId":"`+own+`"}`)
	b.want(204, "PUT", path, `{"PolicyId":"`+shared+`"}`)
	if got := b.endpoint(e.ID).PolicyID; got != own {
		t.Errorf("without inheritance the policy is %s", got)
	}
	b.want(204, "PUT", path, `{"PolicyId":"`+shared+`","Inheritance":1,"GroupDescription":"new"}`)
	if got := b.endpoint(e.ID).PolicyID; got != shared {
		t.Errorf("with inheritance the policy is %s", got)
	}
	b.want(404, "PUT", path, `{"PolicyId":"nope"}`)
	b.want(400, "PUT", path, `{"Inheritance":"x"}`)
	b.want(404, "PUT", "/console/gsm/{k}/sites/"+site.ID, `{"PolicyId":"nope"}`)
	b.want(204, "PUT", "/console/gsm/{k}/sites/"+site.ID, `{"PolicyId":"`+shared+`","GlobalPolicies":true,"GlobalOverrides":true}`)
	b.want(404, "PUT", "/console/gsm/{k}/admins/nobody", `{}`)
}
