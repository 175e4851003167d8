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

// alertWay leads the ruler's alerts to Alertmanagers inside the process. The ruler has its own HTTP client, which
// cannot be given another dialer, so it talks to a loopback port that asks for a password nobody else has.
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

// serve forwards until ctx ends.
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

// adopt leads those Alertmanagers of the ruler here that are inside the process. When some are outside, the
// password would reach them too, so such a mixture goes over the network's names as the file has it.
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
