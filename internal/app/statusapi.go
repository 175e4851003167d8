package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/version"

	"github.com/ausguck/ausguck/internal/redact"
)

// statusAnswer is the answer of /api/ausguck/status.
type statusAnswer struct {
	Host     string        `json:"host"`
	Version  string        `json:"version"`
	Revision string        `json:"revision"`
	Started  time.Time     `json:"started"`
	Embedded []Embedded    `json:"embedded"`
	Parts    []statusPart  `json:"parts"`
	Files    []statusFile  `json:"files"`
	Storage  []storageView `json:"storage"`
	Disk     diskView      `json:"disk"`
	// QueryLog is the file of the query log, empty when none is written.
	QueryLog string `json:"queryLog"`
}

type statusPart struct {
	Name  string    `json:"name"`
	Phase string    `json:"phase"`
	Since time.Time `json:"since"`
	// Says is what a person should know, empty when all is well.
	Says string `json:"says,omitempty"`
}

type statusFile struct {
	Name   string `json:"name"`
	Source string `json:"source"`
}

// storageView is what a part takes on the disk; Limit 0 is none.
type storageView struct {
	Name      string  `json:"name"`
	Bytes     float64 `json:"bytes"`
	Limit     float64 `json:"limit"`
	Retention string  `json:"retention,omitempty"`
}

type diskView struct {
	Free   uint64 `json:"free"`
	Size   uint64 `json:"size"`
	Scarce bool   `json:"scarce"`
	Full   string `json:"full,omitempty"`
}

func (a *App) serveStatusAPI(w http.ResponseWriter, _ *http.Request) {
	host, _ := os.Hostname()
	applied := a.parts.prom.Applied()
	answer := statusAnswer{
		Host: host, Version: Version(), Revision: version.GetRevision(), Started: a.started, Embedded: Upstreams(),
		Files: []statusFile{{"Prometheus", applied.Source}}, QueryLog: applied.GlobalConfig.QueryLogFile,
	}
	states := a.group.States()
	for i, v := range a.partViews() {
		answer.Parts = append(answer.Parts, statusPart{Name: v.Name, Phase: v.Phase, Since: states[i].Since, Says: v.Says})
	}
	gauges := a.gauges()
	retention := applied.StorageConfig.TSDBConfig.Retention
	metrics := storageView{Name: "metrics", Limit: float64(retention.Size), Bytes: gauges["prometheus_tsdb_storage_blocks_bytes"] + gauges["prometheus_tsdb_head_chunks_storage_size_bytes"] + gauges["prometheus_tsdb_wal_storage_size_bytes"]}
	if retention.Time > 0 {
		metrics.Retention = retention.Time.String()
	}
	answer.Storage = append(answer.Storage, metrics)
	if a.parts.loki != nil {
		answer.Storage = append(answer.Storage, storageView{Name: "logs", Bytes: gauges["ausguck_loki_storage_bytes"], Limit: gauges["ausguck_loki_storage_limit_bytes"], Retention: a.options.Logs.Store.RetentionTime.String()})
	}
	answer.Disk.Free, answer.Disk.Size, answer.Disk.Scarce = a.parts.disk.Space()
	if err := a.parts.disk.Full(); err != nil {
		answer.Disk.Full = err.Error()
	}
	writeJSON(w, http.StatusOK, answer)
}

// gauges are the values of our own gauges without labels, by name.
func (a *App) gauges() map[string]float64 {
	families, err := a.parts.gatherer.Gather()
	if err != nil { // what could be gathered is there all the same
		a.options.Logger.Debug("Not all metrics for the status page", "err", err)
	}
	values := map[string]float64{}
	for _, f := range families {
		if f.GetType() == dto.MetricType_GAUGE && len(f.GetMetric()) == 1 {
			values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return values
}

// serveReloadAPI reloads for the page, which shows each problem as `check` prints it.
func (a *App) serveReloadAPI(w http.ResponseWriter, _ *http.Request) {
	problems := []string{}
	if err := a.Reload(); err != nil {
		var config *ConfigError
		if errors.As(err, &config) {
			for _, p := range config.Problems {
				problems = append(problems, p.Error())
			}
		} else {
			problems = append(problems, err.Error())
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"reloaded": len(problems) == 0, "problems": problems})
}

// queryLogTail is how much of the end of the query log is read.
const queryLogTail = 256 << 10

// serveQueryLog answers with the newest entries of the query log, the newest first.
func (a *App) serveQueryLog(w http.ResponseWriter, _ *http.Request) {
	entries := []json.RawMessage{}
	file := a.parts.prom.Applied().GlobalConfig.QueryLogFile
	if file != "" {
		var err error
		if entries, err = lastEntries(file); err != nil {
			writeJSON(w, http.StatusInternalServerError, map[string]string{"message": "read the query log: " + err.Error()})
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"file": file, "entries": entries})
}

// lastEntries reads the JSON lines at the end of a file, the last first. A line that is cut is left out.
func lastEntries(file string) ([]json.RawMessage, error) {
	entries := []json.RawMessage{}
	f, err := os.Open(file)
	if err != nil {
		return entries, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return entries, err
	}
	if _, err := f.Seek(max(0, info.Size()-queryLogTail), io.SeekStart); err != nil {
		return entries, err
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, queryLogTail)
	for lines.Scan() {
		if line := lines.Bytes(); json.Valid(line) && len(line) > 0 && line[0] == '{' {
			entries = append([]json.RawMessage{append(json.RawMessage(nil), line...)}, entries...)
		}
	}
	return entries, lines.Err()
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone when it fails
}

// serveConfiguration answers with the files of logs as they were loaded, which no standard API shows, without secrets.
func (a *App) serveConfiguration(w http.ResponseWriter, _ *http.Request) {
	files := map[string]string{}
	if a.parts.loki != nil {
		files["loki.yml"] = redact.YAML(a.parts.loki.Applied().Text())
	}
	if a.parts.collector != nil {
		files["promtail.yml"] = redact.YAML(a.parts.collector.Applied().Text())
	}
	writeJSON(w, http.StatusOK, files)
}
