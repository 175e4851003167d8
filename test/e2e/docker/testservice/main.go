// Command testservice is the program in the containers of the end-to-end tests. It imports only the standard library,
// so that it builds in a second and its image is FROM scratch.
//
// PORTS (default 8080) lists the ports to listen on, METRICS_PATH (default /metrics) is the path of the page with
// series, and BURN_CPU (default 0) is the share of one core that it uses. LOG_RATE (default 0) is the number of lines
// per second that it writes until SIGTERM, with "total=N" as the last one; with LOG_LINES (default 0) it writes that
// many lines at once and exits after LOG_LASTS milliseconds (default 0). After SIGUSR1 it no longer listens, but goes on to run.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if lines := number("LOG_LINES"); lines > 0 {
		for n := range lines {
			fmt.Printf("last words %d\n", n)
		}
		time.Sleep(time.Duration(number("LOG_LASTS")) * time.Millisecond)
		return
	}
	var requests atomic.Uint64
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+env("METRICS_PATH", "/metrics"), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "# TYPE testservice_requests_total counter\ntestservice_requests_total %d\n", requests.Add(1))
		fmt.Fprintf(w, "# TYPE testservice_info gauge\ntestservice_info{hostname=%q} 1\n", hostname())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })

	deaf := make(chan os.Signal, 1)
	signal.Notify(deaf, syscall.SIGUSR1)
	server := &http.Server{Handler: mux}
	for _, port := range strings.Split(env("PORTS", "8080"), ",") {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			log.Fatalf("listen on %s: %v", port, err)
		}
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				log.Fatal(err)
			}
		}()
	}
	go func() {
		<-deaf
		_ = server.Close()
	}()
	share, err := strconv.ParseFloat(env("BURN_CPU", "0"), 64)
	if err != nil || share < 0 || share > 1 {
		log.Fatalf("BURN_CPU: want a number from 0 to 1, have %q", os.Getenv("BURN_CPU"))
	}
	if share > 0 {
		go burn(share)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, os.Interrupt)
	if rate := number("LOG_RATE"); rate > 0 {
		writeLines(rate, ended)
		return
	}
	<-ended
}

// writeLines writes lines at a rate: every tenth one to standard error, every thousandth one longer than Docker stores
// as a whole.
func writeLines(rate int, ended <-chan os.Signal) {
	out, failures := bufio.NewWriterSize(os.Stdout, 64<<10), bufio.NewWriter(os.Stderr)
	tick := time.NewTicker(10 * time.Millisecond)
	begun, n := time.Now(), 0
	for {
		select {
		case <-tick.C:
		case <-ended:
			fmt.Fprintf(out, "total=%d\n", n+1)
			_ = out.Flush()
			return
		}
		for due := int(time.Since(begun).Seconds() * float64(rate)); n < due; n++ {
			switch {
			case n%1000 == 500:
				fmt.Fprintf(out, "level=info seq=%d long=%s end\n", n, strings.Repeat("x", 40<<10))
			case n%10 == 0:
				fmt.Fprintf(failures, "level=error seq=%d msg=\"no route to host\"\n", n)
			default:
				fmt.Fprintf(out, "level=info seq=%d msg=\"served\" user=Jürgen took=%dms\n", n, n%977)
			}
		}
		_ = out.Flush()
		_ = failures.Flush()
	}
}

func number(name string) int {
	n, err := strconv.Atoi(env(name, "0"))
	if err != nil || n < 0 {
		log.Fatalf("%s: want a number, have %q", name, os.Getenv(name))
	}
	return n
}

// burn uses the CPU for its share of every tenth of a second.
func burn(share float64) {
	const slice = 100 * time.Millisecond
	for {
		begun := time.Now()
		for n := uint64(1); time.Since(begun) < time.Duration(share*float64(slice)); n++ {
			_ = n * n
		}
		time.Sleep(slice - time.Since(begun))
	}
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func hostname() string {
	h, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return h
}
