package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunServesUntilItIsInterrupted(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"a":1}`) }))
	t.Cleanup(srv.Close)
	log := filepath.Join(t.TempDir(), "calls.ndjson")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--target", srv.URL, "--fault", "json-500:once@/sites", "--log", log}, in, io.Discard)
	}()
	var hello struct {
		BaseURL string `json:"base_url"`
	}
	if err := json.NewDecoder(out).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{500, 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, hello.BaseURL+"/sites", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(log)
	if err != nil || strings.Count(string(lines), "\n") != 2 {
		t.Errorf("log %q %v", lines, err)
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{
		{"--target", "http://127.0.0.1:1", "--fault", "nosuch"}, {"--target", "http://127.0.0.1:1", "--fault", "slow:2"},
		{"--target", "http://127.0.0.1:1", "--fault", "slow:NaN"}, {"--target", "http://127.0.0.1:1", "--fault", "slow:0.1@("},
		{"--target", "nowhere"}, {"--target", "http://127.0.0.1:1", "extra"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
