package instrument_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ausguck/ausguck/instrument"
)

// naming is a handler with the mistake that the limit protects against.
var naming = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	instrument.SetRoute(w, r.URL.Path)
	if status, err := strconv.Atoi(r.URL.RawQuery); err == nil {
		w.WriteHeader(status)
	}
})

func TestSeriesAreCapped(t *testing.T) {
	s := instrument.New(instrument.Options{MaxSeries: 10})
	h := s.Handler(naming)
	var done sync.WaitGroup
	for worker := range 8 {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := range 500 {
				r := httptest.NewRequest("GET", fmt.Sprintf("/scan/%d/%d", worker, i), nil)
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		}()
	}
	done.Wait()
	if n := len(seriesOf(t, s, "http_requests_total")); n != 11 {
		t.Errorf("%d series, want 10 and the overflow", n)
	}
	wantValue(t, s, `http_requests_total{method="GET",route="overflow",status="200"}`, 3990)
	wantValue(t, s, "http_requests_overflow_total", 3990)

	// Existing series continue, and overflow keeps method and status.
	first := seriesOf(t, s, "http_requests_total")[0]
	_, rest, _ := strings.Cut(first, `route="`)
	path, _, _ := strings.Cut(rest, `"`)
	ask(t, h, "GET", path)
	wantValue(t, s, first, 2)
	ask(t, h, "DELETE", "/new?503")
	wantValue(t, s, `http_requests_total{method="DELETE",route="overflow",status="503"}`, 1)
}

// Whatever clients and handlers send, the number of series is limited.
func TestOverflowIsBoundedItself(t *testing.T) {
	s := instrument.New(instrument.Options{MaxSeries: 1})
	h := s.Handler(naming)
	for status := 200; status < 1000; status++ {
		ask(t, h, fmt.Sprintf("M%d", status), fmt.Sprintf("/%d?%d", status, status))
	}
	all := seriesOf(t, s, "http_requests_total")
	if len(all) > 80 {
		t.Errorf("%d series", len(all))
	}
	wantValue(t, s, `http_requests_total{method="other",route="overflow",status="5xx"}`, 100-11)
	wantValue(t, s, `http_requests_total{method="other",route="overflow",status="499"}`, 1)
	sum := 0.0
	for _, series := range all {
		sum += value(t, s, series)
	}
	if sum != 800 {
		t.Errorf("%v of 800 requests are counted", sum)
	}
}

func TestStatusesAreExactBelowTheCap(t *testing.T) {
	s := instrument.New(instrument.Options{})
	ask(t, s.Handler(naming), "GET", "/x?599")
	wantValue(t, s, `http_requests_total{method="GET",route="/x",status="599"}`, 1)
}

func FuzzLabels(f *testing.F) {
	s := instrument.New(instrument.Options{MaxSeries: 20})
	h := s.Handler(naming)
	f.Add("GET", "/", 200)
	f.Add("\xff", "/\xff\n\"", 999)
	f.Add("GET", "/\xfe\n\"", 999) // the same label
	f.Add("GET", "overflow", 200)
	f.Add("GET", "unknown", 200)
	f.Fuzz(func(t *testing.T, method, path string, status int) {
		if status < 200 || status > 999 {
			status = 200
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, strconv.Itoa(status)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if _, err := s.Registry().Gather(); err != nil {
			t.Error(err)
		}
		if n := len(seriesOf(t, s, "http_requests_total")); n > 20+10*80 {
			t.Errorf("%d series", n)
		}
	})
}
