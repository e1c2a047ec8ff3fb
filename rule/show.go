package rule

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/rete"
)

// export gives a fact's value to callers: money and decimals as the root
// package has them.
func export(v any) any {
	switch x := v.(type) {
	case money:
		return x.m
	case number:
		return x.d
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = export(x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k := range x {
			out[k] = export(x[k])
		}
		return out
	}
	return v
}

// exportFields copies a fact's fields for callers.
func exportFields(fields rete.Fields) map[string]any {
	out := make(map[string]any, len(fields))
	for k, v := range fields {
		out[k] = export(v)
	}
	return out
}

// jsonValue makes a value fit for a transcript: times in RFC 3339, decimals as
// numbers, and what JSON cannot say as text.
func jsonValue(v any) any {
	switch x := v.(type) {
	case money:
		return x.m.String()
	case number:
		// All its digits: a float would round what was kept exact.
		return json.Number(x.d.String())
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return x.String()
	case []byte:
		return base64.StdEncoding.EncodeToString(x) // as convert reads it
	case float64:
		// JSON has no word for them, and a transcript must not fail at one fact.
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = jsonValue(x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k := range x {
			out[k] = jsonValue(x[k])
		}
		return out
	}
	return v
}

// plainText writes a value as a line of its own: texts without quotes.
func plainText(v any) string {
	if s, ok := jsonValue(v).(string); ok {
		return s
	}
	return show(v)
}

// show writes a value for people, in error messages and logs.
func show(v any) string {
	switch x := v.(type) {
	case string:
		return strconv.Quote(x)
	case json.Number:
		return x.String()
	case money:
		return x.m.String()
	case trimtab.Money:
		return x.String()
	}
	text, err := json.Marshal(jsonValue(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
