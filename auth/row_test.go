package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// tlsProvider is a token endpoint behind TLS whose certificate is trusted.
func tlsProvider(t *testing.T, h http.HandlerFunc, versions *tls.Config) *UnityProvider {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.TLS, srv.Config.ErrorLog = versions, log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	transport := tokenTransport()
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	transport.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	p, err := NewUnityProvider(srv.URL, "unitty/test", &http.Client{Transport: transport}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOldTLSIsRefused offers TLS 1.1 at most, with a certificate that is trusted:
// nothing is sent. The same server with TLS 1.2 is taken.
func TestOldTLSIsRefused(t *testing.T) {
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true} {
		asked := 0
		p := tlsProvider(t, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"a","token_type":"bearer","expires_in":300,"refresh_token":"r"}`)
		}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}) //nolint:gosec // the point of the test
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := p.Refresh(ctx, Client{ID: testClientID, Secret: NewSecret(testClientSecret)}, NewSecret("rt"), DefaultScope())
		cancel()
		if (err == nil) != ok || (asked == 1) != ok {
			t.Errorf("%s: %v, %d requests", tls.VersionName(version), err, asked)
		}
	}
}

// TestHugeAnswersAreCutOff sends answers and headers without end. They are left
// after a bounded part, and a refresh token in them is not believed.
func TestHugeAnswersAreCutOff(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"refresh_token":"r","expires_in":300,"access_token":"`)
			for range 64 {
				if _, err := io.WriteString(w, strings.Repeat("a", 1<<20)); err != nil {
					return
				}
			}
			_, _ = io.WriteString(w, `"}`)
		},
		"header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Filling", strings.Repeat("a", 1<<20))
		},
		"depth": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"x":`+strings.Repeat("[", 400_000)+strings.Repeat("]", 400_000)+`,"refresh_token":"r"}`)
		},
	} {
		srv := httptest.NewServer(serve)
		p, err := NewUnityProvider(srv.URL, "unitty/test", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		g, err := p.Refresh(ctx, Client{ID: testClientID, Secret: NewSecret(testClientSecret)}, NewSecret("rt"), DefaultScope())
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !g.Refresh.Empty() || len(err.Error()) > 2000 {
			t.Errorf("%s: %v, refresh token %v", name, err, !g.Refresh.Empty())
		}
		cancel()
		srv.Close()
	}
}
