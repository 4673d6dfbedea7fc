package driver

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServe(t *testing.T) {
	url, stop, err := Serve(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	if err != nil {
		t.Fatal(err)
	}
	get := func() (string, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/x", http.NoBody)
		if err != nil {
			return "", err
		}
		r.Close = true
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		defer func() { _ = got.Body.Close() }()
		said, err := io.ReadAll(got.Body)
		return string(said), err
	}
	if said, err := get(); err != nil || said != "/x" || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("%s says %q, %v", url, said, err)
	}
	stop()
	if said, err := get(); err == nil {
		t.Errorf("after the end it says %q", said)
	}
}

func TestBuild(t *testing.T) {
	err := Build(t.Context(), filepath.Join(t.TempDir(), "x"), Program+"/nosuch")
	if err == nil || !strings.Contains(err.Error(), "go build "+Program+"/nosuch") || !strings.Contains(err.Error(), "no required module") && !strings.Contains(err.Error(), "cannot find") && !strings.Contains(err.Error(), "does not contain") {
		t.Errorf("%v", err)
	}
}
