package logbridge_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/klog/v2"

	"github.com/ausguck/ausguck/internal/logbridge"
)

func TestKlogReachesSlog(t *testing.T) {
	for name, tc := range map[string]struct {
		level    slog.Level
		contains []string
		lacks    []string
	}{
		"at info":  {slog.LevelInfo, []string{"level=ERROR msg=broken"}, []string{"step done", "low on files"}},
		"at debug": {slog.LevelDebug, []string{"level=DEBUG msg=\"step done\"", "level=DEBUG msg=\"low on files\"", "level=ERROR"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			logbridge.ClaimKlog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: tc.level})))
			t.Cleanup(klog.ClearLogger)
			klog.Info("step done")
			klog.Warning("low on files")
			klog.Error("broken")
			klog.Flush()
			for _, s := range tc.contains {
				require.Contains(t, out.String(), s)
			}
			for _, s := range tc.lacks {
				require.NotContains(t, out.String(), s)
			}
		})
	}
}
