package promserver

import (
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// featureSet holds the names passed to --enable-feature.
type featureSet map[string]bool

// The names that stock Prometheus of this version knows, by what each does if it is set here.
var (
	permanentFeatures = []string{
		"auto-reload-config", "exemplar-storage", "native-histograms", "ooo-native-histograms", "old-ui",
	}
	knownFeatures = []string{
		"concurrent-rule-eval", "created-timestamp-zero-ingestion", "delayed-compaction", "extra-scrape-metrics",
		"fast-startup", "memory-snapshot-on-shutdown", "metadata-wal-records", "otlp-deltatocumulative",
		"otlp-native-delta-ingestion", "promql-binop-fill-modifiers", "promql-delayed-name-removal",
		"promql-duration-expr", "promql-experimental-functions", "promql-extended-range-selectors",
		"promql-per-step-stats", "search-api", "st-storage", "st-synthesis", "type-and-unit-labels",
		"use-start-timestamps", "use-uncached-io", "xor2-encoding",
	}
)

func parseFeatures(lists []string, logger *slog.Logger) (featureSet, error) {
	set := featureSet{}
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			switch {
			case name == "":
			case slices.Contains(knownFeatures, name):
				set[name] = true
				logger.Info("Experimental feature enabled", "feature", name)
			case slices.Contains(permanentFeatures, name):
				logger.Info("Feature needs no flag here", "feature", name)
			default:
				logger.Warn("Ignoring an unknown feature; see --help for the names", "feature", name)
			}
		}
	}
	if set["otlp-deltatocumulative"] && set["otlp-native-delta-ingestion"] {
		return nil, errors.New("--enable-feature takes only one of otlp-deltatocumulative and otlp-native-delta-ingestion")
	}
	if set["use-uncached-io"] && !fileutil.UncachedIOSupported() {
		return nil, errors.New("--enable-feature=use-uncached-io is not supported on this system")
	}
	return set, nil
}

func (f featureSet) parserOptions() parser.Options {
	return parser.Options{
		EnableExperimentalFunctions:  f["promql-experimental-functions"],
		ExperimentalDurationExpr:     f["promql-duration-expr"],
		EnableExtendedRangeSelectors: f["promql-extended-range-selectors"],
		EnableBinopFillModifiers:     f["promql-binop-fill-modifiers"],
	}
}
