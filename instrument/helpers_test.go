package instrument_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ausguck/ausguck/instrument"
)

// page returns the metrics of the service in the format of the Accept header.
func page(t *testing.T, s *instrument.Service, accept string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	s.MetricsHandler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// value returns the value of a series as formatted in the response, -1 if it does not exist.
func value(t *testing.T, s *instrument.Service, series string) float64 {
	t.Helper()
	for line := range strings.Lines(page(t, s, "text/plain")) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return -1
}

func wantValue(t *testing.T, s *instrument.Service, series string, want float64) {
	t.Helper()
	if got := value(t, s, series); got != want {
		t.Errorf("%s is %v, want %v", series, got, want)
	}
}

// seriesOf returns all series of a family without their values.
func seriesOf(t *testing.T, s *instrument.Service, family string) (all []string) {
	t.Helper()
	for line := range strings.Lines(page(t, s, "text/plain")) {
		if strings.HasPrefix(line, family+"{") || strings.HasPrefix(line, family+" ") {
			all = append(all, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return all
}

// eventually waits for a condition that another goroutine fulfills.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		case <-tick.C:
		}
	}
}
