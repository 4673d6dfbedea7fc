package auth

import (
	"testing"
	"time"
)

func TestBundlesWithACount(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for name, b := range map[string]bundle{
		"counted":          {gen: 3, access: NewSecret("a"), refresh: NewSecret("r"), issuedAt: at, life: time.Minute, refreshAt: at, refreshLife: 16 * time.Minute, refreshes: 2},
		"no refresh token": {gen: 1, access: NewSecret("a"), issuedAt: at, life: time.Minute, refreshAt: at},
	} {
		data, err := b.encode("k")
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeBundle("k", data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.refreshes != b.refreshes || got.refreshLife != b.refreshLife || !got.refresh.Equal(b.refresh) || !got.access.Equal(b.access) {
			t.Errorf("%s: came back as %+v", name, got)
		}
	}
	for _, damaged := range []string{
		`{"v":1,"key":"k","refresh_token":""}`,
		`{"v":1,"key":"k","no_refresh":true}`,
		`{"v":1,"key":"k","no_refresh":true,"refresh_token":"r","access_token":"a"}`,
		`{"v":1,"key":"k","refresh_token":"r","refreshes":-1}`,
		`{"v":1,"key":"k","refresh_token":"r","rt_life_ms":-1}`,
		`{"v":1,"key":"k","refresh_token":"r","rt_life_ms":9223372036854775807}`,
	} {
		if _, err := decodeBundle("k", []byte(damaged)); err == nil {
			t.Errorf("%s was accepted", damaged)
		}
	}
}

func TestTheSmallerLimitHolds(t *testing.T) {
	for _, c := range []struct{ known, learned, want int }{{0, 0, 0}, {3, 0, 3}, {0, 2, 2}, {3, 2, 2}, {2, 3, 2}} {
		if got := (&Counted{Max: c.known}).limit(c.learned); got != c.want {
			t.Errorf("limit of %d and %d is %d", c.known, c.learned, got)
		}
	}
	if (*Counted)(nil).limit(5) != 0 {
		t.Error("a chain that is not counted has a limit")
	}
}
