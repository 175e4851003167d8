package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// readyTimeout bounds the wait for a server to become ready; how long it really takes is measured by the startup tests.
const readyTimeout = 30 * time.Second

// server is a program that serves Prometheus's HTTP API, Ausguck or the stock one.
type server struct {
	*process
	address string // host:port
	url     string // with credentials if there are any
	client  *http.Client
}

// metricsOnly are the flags for tests that are only about the Prometheus part.
var metricsOnly = []string{"--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-log-collector"}

// startAusguck starts Ausguck with only its main address and waits until it is ready.
func startAusguck(t *testing.T, config, storage string, flags ...string) *server {
	t.Helper()
	s := launchAusguck(t, config, storage, flags...)
	s.waitReady(t, readyTimeout)
	return s
}

// launchAusguck starts Ausguck with only its main address and does not wait.
func launchAusguck(t *testing.T, config, storage string, flags ...string) *server {
	t.Helper()
	return launchWith(t, nil, config, storage, flags...)
}

// launchWith does the same with additional environment variables, each as "NAME=value".
func launchWith(t *testing.T, env []string, config, storage string, flags ...string) *server {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	return launchAtWith(t, env, address, append([]string{
		"--config.dir=" + config, "--storage.path=" + storage,
		"--web.listen-address=" + address, "--no-web.well-known-ports",
	}, flags...)...)
}

// The credentials with which the tests log in.
const (
	adminPassword = "correct horse"
	passwordEnv   = "GF_SECURITY_ADMIN_PASSWORD=" + adminPassword
)

// launchAt starts Ausguck with only these flags. Requests to its URL have the admin's password.
func launchAt(t *testing.T, address string, flags ...string) *server {
	t.Helper()
	return launchAtWith(t, nil, address, flags...)
}

func launchAtWith(t *testing.T, env []string, address string, flags ...string) *server {
	t.Helper()
	cmd := exec.Command(ausguckBinary(t), flags...)
	cmd.Env = append(append(os.Environ(), passwordEnv), env...)
	s := launch(t, address, cmd)
	s.url = urlOf("admin", adminPassword, address)
	return s
}

// urlOf returns a URL with credentials, which most clients support.
func urlOf(user, password, address string) string {
	return (&url.URL{Scheme: "http", User: url.UserPassword(user, password), Host: address}).String()
}

// startStock starts the stock Prometheus on the TSDB folder and waits until it is ready.
func startStock(t *testing.T, configFile, tsdb string, flags ...string) *server {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	args := append([]string{
		"--config.file=" + configFile, "--storage.tsdb.path=" + tsdb, "--web.listen-address=" + address,
	}, flags...)
	s := launch(t, address, exec.Command(stockBinary(t, "prometheus"), args...))
	s.waitReady(t, readyTimeout)
	return s
}

func launch(t *testing.T, address string, cmd *exec.Cmd) *server {
	t.Helper()
	return &server{
		process: startProcess(t, cmd),
		address: address,
		url:     "http://" + address,
		client:  &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 4}},
	}
}

// waitReady polls /-/ready and returns the time from the start of the process to the first successful response.
func (s *server) waitReady(t *testing.T, timeout time.Duration) time.Duration {
	t.Helper()
	s.waitAnswer(t, timeout, "/-/ready")
	return time.Since(s.started)
}

// waitAnswer polls a path until it responds with 200. It fails if the process ends.
func (s *server) waitAnswer(t *testing.T, timeout time.Duration, path string) {
	t.Helper()
	eventually(t, timeout, func() error {
		select {
		case <-s.exited:
			require.FailNowf(t, "process ended before it was ready", "%s", tail(s.output.String(), 4000))
		default:
		}
		return s.answers(path)
	})
}

// answers returns an error unless a path responds with 200.
func (s *server) answers(path string) error {
	response, err := s.client.Get(s.url + path)
	if err != nil {
		return err
	}
	body, err := readAll(response.Body)
	if err != nil {
		return err
	}
	return errUnless(response.StatusCode == http.StatusOK, "%s responds %d %s", path, response.StatusCode, body)
}

// do sends a request and returns the status and the body of the response.
func (s *server) do(t *testing.T, method, path string, header map[string]string, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := s.client.Do(request)
	require.NoError(t, err)
	content, err := readAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, content
}

// get returns the body of a response that must be successful.
func (s *server) get(t *testing.T, path string) string {
	t.Helper()
	status, body := s.do(t, http.MethodGet, path, nil, "")
	require.Equal(t, http.StatusOK, status, "GET %s: %s", path, tail(body, 500))
	return body
}

// data decodes the data of a Prometheus API response into the value.
func (s *server) data(t *testing.T, path string, params url.Values, into any) {
	t.Helper()
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.get(t, path+"?"+params.Encode())), &answer))
	require.NoError(t, json.Unmarshal(answer.Data, into))
}

// point is one series in the result of an instant query.
type point struct {
	Metric map[string]string  `json:"metric"`
	Value  [2]json.RawMessage `json:"value"`
}

func (p point) value(t *testing.T) float64 {
	t.Helper()
	text, err := strconv.Unquote(string(p.Value[1]))
	require.NoError(t, err)
	value, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return value
}

// query evaluates the expression now.
func (s *server) query(t *testing.T, expression string) []point {
	t.Helper()
	return s.queryAt(t, expression, time.Now())
}

// queryAt evaluates the expression at a time.
func (s *server) queryAt(t *testing.T, expression string, at time.Time) []point {
	t.Helper()
	var vector struct {
		Result []point `json:"result"`
	}
	s.data(t, "/api/v1/query", url.Values{"query": {expression}, "time": {unixTime(at)}}, &vector)
	return vector.Result
}

// value evaluates an expression with a single series now, and returns -1 if there is none.
func (s *server) value(t *testing.T, expression string) float64 {
	t.Helper()
	points := s.query(t, expression)
	require.LessOrEqual(t, len(points), 1, expression)
	if len(points) == 0 {
		return -1
	}
	return points[0].value(t)
}

// waitValue waits until the expression has the value.
func (s *server) waitValue(t *testing.T, timeout time.Duration, expression string, want float64) {
	t.Helper()
	eventually(t, timeout, func() error {
		got := s.value(t, expression)
		return errUnless(got == want, "%s is %v, want %v", expression, got, want)
	})
}

// metric returns the sum of a family in a page of metrics, and -1 if it does not exist.
func metric(page, name string) float64 {
	sum, found := 0.0, false
	for line := range strings.Lines(page) {
		series, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if family, _, _ := strings.Cut(series, "{"); !ok || family != name {
			continue
		}
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			sum, found = sum+value, true
		}
	}
	if !found {
		return -1
	}
	return sum
}

// target is an entry of /api/v1/targets.
type target struct {
	Labels     map[string]string `json:"labels"`
	ScrapePool string            `json:"scrapePool"`
	Health     string            `json:"health"`
	LastError  string            `json:"lastError"`
}

// targets returns the active targets by job name.
func (s *server) targets(t *testing.T) map[string]target {
	t.Helper()
	var list struct {
		Active []target `json:"activeTargets"`
	}
	s.data(t, "/api/v1/targets", nil, &list)
	byJob := map[string]target{}
	for _, entry := range list.Active {
		byJob[entry.Labels["job"]] = entry
	}
	return byJob
}

// configDir writes the files to a new folder.
func configDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

// unixTime formats a time for the API.
func unixTime(at time.Time) string {
	return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
}
