package prober

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// module returns the module that tests what the probe expects, as an entry of blackbox.yml; nil if it names one.
func (p *Probe) module(t target) (map[string]any, error) {
	e := p.Expect
	response := len(e.Status) > 0 || e.Text != "" || e.NotText != "" || len(e.JSON) > 0 || e.Answer != ""
	if p.Module != "" {
		if response {
			return nil, fmt.Errorf("expect: the module %q decides about the response; remove it, or the fields of expect other than max_duration, certificate_days and domain_days", p.Module)
		}
		return nil, nil
	}
	if t.prober != "http" && (len(e.Status) > 0 || len(e.JSON) > 0) {
		return nil, errors.New("expect: status and json are for http:// and https:// only")
	}
	if t.prober != "dns" && e.Answer != "" {
		return nil, errors.New("expect: answer is for dns:// only")
	}
	if t.prober != "http" && t.prober != "tcp" && (e.Text != "" || e.NotText != "") || t.prober == "tcp" && e.NotText != "" {
		return nil, errors.New("expect: text is for http://, https://, tcp:// and tls:// only, and not_text for http:// and https:// only")
	}
	if len(e.JSON) > 0 && (e.Text != "" || e.NotText != "") { // upstream reads the body once
		return nil, errors.New("expect: json cannot be combined with text and not_text; list the target twice")
	}
	for field, pattern := range map[string]string{"text": e.Text, "not_text": e.NotText, "answer": e.Answer} {
		if _, err := regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("expect: %s: %w", field, err)
		}
	}
	settings := map[string]any{"preferred_ip_protocol": "ip4"} // with a fallback to IPv6
	switch t.prober {
	case "http":
		if err := e.http(settings); err != nil {
			return nil, err
		}
	case "tcp":
		if t.tls {
			settings["tls"] = true
		}
		if e.Text != "" {
			settings["query_response"] = []any{map[string]any{"expect": e.Text}}
		}
	case "grpc":
		settings["tls"] = t.tls
		if t.path != "" {
			settings["service"] = t.path
		}
	case "dns":
		settings["query_name"], settings["query_type"] = t.path, "A"
		if kind := t.query.Get("type"); kind != "" {
			settings["query_type"] = strings.ToUpper(kind)
		}
		if e.Answer != "" {
			settings["validate_answer_rrs"] = map[string]any{"fail_if_none_matches_regexp": []string{e.Answer}}
		}
	}
	return map[string]any{"prober": t.prober, t.prober: settings}, nil
}

// http adds what is expected of an HTTP response.
func (e Expect) http(settings map[string]any) error {
	codes, err := statusCodes(e.Status)
	if err != nil {
		return fmt.Errorf("expect: status: %w", err)
	}
	if len(codes) > 0 {
		settings["valid_status_codes"] = codes
		if !slices.ContainsFunc(codes, func(code int) bool { return code < 300 || code > 399 }) {
			settings["follow_redirects"] = false // a redirect is what is expected
		}
	}
	if e.Text != "" {
		settings["fail_if_body_not_matches_regexp"] = []string{e.Text}
	}
	if e.NotText != "" {
		settings["fail_if_body_matches_regexp"] = []string{e.NotText}
	}
	if len(e.JSON) > 0 {
		condition, err := jsonCondition(e.JSON)
		if err != nil {
			return fmt.Errorf("expect: json: %w", err)
		}
		settings["fail_if_body_json_not_matches_cel"] = condition
	}
	return nil
}

var statusClass = regexp.MustCompile(`^([1-5])[xX]{2}$`)

// statusCodes expands classes such as 2xx.
func statusCodes(list []string) (codes []int, err error) {
	for _, s := range list {
		if m := statusClass.FindStringSubmatch(s); m != nil {
			for i := range 100 {
				codes = append(codes, int(m[1][0]-'0')*100+i)
			}
			continue
		}
		code, err := strconv.Atoi(s)
		if err != nil || code < 100 || code > 599 {
			return nil, fmt.Errorf("%q is neither a status code nor a class such as 2xx", s)
		}
		codes = append(codes, code)
	}
	return codes, nil
}

var (
	pathStep = regexp.MustCompile(`^(?:\.?([A-Za-z_$][\w$-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\])`)
	pathRoot = regexp.MustCompile(`^\$\.?`)
)

// jsonCondition returns a CEL expression that is true if the body has each value at its path. Paths are those of JSONPath
// without filters and wildcards.
func jsonCondition(values map[string]any) (string, error) {
	var terms []string
	for _, path := range slices.Sorted(maps.Keys(values)) {
		value, err := celLiteral(values[path])
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		at := "body"
		rest := pathRoot.ReplaceAllString(path, "")
		for rest != "" {
			m := pathStep.FindStringSubmatch(rest)
			if m == nil {
				return "", fmt.Errorf(`%q is not a path such as status, checks.db.status, items[0].id or ["key with spaces"]`, path)
			}
			switch {
			case m[1] != "":
				at += "[" + strconv.Quote(m[1]) + "]"
			case m[2] != "":
				at += "[" + m[2] + "]"
			default:
				at += "[" + strconv.Quote(m[3]+m[4]) + "]"
			}
			rest = rest[len(m[0]):]
		}
		terms = append(terms, at+" == "+value)
	}
	return strings.Join(terms, " && "), nil
}

func celLiteral(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "null", nil
	case string:
		return strconv.Quote(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.FormatFloat(float64(v), 'f', 1, 64), nil // JSON's numbers are doubles
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text, nil
	}
	return "", errors.New("the value is not a string, number, boolean or null")
}
