// Command pie releases pages of its file and continues; TestPositionIndependent builds it as a position-independent program.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"

	"github.com/ausguck/ausguck/internal/programpages"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // after the first time
	programpages.Run(ctx, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
	runtime.GC()
	text, err := json.Marshal(map[string]any{"status": http.StatusText(http.StatusTeapot), "type": fmt.Sprintf("%T", http.DefaultTransport)})
	fmt.Println(string(text), err)
}
