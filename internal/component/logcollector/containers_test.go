package logcollector

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/moby/moby/client"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeEngine responds like a Docker engine.
type fakeEngine struct {
	address string

	mtx        sync.Mutex
	containers []*fakeContainer
	calls      map[string]int // by request
	silent     bool           // sends no events
	events     chan string
}

type fakeContainer struct {
	id, name string
	listed   string // its state in the list; empty if it is not listed
	running  bool
	ended    time.Time
	removed  bool // only its open log can still be read
	driver   string
	labels   map[string]string
	lines    []string
	gone     chan struct{} // closed when it ends; nil if it has ended
}

func newFakeEngine(t *testing.T) *fakeEngine {
	t.Helper()
	e := &fakeEngine{calls: map[string]int{}, events: make(chan string, 100)}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	e.address = "tcp://" + server.Listener.Addr().String()
	return e
}

func (e *fakeEngine) add(c *fakeContainer) {
	e.mtx.Lock()
	defer e.mtx.Unlock()
	e.containers = append(e.containers, c)
}

// tell sends an event about a container.
func (e *fakeEngine) tell(action string, c *fakeContainer) {
	attributes := map[string]string{"name": c.name, "image": "app"}
	for name, value := range c.labels {
		attributes[name] = value
	}
	text, _ := json.Marshal(map[string]any{"Type": "container", "Action": action, "Actor": map[string]any{"ID": c.id, "Attributes": attributes}})
	e.events <- string(text)
}

func (e *fakeEngine) called(what string) int {
	e.mtx.Lock()
	defer e.mtx.Unlock()
	return e.calls[what]
}

func (e *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.47")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	what := parts[len(parts)-1]
	if len(parts) > 2 && parts[1] == "containers" && parts[2] != "json" {
		what = "container " + what
	}
	e.mtx.Lock()
	e.calls[what]++
	silent := e.silent
	all := slices.Clone(e.containers)
	e.mtx.Unlock()
	switch what {
	case "_ping", "networks":
		_, _ = fmt.Fprint(w, "[]")
	case "events":
		if silent {
			http.Error(w, `{"message":"forbidden"}`, http.StatusForbidden)
			return
		}
		e.serveEvents(w, r)
	case "json":
		e.serveList(w, r, all)
	default:
		i := slices.IndexFunc(all, func(c *fakeContainer) bool { return len(parts) > 2 && c.id == parts[2] })
		if i < 0 || what == "container json" && all[i].removed {
			http.Error(w, `{"message":"No such container"}`, http.StatusNotFound)
			return
		}
		if what == "container json" {
			all[i].serveInspect(w)
		} else {
			all[i].serveLogs(w, r)
		}
	}
}

func (e *fakeEngine) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case text := <-e.events:
			_, _ = fmt.Fprintln(w, text)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (e *fakeEngine) serveList(w http.ResponseWriter, r *http.Request, all []*fakeContainer) {
	items := []map[string]any{}
	for _, c := range all {
		if c.listed != "" && !c.removed && (!strings.Contains(r.URL.Query().Get("filters"), `"id"`) || strings.Contains(r.URL.Query().Get("filters"), c.id)) {
			items = append(items, map[string]any{"Id": c.id, "Names": []string{"/" + c.name}, "State": c.listed, "Labels": c.labels, "HostConfig": map[string]string{"NetworkMode": "bridge"}})
		}
	}
	_ = json.NewEncoder(w).Encode(items)
}

func (c *fakeContainer) serveInspect(w http.ResponseWriter) {
	state := map[string]any{"Running": c.running, "FinishedAt": "0001-01-01T00:00:00Z"}
	if !c.running {
		state["FinishedAt"] = c.ended.UTC().Format(time.RFC3339Nano)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"Id": c.id, "Name": "/" + c.name, "State": state, "Config": map[string]any{"Labels": c.labels},
		"HostConfig": map[string]any{"LogConfig": map[string]any{"Type": c.driver}},
	})
}

func (c *fakeContainer) serveLogs(w http.ResponseWriter, r *http.Request) {
	if c.driver == "none" {
		http.Error(w, `{"message":"configured logging driver does not support reading"}`, http.StatusInternalServerError)
		return
	}
	_ = http.NewResponseController(w).Flush()
	for i, line := range c.lines {
		payload := fmt.Sprintf("%s %s\n", c.ended.Add(time.Duration(i-len(c.lines))*time.Millisecond).UTC().Format(time.RFC3339Nano), line)
		header := make([]byte, 8)
		header[0] = 1
		binary.BigEndian.PutUint32(header[4:], uint32(len(payload)))
		_, _ = w.Write(append(header, payload...))
	}
	_ = http.NewResponseController(w).Flush()
	if c.gone != nil {
		select {
		case <-c.gone:
		case <-r.Context().Done():
		}
	}
}

