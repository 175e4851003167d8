package e2e

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	"github.com/stretchr/testify/require"
)

// seededStep is the interval between two samples of seeded data.
const seededStep = 15 * time.Second

// tryWrite sends series by remote write 1.0 and returns the status and the body of the response.
func (s *server) tryWrite(series ...prompb.TimeSeries) (int, string, error) {
	content, err := (&prompb.WriteRequest{Timeseries: series}).Marshal()
	if err != nil {
		return 0, "", err
	}
	return s.post("/api/v1/write", map[string]string{
		"Content-Type":                      "application/x-protobuf",
		"Content-Encoding":                  "snappy",
		"X-Prometheus-Remote-Write-Version": "0.1.0",
	}, snappy.Encode(nil, content))
}

// write sends series by remote write 1.0, which must be accepted.
func (s *server) write(t *testing.T, series ...prompb.TimeSeries) {
	t.Helper()
	status, body, err := s.tryWrite(series...)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, status, body)
}

// post sends a body and returns the status and the body of the response.
func (s *server) post(path string, header map[string]string, content []byte) (int, string, error) {
	request, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(content))
	if err != nil {
		return 0, "", err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	body, err := readAll(response.Body)
	return response.StatusCode, body, err
}

// oneSample is a series with a single sample.
func oneSample(name string, at time.Time, value float64, labels ...string) prompb.TimeSeries {
	series := prompb.TimeSeries{
		Labels:  []prompb.Label{{Name: "__name__", Value: name}},
		Samples: []prompb.Sample{{Timestamp: at.UnixMilli(), Value: value}},
	}
	for i := 0; i < len(labels); i += 2 {
		series.Labels = append(series.Labels, prompb.Label{Name: labels[i], Value: labels[i+1]})
	}
	return series
}

// seed writes 20 counters with a sample every 15 s from begin to end, in order, so that complete blocks are cut along
// the way.
func (s *server) seed(t *testing.T, begin, end time.Time) {
	t.Helper()
	const perRequest = 20
	for at := begin; at.Before(end); at = at.Add(perRequest * seededStep) {
		var batch []prompb.TimeSeries
		for i := range 20 {
			series := oneSample("seeded_total", at, 0, "instance", strconv.Itoa(i), "parity", fmt.Sprint(i%2))
			series.Samples = nil
			for step := range time.Duration(perRequest) {
				when := at.Add(step * seededStep)
				if when.Before(end) {
					series.Samples = append(series.Samples, prompb.Sample{
						Timestamp: when.UnixMilli(), Value: seededValue(i, when),
					})
				}
			}
			batch = append(batch, series)
		}
		s.write(t, batch...)
	}
}

// seededValue is the value of a seeded counter at a time: it increases at its own rate and is reset every hour.
func seededValue(i int, at time.Time) float64 {
	return float64((i + 1) * (at.Minute()*60 + at.Second()))
}

// writeManySeries writes a sample for each of count series.
func (s *server) writeManySeries(t *testing.T, count int, at time.Time) {
	t.Helper()
	const perRequest = 5000
	for first := 0; first < count; first += perRequest {
		batch := make([]prompb.TimeSeries, 0, perRequest)
		for i := first; i < min(first+perRequest, count); i++ {
			batch = append(batch, oneSample("many_series", at, float64(i),
				"instance", strconv.Itoa(i/1000), "series", strconv.Itoa(i)))
		}
		s.write(t, batch...)
	}
}

// manySamples returns count series with one sample per second from a time on. Their values have little in common.
func manySamples(name string, count int, begin time.Time, samples int) []prompb.TimeSeries {
	batch := make([]prompb.TimeSeries, count)
	for i := range batch {
		batch[i] = oneSample(name, begin, 0, "series", strconv.Itoa(i))
		batch[i].Samples = make([]prompb.Sample, samples)
		for step := range batch[i].Samples {
			at := begin.Add(time.Duration(step) * time.Second).UnixMilli()
			batch[i].Samples[step] = prompb.Sample{Timestamp: at, Value: math.Sin(float64(at) + float64(i))}
		}
	}
	return batch
}
