package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/serve"
)

// running is a running gateway, and the orchestrator that it calls.
type running struct {
	url string
	*Gateway
}

func start(t *testing.T, orchestrator http.Handler, change func(*Config)) *running {
	t.Helper()
	server := httptest.NewServer(orchestrator)
	t.Cleanup(server.Close)
	c := Config{
		Address: "127.0.0.1:0", Orchestrator: server.URL, Dir: t.TempDir(), Username: "ado", Password: "right",
		Header: "X-Webhook-Secret", Secret: "header", MaxBody: 1 << 20, BodyTime: 300 * time.Millisecond,
		MaxEntries: 1000, MaxBytes: 8 << 20, Workers: 4, CallTime: 5 * time.Second, MaxInFlight: 64,
	}
	if change != nil {
		change(&c)
	}
	g, err := New(serve.NewBase("gateway", io.Discard), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- g.Run(ctx, func(a net.Addr) { address <- a }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-address:
		return &running{"http://" + a.String(), g}
	case err := <-ended:
		ended <- err
		t.Fatal(err)
		return nil
	}
}

// taking is an orchestrator that accepts every job.
type taking struct {
	mu   sync.Mutex
	jobs map[string]int
}

func (o *taking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id, ok := strings.CutPrefix(r.URL.Path, "/jobs/"); ok {
		if o.jobs[id] == 0 {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	var j job
	if err := json.NewDecoder(r.Body).Decode(&j); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if o.jobs == nil {
		o.jobs = map[string]int{}
	}
	o.jobs[j.ID]++
	w.WriteHeader(http.StatusAccepted)
}

func (o *taking) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.jobs)
}

func notification(subscription string, id int, eventType string) string {
	return fmt.Sprintf(`{"subscriptionId":%q,"notificationId":%d,"id":"x","eventType":%q,"publisherId":"tfs","resource":{"pullRequestId":1}}`, subscription, id, eventType)
}

// sample has the format of what the Test button sends.
const sample = `{"subscriptionId":"00000000-0000-0000-0000-000000000000","notificationId":1,"id":"03c164c2-8912-4d5e-8009-3707d5f83734",
"eventType":"git.push","publisherId":"tfs","message":{"text":"Jamal Hartnett pushed updates to Fabrikam-Fiber-Git:master."},
"resource":{"commits":[]},"resourceVersion":"1.0","createdDate":"2026-01-01T00:00:00Z"}`

func TestReplies(t *testing.T) {
	g := start(t, &taking{}, nil)
	good := notification("s", 1, "git.push")
	for _, c := range []struct {
		name, body string
		change     func(*http.Request)
		want       int
		count      string // labels of ado_webhooks_total
	}{
		{"good", good, nil, 202, `event_type="git.push",status="accepted"`},
		{"replay", good, nil, 200, `event_type="git.push",status="duplicate"`},
		{"test button", sample, nil, 200, `event_type="git.push",status="test"`},
		{"test button again", sample, nil, 200, `event_type="git.push",status="test"`},
		{"header secret", notification("s", 2, "workitem.created"), func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("X-Webhook-Secret", "header")
		}, 202, `event_type="workitem.created",status="accepted"`},
		{"minimal", `{"eventType":"build.complete","id":"1"}`, nil, 202, `event_type="build.complete",status="accepted"`},
		{"resource is null", `{"eventType":"build.complete","id":"2","resource":null,"message":null}`, nil, 202, `event_type="build.complete",status="accepted"`},
		{"unknown event", notification("s", 3, "something.new"), nil, 200, `event_type="other",status="ignored"`},
		{"wrong password", good, func(r *http.Request) { r.SetBasicAuth("ado", "wrong") }, 401, `event_type="unknown",status="rejected"`},
		{"wrong user", good, func(r *http.Request) { r.SetBasicAuth("root", "right") }, 401, `event_type="unknown",status="rejected"`},
		{"empty password", good, func(r *http.Request) { r.SetBasicAuth("ado", "") }, 401, `event_type="unknown",status="rejected"`},
		{"no credentials", good, func(r *http.Request) { r.Header.Del("Authorization") }, 401, `event_type="unknown",status="rejected"`},
		{"wrong header", good, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("X-Webhook-Secret", "headers")
		}, 401, `event_type="unknown",status="rejected"`},
		{"wrong type", good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, `event_type="unknown",status="rejected"`},
		{"type with charset", notification("s", 4, "git.push"), func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }, 202, `event_type="git.push",status="accepted"`},
		{"truncated", good[:len(good)/2], nil, 400, `event_type="unknown",status="rejected"`},
		{"empty", "", nil, 400, `event_type="unknown",status="rejected"`},
		{"array", "[]", nil, 400, `event_type="unknown",status="rejected"`},
		{"no event type", "{}", nil, 400, `event_type="unknown",status="rejected"`},
		{"two values", good + good, nil, 400, `event_type="unknown",status="rejected"`},
		{"20 MB", `{"eventType":"` + strings.Repeat("x", 20<<20) + `"}`, nil, 413, `event_type="unknown",status="rejected"`},
		{"20 MB, chunked", `{"eventType":"` + strings.Repeat("x", 20<<20) + `"}`, func(r *http.Request) { r.ContentLength = -1 }, 413, `event_type="unknown",status="rejected"`},
		{"deep", strings.Repeat("[", 1<<19), nil, 400, `event_type="unknown",status="rejected"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := g.metric(t, "ado_webhooks_total{"+c.count+"}")
			r, _ := http.NewRequest("POST", g.url+"/webhook", strings.NewReader(c.body))
			r.SetBasicAuth("ado", "right")
			r.Header.Set("Content-Type", "application/json")
			if c.change != nil {
				c.change(r)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != c.want {
				t.Errorf("status %d, want %d", answer.StatusCode, c.want)
			}
			if after := g.metric(t, "ado_webhooks_total{"+c.count+"}"); after != before+1 {
				t.Errorf("%s: %v after %v", c.count, after, before)
			}
		})
	}
	if answer, err := http.Get(g.url + "/webhook"); err != nil || answer.StatusCode != 405 {
		t.Error(answer, err)
	}
}

func (g *running) metric(t *testing.T, series string) (value float64) {
	t.Helper()
	answer, err := http.Get(g.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), series+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return value
}

func (g *running) post(t *testing.T, body string) int {
	t.Helper()
	r, _ := http.NewRequest("POST", g.url+"/webhook", strings.NewReader(body))
	r.SetBasicAuth("ado", "right")
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode
}

// A body that does not arrive gets a 408, after which Azure DevOps sends it again.
func TestSlowBody(t *testing.T) {
	g := start(t, &taking{}, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Webhook-Secret: header\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusRequestTimeout {
		t.Error(answer.Status)
	}
}

// A full queue causes a 503, and accepted events are delivered once the orchestrator is back.
func TestFullAndBack(t *testing.T) {
	orchestrator := &taking{}
	var mu sync.Mutex
	down := true
	g := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		orchestrator.ServeHTTP(w, r)
	}), func(c *Config) { c.MaxEntries = 5 })
	for i := range 5 {
		if status := g.post(t, notification("s", i, "git.push")); status != 202 {
			t.Fatal(status)
		}
	}
	if status := g.post(t, notification("s", 5, "git.push")); status != 503 {
		t.Errorf("full: %d", status)
	}
	if status := g.post(t, notification("s", 0, "git.push")); status != 200 {
		t.Errorf("replay when full: %d", status)
	}
	if depth := g.metric(t, "gateway_queue_depth"); depth != 5 {
		t.Error(depth)
	}
	mu.Lock()
	down = false
	mu.Unlock()
	deadline := time.Now().Add(20 * time.Second)
	for orchestrator.count() < 5 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond) // polling within the deadline
	}
	orchestrator.mu.Lock()
	defer orchestrator.mu.Unlock()
	if len(orchestrator.jobs) != 5 {
		t.Errorf("%d jobs", len(orchestrator.jobs))
	}
	for id, n := range orchestrator.jobs {
		if n != 1 {
			t.Errorf("job %s came %d times", id, n)
		}
	}
}

func TestWithoutSecretsItDoesNotStart(t *testing.T) {
	if _, err := New(serve.NewBase("gateway", io.Discard), Config{Dir: t.TempDir()}); err == nil {
		t.Error("anybody could send webhooks")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"eventType":"git.push","notificationId":"7","subscriptionId":"S"}`))
	f.Add([]byte(`{"eventType":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parse(body)
		if err != nil {
			return
		}
		if e.EventType == "" || !eventTypes[e.label()] && e.label() != otherEvent {
			t.Errorf("%+v", e)
		}
		if _, err := json.Marshal(job{"x", body}); err != nil {
			t.Errorf("an accepted event cannot be handed on: %v", err)
		}
	})
}