func fiftyLines() (lines []string) {
	for i := range 50 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	return lines
}

// collectContainers returns the reader of an engine's containers, and where it stores their lines.
func collectContainers(t *testing.T, e *fakeEngine) (*containers, *memory) {
	t.Helper()
	l, err := openLedger(t.TempDir())
	require.NoError(t, err)
	store, reg := &memory{}, prometheus.NewRegistry()
	s := &sender{logger: slog.New(slog.DiscardHandler), store: store, ledger: l, metrics: newMetrics(reg), in: make(chan *batch)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.run(ctx) })
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
	rule := func(source, regex, target string, action relabel.Action) *relabel.Config {
		return &relabel.Config{
			SourceLabels: model.LabelNames{model.LabelName(source)}, Regex: relabel.MustNewRegexp(regex), Separator: ";",
			TargetLabel: target, Replacement: "$1", Action: action, NameValidationScheme: model.UTF8Validation,
		}
	}
	j, err := newJob(&scrapeconfig.Config{JobName: "docker", RelabelConfigs: []*relabel.Config{
		rule("__meta_docker_container_label_ausguck_logs", "false", "", relabel.Drop),
		rule("__meta_docker_container_name", "/(.*)", "container", relabel.Replace),
	}}, log.NewNopLogger(), reg)
	require.NoError(t, err)
	sd := moby.DefaultDockerSDConfig
	sd.Host, sd.RefreshInterval = e.address, model.Duration(time.Second)
	return newContainers(s.logger, s, s.metrics, j, &sd, time.Now().Add(-time.Minute)), store
}

// listOnce lists the containers and waits for the readers that this starts.
func listOnce(t *testing.T, c *containers) {
	t.Helper()
	cli, err := client.New(client.WithHost(c.sd.Host), client.WithAPIVersion("1.47"))
	require.NoError(t, err)
	defer cli.Close()
	require.NoError(t, c.list(t.Context(), cli))
	c.wg.Wait()
}

// follow reads the engine until the test ends.
func follow(t *testing.T, c *containers) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.run(ctx) })
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
}

func storesLines(t *testing.T, store *memory, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(store.stored()) >= n }, 20*time.Second, 10*time.Millisecond)
	require.Len(t, store.stored(), n)
}

// The list's state and a newer inspect were combined, and a container that ran between the two counted as
// read.
func TestContainerThatLivesBetweenListAndInspect(t *testing.T) {
	e := newFakeEngine(t)
	e.add(&fakeContainer{id: "brief", name: "brief", listed: "created", ended: time.Now(), lines: fiftyLines()})
	c, store := collectContainers(t, e)
	c.hear(true)
	listOnce(t, c)
	require.Len(t, store.stored(), 50)
	for range 10 {
		listOnce(t, c)
	}
	require.Len(t, store.stored(), 50)
	require.Equal(t, 1, e.called("container json"), "a container that is read is not asked about again")
}

// A container with --rm is gone before it can be inspected. Its log can be read if it was requested before.
func TestContainerThatIsRemovedAtItsEnd(t *testing.T) {
	e := newFakeEngine(t)
	c, store := collectContainers(t, e)
	follow(t, c)
	require.Eventually(t, func() bool { return e.called("json") > 0 }, 20*time.Second, 10*time.Millisecond)
	brief := &fakeContainer{id: "brief", name: "brief", removed: true, ended: time.Now(), lines: fiftyLines()}
	e.add(brief)
	e.tell("start", brief)
	storesLines(t, store, 50)
	e.tell("die", brief)
	e.tell("destroy", brief)
	require.Eventually(t, func() bool {
		c.mtx.Lock()
		defer c.mtx.Unlock()
		return len(c.known) == 0
	}, 20*time.Second, 10*time.Millisecond, "it is forgotten")
	require.Len(t, store.stored(), 50)
}

// It may be gone between two requests as well.
func TestContainerThatIsRemovedBetweenQuestions(t *testing.T) {
	e := newFakeEngine(t)
	c, store := collectContainers(t, e)
	follow(t, c)
	require.Eventually(t, func() bool { return e.called("json") > 0 }, 20*time.Second, 10*time.Millisecond)
	brief := &fakeContainer{id: "brief", name: "brief", ended: time.Now(), lines: fiftyLines()} // in no list
	e.add(brief)
	e.tell("start", brief)
	storesLines(t, store, 50)
}

