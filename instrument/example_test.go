package instrument_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/ausguck/ausguck/instrument"
)

func Example() {
	service := instrument.New(instrument.Options{Service: "gateway"})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, r.PathValue("id")) })
	log.Fatal(http.ListenAndServe(":3001", service.Handler(mux)))
}

func ExampleService() {
	service := instrument.New(instrument.Options{Service: "gateway", StartTraces: true})
	logger := slog.New(service.LogHandler(slog.NewJSONHandler(os.Stderr, nil)))
	client := &http.Client{Transport: service.Transport(nil, instrument.Calls{Name: "orchestrator"})}
	service.AddCheck("orchestrator", func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://agent-orchestrator:7071/healthz", nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
	webhooks := service.Counter("ado_webhooks_total", "Total ADO webhooks received", "event_type", "status")

	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		webhooks.WithLabelValues("git.push", "accepted").Inc()
		logger.InfoContext(r.Context(), "Webhook accepted")
	})
	log.Fatal(http.ListenAndServe(":3001", service.Handler(mux)))
}
