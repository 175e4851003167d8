package instrument_test

import (
	"context"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ausguck/ausguck/instrument"
)

var update = flag.Bool("update", false, "rewrite testdata/same.txt")

// The package for Node in js exports the same metrics for the same requests: js/test/same.test.ts reads the same two files.
func TestSameAsJS(t *testing.T) {
	s := instrument.New(instrument.Options{})
	arrived := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	mux.HandleFunc("/items", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, strings.Repeat("x", 1000))
	})
	mux.HandleFunc("GET /boom", func(w http.ResponseWriter, r *http.Request) { panic("mistake") })
	mux.HandleFunc("GET /hang", func(w http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; <-r.Context().Done() })
	server := httptest.NewUnstartedServer(s.Handler(mux))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // otherwise it asks again after the panic
	traffic, err := os.ReadFile(filepath.Join("testdata", "traffic.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(traffic)) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		ctx, leave := context.WithCancel(t.Context())
		var body io.Reader
		if len(fields) == 3 {
			size, err := strconv.Atoi(strings.TrimPrefix(fields[2], "+"))
			if err != nil {
				t.Fatal(err)
			}
			body = strings.NewReader(strings.Repeat("x", size))
			if fields[2][0] == '+' {
				body = io.MultiReader(body) // of unknown length
			}
		}
		request, err := http.NewRequestWithContext(ctx, fields[0], server.URL+fields[1], body)
		if err != nil {
			t.Fatal(err)
		}
		if fields[1] == "/hang" {
			go func() { <-arrived; leave() }()
		}
		if answer, err := client.Do(request); err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		} else if fields[1] != "/boom" && fields[1] != "/hang" {
			t.Fatal(err)
		}
		leave()
	}
	server.Close() // waits for the handlers
	eventually(t, "499", func() bool { return len(comparableLines(page(t, s, "text/plain"), "hang")) > 0 })

	got := strings.Join(comparableLines(page(t, s, "text/plain"), ""), "\n") + "\n"
	golden := filepath.Join("testdata", "same.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("-update rewrites %s; it has\n%s\nand /metrics has\n%s", golden, want, got)
	}
}

var (
	durations = regexp.MustCompile(`^(http_request_duration_seconds_bucket\{.*\}) .*`)
	differs   = regexp.MustCompile(`^http_request_duration_seconds_sum|^http_response_size_bytes.*route="/boom"`)
)

// comparableLines returns the sorted lines of http_ metrics that contain part, without what depends on time, and without the size of the
// page for a panic, which Express has and net/http does not.
func comparableLines(text, part string) (lines []string) {
	for line := range strings.Lines(text) {
		line = durations.ReplaceAllString(strings.TrimSuffix(line, "\n"), "$1")
		if strings.Contains(line, "http_") && strings.Contains(line, part) && !differs.MatchString(line) && !strings.Contains(line, "promhttp_") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}