// Many start at the same time, and end at the same time.
func TestContainersInParallel(t *testing.T) {
	e := newFakeEngine(t)
	c, store := collectContainers(t, e)
	follow(t, c)
	require.Eventually(t, func() bool { return e.called("json") > 0 }, 20*time.Second, 10*time.Millisecond)
	for i := range 40 {
		brief := &fakeContainer{id: fmt.Sprintf("c%d", i), name: fmt.Sprintf("c%d", i), listed: "exited", ended: time.Now(), lines: fiftyLines()}
		e.add(brief)
		e.tell("start", brief)
		e.tell("die", brief)
	}
	storesLines(t, store, 40*50)
}

// Exited containers were inspected every 5 s, because the list says how long ago they ended.
func TestIdleEngineIsHardlyAsked(t *testing.T) {
	for name, silent := range map[string]bool{"events": false, "no events": true} {
		t.Run(name, func(t *testing.T) {
			e := newFakeEngine(t)
			e.silent = silent
			for i := range 50 {
				e.add(&fakeContainer{id: fmt.Sprintf("c%d", i), name: fmt.Sprintf("c%d", i), listed: "exited", ended: time.Now().Add(-time.Hour)})
			}
			c, _ := collectContainers(t, e)
			c.hear(!silent)
			for range 12 { // one minute of refreshes
				listOnce(t, c)
			}
			require.Equal(t, 50, e.called("container json"))
			require.Zero(t, e.called("container logs"))
		})
	}
}

// A container that starts again has more lines.
func TestContainerThatStartsAgain(t *testing.T) {
	e := newFakeEngine(t)
	c, store := collectContainers(t, e)
	gone := make(chan struct{})
	box := &fakeContainer{id: "box", name: "box", listed: "running", running: true, ended: time.Now(), lines: []string{"one"}, gone: gone}
	e.add(box)
	follow(t, c)
	storesLines(t, store, 1)
	e.mtx.Lock()
	e.containers = []*fakeContainer{{id: "box", name: "box", listed: "exited", ended: time.Now().Add(time.Second), lines: []string{"two", "three"}}}
	e.mtx.Unlock()
	close(gone)
	storesLines(t, store, 3)
}

// The reason why the lines of a container are not collected is reported.
func TestContainerLogs(t *testing.T) {
	e := newFakeEngine(t)
	alive := make(chan struct{})
	defer close(alive)
	for _, box := range []*fakeContainer{
		{id: "read", name: "read", running: true, gone: alive, lines: []string{"a"}},
		{id: "mute", name: "mute", running: true, driver: "none"},
		{id: "unwanted", name: "unwanted", running: true, labels: map[string]string{"ausguck.logs": "false"}, gone: alive},
	} {
		box.listed, box.ended = "running", time.Now()
		e.add(box)
	}
	c, store := collectContainers(t, e)
	follow(t, c)
	storesLines(t, store, 1)
	collector := &Collector{containers: []*containers{c}}
	want := map[string]ContainerLogs{
		"read": {Collected: true},
		"mute": {Reason: "Its log driver is none, so Docker keeps no logs.", Remedy: readableDriver},
		"unwanted": {
			Reason: `The label ausguck.logs="false" excludes its logs.`, Remedy: "Remove the label ausguck.logs.",
		},
	}
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		known, otherwise := collector.ContainerLogs()
		require.Equal(t, want, known)
		require.False(t, otherwise.Collected)
	}, 20*time.Second, 10*time.Millisecond)

	_, otherwise := (&Collector{}).ContainerLogs()
	require.Equal(t, "No job in promtail.yml discovers containers.", otherwise.Reason)
}

// The ledger keeps containers as long as the engine has them, and a single time for the engine.
func TestRemovedContainersAreForgotten(t *testing.T) {
	e := newFakeEngine(t)
	old := &fakeContainer{id: "old", name: "old", listed: "exited", ended: time.Now(), lines: fiftyLines()}
	e.add(old)
	e.add(&fakeContainer{id: "new", name: "new", listed: "exited", ended: time.Now(), lines: fiftyLines()})
	c, _ := collectContainers(t, e)
	listOnce(t, c)
	known := c.sender.ledger.known()
	require.Contains(t, known, containerKey("old", c.job))
	require.Contains(t, known, containerKey("new", c.job))

	old.listed = ""
	listOnce(t, c)
	known = c.sender.ledger.known()
	require.NotContains(t, known, containerKey("old", c.job))
	require.Contains(t, known, containerKey("new", c.job))
	require.Contains(t, known, c.key())
	require.Len(t, known, 2)
}
