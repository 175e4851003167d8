package promserver

import (
	"fmt"

	"github.com/alecthomas/units"
	"github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"
)

// maxScrapeBody is the largest answer of a target that is read, unpacked: a label value of 16 MiB makes upstream panic, in a
// goroutine of its own (prometheus#16525), and none can be longer than the answer that it is in.
const maxScrapeBody = 15 << 20

// limitKeys are the limits of a scrape that prometheus.yml may set.
type limitKeys struct {
	SampleLimit           *yaml.Node `yaml:"sample_limit"`
	BodySizeLimit         *yaml.Node `yaml:"body_size_limit"`
	LabelLimit            *yaml.Node `yaml:"label_limit"`
	LabelNameLengthLimit  *yaml.Node `yaml:"label_name_length_limit"`
	LabelValueLengthLimit *yaml.Node `yaml:"label_value_length_limit"`
}

// fillLimits gives every scrape that the file does not limit the default limits. A limit of 0 is one that the file sets, and
// none, as in upstream. Jobs in scrape_config_files take the limits of the global section when upstream reads them. It returns
// what a person should know.
func (l *Loader) fillLimits(src Source, cfg *config.Config) (warnings []string) {
	var set struct {
		Global limitKeys   `yaml:"global"`
		Jobs   []limitKeys `yaml:"scrape_configs"`
	}
	_ = yaml.Unmarshal(src.Content, &set) // upstream has read it
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

// capBody makes a limit one that upstream outlives, and reports whether it was not.
func capBody(limit *units.Base2Bytes) bool {
	if *limit > 0 && *limit <= maxScrapeBody {
		return false
	}
	*limit = maxScrapeBody
	return true
}

// withCappedFiles returns cfg with the jobs of its scrape_config_files in it, capped as the others are.
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

// fill sets a limit that the file does not.
func fill[T comparable](limit *T, key *yaml.Node, value T) {
	var none T
	if *limit == none && key == nil {
		*limit = value
	}
}
