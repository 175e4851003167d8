package otlp

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// maxText bounds the reason for a rejection.
const maxText = 4 << 10

// answer is the response to an export, regardless of its transport.
type answer struct {
	// code is the HTTP status; senders retry only after 429, 502, 503 and 504.
	code int
	// text is why it was rejected.
	text string
	// retryAfter is when to retry, in seconds.
	retryAfter    string
	rejectedSpans int64
}

func refused(code int, text string) answer {
	if code == http.StatusInsufficientStorage { // senders would treat it as permanent, and a full disk is temporary
		code = http.StatusServiceUnavailable
	}
	return answer{code: code, text: text}
}

// textOf returns the reason in a handler's response: text, or a google.rpc.Status as Loki sends it.
func textOf(content []byte) string {
	s := status.New(codes.Unknown, "").Proto()
	if len(content) > 0 && content[0] == 2<<3|2 && proto.Unmarshal(content, s) == nil && s.GetMessage() != "" {
		content = []byte(s.GetMessage())
	}
	return strings.ToValidUTF8(string(bytes.TrimSpace(content)), string(utf8.RuneError))
}

// success is the message for an accepted request, of the signal's type. It is empty if nothing was rejected.
func (a answer) success(media string) ([]byte, error) {
	if a.rejectedSpans == 0 && media == jsonType {
		return []byte("{}"), nil
	}
	if a.rejectedSpans == 0 {
		return nil, nil
	}
	res := ptraceotlp.NewExportResponse()
	res.PartialSuccess().SetRejectedSpans(a.rejectedSpans)
	res.PartialSuccess().SetErrorMessage(whyNoSpans)
	if media == jsonType {
		return res.MarshalJSON()
	}
	return res.MarshalProto()
}

// write responds over HTTP, in the format of the request.
func (a answer) write(w http.ResponseWriter, media string) {
	if media != jsonType {
		media = protobuf
	}
	var content []byte
	var err error
	switch {
	case a.code == http.StatusOK:
		content, err = a.success(media)
	case media == jsonType:
		content, err = protojson.Marshal(a.status().Proto())
	default:
		content, err = proto.Marshal(a.status().Proto())
	}
	if err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	if after := a.after(); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(a.code)
	_, _ = w.Write(content) // the client is gone
}

// after is when a sender may retry, 0 if the same would be rejected again.
func (a answer) after() time.Duration {
	switch a.code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
	default:
		return 0
	}
	seconds, err := strconv.Atoi(cmp.Or(a.retryAfter, "1"))
	if err != nil || seconds < 1 {
		seconds = 1
	}
	return time.Duration(seconds) * time.Second
}

// codeOf maps HTTP status codes to gRPC codes. Senders retry after Unavailable, and few of the others.
var codeOf = map[int]codes.Code{
	http.StatusBadRequest:            codes.InvalidArgument,
	http.StatusUnauthorized:          codes.Unauthenticated,
	http.StatusForbidden:             codes.PermissionDenied,
	http.StatusNotFound:              codes.Unimplemented,
	http.StatusMethodNotAllowed:      codes.Unimplemented,
	http.StatusRequestEntityTooLarge: codes.ResourceExhausted,
	http.StatusUnsupportedMediaType:  codes.Unimplemented,
	http.StatusTooManyRequests:       codes.Unavailable,
	http.StatusInternalServerError:   codes.Internal,
	http.StatusBadGateway:            codes.Unavailable,
	http.StatusServiceUnavailable:    codes.Unavailable,
	http.StatusGatewayTimeout:        codes.Unavailable,
}

// status is a rejection as google.rpc.Status, with when to retry.
func (a answer) status() *status.Status {
	code, known := codeOf[a.code]
	if !known {
		code = codes.Unknown
	}
	s := status.New(code, cmp.Or(a.text, http.StatusText(a.code)))
	if after := a.after(); after > 0 {
		if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)}); err == nil {
			return detailed
		}
	}
	return s
}
