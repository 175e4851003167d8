package loki

import (
	"encoding/json"
	"net/http"
	"runtime"

	"github.com/ausguck/ausguck/internal/versions"
)

// serveBuildInfo serves /loki/api/v1/status/buildinfo, from which Grafana determines the features of the data
// source.
func serveBuildInfo(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, map[string]string{
		"version": versions.Loki(), "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": runtime.Version(),
	})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}
