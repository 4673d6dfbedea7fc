package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/unitty/unitty/auth/secretservertest"
	"github.com/unitty/unitty/unity/unitytest"
)

// vaultLine is what `simulate --secret-server` prints of the simulated Secret Server.
type vaultLine struct {
	BaseURL  string `json:"base_url"`
	Username string `json:"username"`
	Password string `json:"password"`
	Secret   string `json:"secret"`
}

// vaultID is the id of the one secret of the simulated vault.
const vaultID = 126

// vault is a running simulated Secret Server.
type vault struct {
	line vaultLine
	http *http.Server
	done chan error
}

// startVault serves a Secret Server on loopback that holds the credentials of the simulated console.
func startVault(ctx context.Context, c unitytest.Credentials) (*vault, error) {
	const user, password = "unitty", "secret-server"
	server := secretservertest.New(secretservertest.Options{Base: "/SecretServer", RefreshEnabled: true, Username: user, Password: password,
		Secrets: []secretservertest.Secret{secretservertest.WebrootSecret(vaultID, `\MSP\Webroot GSM`, c.ClientID, c.ClientSecret, c.Username, c.Password, c.GSMKey)}})
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	v := &vault{line: vaultLine{BaseURL: "http://" + l.Addr().String() + "/SecretServer", Username: user, Password: password, Secret: fmt.Sprint(vaultID)},
		http: &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}, done: make(chan error, 1)}
	go func() { v.done <- v.http.Serve(l) }()
	return v, nil
}

func (v *vault) stop() {
	_ = v.http.Close()
	<-v.done //nolint:errcheck // it was closed on purpose
}
