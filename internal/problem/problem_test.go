package problem

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlain(t *testing.T) {
	for reason, want := range map[string]string{
		"field scrape_intervall not found in type config.plain": "scrape_intervall: unknown field",
		"field ec2_sd_configs not found in type config.plain":   "ec2_sd_configs: this service discovery is not built in; use file_sd_configs or http_sd_configs",
		"cannot unmarshal !!str `hunter2...` into config.plain": "must be a section with fields, not a text",
		"cannot unmarshal !!map into []*config.ScrapeConfig":    "must be a list, not a section with fields",
		"cannot unmarshal !!str `many` into uint":               "cannot unmarshal !!str `many` into uint",
		"yaml: did not find expected '-' indicator":             "did not find expected '-' indicator",
		`not a valid duration string: "soon"`:                   `not a valid duration string: "soon"`,
	} {
		require.Equal(t, want, Plain(reason))
	}
}
