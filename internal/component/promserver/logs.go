package promserver

import (
	"log/slog"
	"regexp"
	"time"
)

// repeatEvery is how often the same message is logged again. Service discovery logs an error at each refresh, every few
// seconds, as long as its source is unavailable: a machine without Docker would log it 17,000 times a day.
const repeatEvery = time.Hour

const rejectedMessage = "Append failed"

// raiseRejections logs scrapes that are rejected entirely as warnings, which upstream logs only at the debug level:
// their targets are down, and the reason names the series and the label that are too long.
func raiseRejections(r slog.Record) slog.Record {
	if r.Level == slog.LevelDebug && r.Message == rejectedMessage {
		r.Level, r.Message = slog.LevelWarn, "Scrape rejected: none of its samples is stored"
	}
	return r
}

var urlPassword = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`)

// hidePassword hides passwords and parameters in URLs: upstream logs the address of remote write as it is in the file,
// and that of a target in errors. The log is collected, and users who may read it may not be allowed to read the file.
func hidePassword(a slog.Attr) slog.Attr {
	if _, failed := a.Value.Any().(error); failed || a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(hideParams(urlPassword.ReplaceAllString(a.Value.String(), "${1}xxxxx@")))
	}
	return a
}
