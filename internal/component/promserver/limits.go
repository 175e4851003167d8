package promserver

import (
	"fmt"

	"github.com/alecthomas/units"
	"github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"
)

// maxScrapeBody is the maximum uncompressed size of a target's response: a label value of 16 MiB makes upstream panic,
// in its own goroutine (prometheus#16525), and a label value cannot be longer than the response that contains it.
const maxScrapeBody = 15 << 20

// limitKeys are the scrape limits that prometheus.yml may set.
type limitKeys struct {
	SampleLimit           *yaml.Node `yaml:"sample_limit"`
	BodySizeLimit         *yaml.Node `yaml:"body_size_limit"`
	LabelLimit            *yaml.Node `yaml:"label_limit"`
	LabelNameLengthLimit  *yaml.Node `yaml:"label_name_length_limit"`
	LabelValueLengthLimit *yaml.Node `yaml:"label_value_length_limit"`
}

// fillLimits applies the default limits to every scrape that the file does not limit. A limit of 0 is set by the file
// and means no limit, as in upstream. Jobs in scrape_config_files inherit the limits of the global section when
// upstream reads them. It returns warnings for the user.
func (l *Loader) fillLimits(src Source, cfg *config.Config) (warnings []string) {
	var set struct {
		Global limitKeys   `yaml:"global"`
		Jobs   []limitKeys `yaml:"scrape_configs"`
	}
	_ = yaml.Unmarshal(src.Content, &set) // upstream has parsed it before
	st, g := &l.set.Storage, &cfg.GlobalConfig
	fill(&g.SampleLimit, set.Global.SampleLimit, st.DefaultScrapeSampleLimit)
	fill(&g.BodySizeLimit, set.Global.BodySizeLimit, st.DefaultScrapeBodySizeLimit)
	fill(&g.LabelLimit, set.Global.LabelLimit, st.DefaultScrapeLabelLimit)
	fill(&g.LabelNameLengthLimit, set.Global.LabelNameLengthLimit, st.DefaultScrapeLabelNameLimit)
	fill(&g.LabelValueLengthLimit, set.Global.LabelValueLengthLimit, st.DefaultScrapeLabelValueLimit)
	capped := func(where string, limit *units.Base2Bytes) {
		if capBody(limit) {
			warnings = append(warnings, fmt.Sprintf("%s: %s: body_size_limit is reduced to %v, because Prometheus crashes on a label of 16 MiB (prometheus#16525)",
				src.Name, where, units.Base2Bytes(maxScrapeBody)))
		}
	}
	capped("global", &g.BodySizeLimit)
	for i, c := range cfg.ScrapeConfigs {
		var job limitKeys
		if i < len(set.Jobs) {
			job = set.Jobs[i]
		}
		fill(&c.SampleLimit, job.SampleLimit, g.SampleLimit)
		fill(&c.BodySizeLimit, job.BodySizeLimit, g.BodySizeLimit)
		fill(&c.LabelLimit, job.LabelLimit, g.LabelLimit)
		fill(&c.LabelNameLengthLimit, job.LabelNameLengthLimit, g.LabelNameLengthLimit)
		fill(&c.LabelValueLengthLimit, job.LabelValueLengthLimit, g.LabelValueLengthLimit)
		capped(fmt.Sprintf("job %q", c.JobName), &c.BodySizeLimit)
	}
	return warnings
}

// capBody lowers a limit to one that upstream survives, and reports whether it had to.
func capBody(limit *units.Base2Bytes) bool {
	if *limit > 0 && *limit <= maxScrapeBody {
		return false
	}
	*limit = maxScrapeBody
	return true
}

// withCappedFiles returns cfg with the jobs of its scrape_config_files included, capped like the others.
func withCappedFiles(cfg *config.Config) (*config.Config, error) {
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		return nil, err
	}
	for _, job := range jobs[len(cfg.ScrapeConfigs):] {
		capBody(&job.BodySizeLimit)
	}
	all := *cfg
	all.ScrapeConfigs, all.ScrapeConfigFiles = jobs, nil
	return &all, nil
}

// fill sets a limit that the file does not set.
func fill[T comparable](limit *T, key *yaml.Node, value T) {
	var none T
	if *limit == none && key == nil {
		*limit = value
	}
}
