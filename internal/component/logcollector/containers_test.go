package logcollector

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/moby/moby/client"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
)

// briefEngine answers as a Docker engine whose list says "created" of a container that has ended when it is inspected.
type briefEngine struct {
	ended    time.Time
	inspects atomic.Int64
}

func (e *briefEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/_ping"):
		w.Header().Set("Api-Version", "1.45")
	case strings.HasSuffix(path, "/containers/json"):
		_, _ = fmt.Fprint(w, `[{"Id":"brief","Names":["/brief"],"State":"created","Status":"Created","HostConfig":{}}]`)
	case strings.HasSuffix(path, "/containers/brief/json"):
		e.inspects.Add(1)
		_, _ = fmt.Fprintf(w, `{"Id":"brief","Config":{"Tty":false},"State":{"Status":"exited","Running":false,"FinishedAt":%q}}`, e.ended.Format(time.RFC3339Nano))
	case strings.HasSuffix(path, "/containers/brief/logs"):
		for i := range 50 {
			line := fmt.Sprintf("%s line %d\n", e.ended.Add(time.Duration(i-100)*time.Millisecond).Format(time.RFC3339Nano), i)
			header := make([]byte, 8)
			header[0] = 1
			binary.BigEndian.PutUint32(header[4:], uint32(len(line)))
			_, _ = w.Write(append(header, line...))
		}
	default:
		http.NotFound(w, r)
	}
}

// The list's state and a newer inspect were combined, and a container that lived in between counted as read.
func TestContainerThatLivesBetweenListAndInspect(t *testing.T) {
	engine := &briefEngine{ended: time.Now().UTC()}
	server := httptest.NewServer(engine)
	defer server.Close()
	cli, err := client.New(client.WithHost("tcp://"+server.Listener.Addr().String()), client.WithAPIVersion("1.45"))
	require.NoError(t, err)
	l, err := openLedger(t.TempDir())
	require.NoError(t, err)
	store, reg := &memory{}, prometheus.NewRegistry()
	s := &sender{logger: slog.New(slog.DiscardHandler), store: store, ledger: l, metrics: newMetrics(reg), in: make(chan *batch)}
	j, err := newJob(&scrapeconfig.Config{JobName: "docker", RelabelConfigs: []*relabel.Config{{
		SourceLabels: model.LabelNames{"__meta_docker_container_name"}, Regex: relabel.MustNewRegexp("/(.*)"), Separator: ";",
		TargetLabel: "container", Replacement: "$1", Action: relabel.Replace, NameValidationScheme: model.UTF8Validation,
	}}}, log.NewNopLogger(), reg)
	require.NoError(t, err)
	c := newContainers(s.logger, s, s.metrics, j, &moby.DockerSDConfig{}, engine.ended.Add(-time.Minute))
	var running sync.WaitGroup
	running.Go(func() { s.run(t.Context()) })
	c.heard(true, "")

	require.NoError(t, c.list(t.Context(), cli))
	c.wg.Wait()
	require.Len(t, store.stored(), 50)

	for range 10 {
		require.NoError(t, c.list(t.Context(), cli))
	}
	c.wg.Wait()
	require.Len(t, store.stored(), 50)
	require.LessOrEqual(t, engine.inspects.Load(), int64(2), "a container that is read is not asked about again")
	c.heard(true, "brief")
	require.NoError(t, c.list(t.Context(), cli))
	require.Equal(t, int64(3), engine.inspects.Load(), "an event of it says that something changed")
}
