package loki

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grafana/dskit/flagext"
	"github.com/grafana/loki/v3/pkg/ruler"

	"github.com/ausguck/ausguck/internal/inproc"
)

// alertWay routes the ruler's alerts to Alertmanagers inside the process. The ruler has its own HTTP client,
// whose dialer cannot be replaced, so it connects to a loopback port that requires a password known only to the
// ruler.
type alertWay struct {
	logger    *slog.Logger
	inProcess []string
	proxy     http.Handler
	user      string
	password  string
	listener  net.Listener
}

func newAlertWay(logger *slog.Logger, dial inproc.DialContextFunc, inProcess []string) *alertWay {
	w := &alertWay{logger: logger, inProcess: inProcess, user: "loki", password: rand.Text()}
	w.proxy = &httputil.ReverseProxy{
		Transport: &http.Transport{DialContext: dial, DisableCompression: true, IdleConnTimeout: time.Minute},
		Rewrite: func(r *httputil.ProxyRequest) {
			host, path, _ := strings.Cut(strings.TrimPrefix(r.In.URL.Path, "/"), "/")
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path = "http", host, "/"+path
			r.Out.Host = host
			r.Out.Header.Del("Authorization")
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, err error) {
			http.Error(rw, err.Error(), http.StatusBadGateway)
		},
	}
	return w
}

// listen binds the loopback port.
func (w *alertWay) listen() error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for alerts of LogQL rules: %w", err)
	}
	w.listener = l
	return nil
}

// serve forwards requests until ctx ends.
func (w *alertWay) serve(ctx context.Context) {
	srv := &http.Server{Handler: http.HandlerFunc(w.forward), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
		w.logger.Error("Alerts of LogQL rules no longer reach the built-in Alertmanager", "err", err)
	}
}

func (w *alertWay) forward(rw http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	host, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if user != w.user || subtle.ConstantTimeCompare([]byte(password), []byte(w.password)) != 1 || !slices.Contains(w.inProcess, host) {
		http.Error(rw, "not for you", http.StatusForbidden)
		return
	}
	w.proxy.ServeHTTP(rw, r)
}

// adopt routes the ruler's Alertmanagers through this proxy if they are inside the process. If some are outside,
// the password would be sent to them too, so all of them are then reached over the network as configured in the
// file.
func (w *alertWay) adopt(c *ruler.Config) {
	addresses := strings.Split(c.AlertmanagerURL, ",")
	var changed []string
	for _, a := range addresses {
		u, err := url.Parse(strings.TrimSpace(a))
		if err != nil || u.Scheme != "http" || !slices.Contains(w.inProcess, u.Host) {
			return
		}
		changed = append(changed, "http://"+w.listener.Addr().String()+"/"+u.Host+strings.TrimSuffix(u.Path, "/"))
	}
	c.AlertmanagerURL = strings.Join(changed, ",")
	c.AlertmanangerEnableV2API = true
	c.Notifier.BasicAuth.Username = w.user
	c.Notifier.BasicAuth.Password = flagext.SecretWithValue(w.password)
}
