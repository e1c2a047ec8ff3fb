package durable

import (
	"encoding/json"
	"regexp"
)

// secretName is the name of a field that people should not be shown.
var secretName = regexp.MustCompile(`(?i)(token|secret|passw|credential|authori[sz]ation|api_?key|private_?key|cookie|dsn)`)

// secretText is a text that carries a password or a token with it.
var secretText = regexp.MustCompile(`(?i)(://[^/@\s:]+:)[^/@\s]+(@)|(bearer |basic )[a-z0-9+/=._~-]+`)

// removed stands in place of a secret.
const removed = "[removed]"

// Redacted is what was written down of a step, for people: fields that by their names are
// secrets, and passwords within texts, are removed.
func Redacted(raw json.RawMessage) json.RawMessage {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	clean, err := json.Marshal(redact(v))
	if err != nil {
		return nil
	}
	return clean
}

func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if secretName.MatchString(name) {
				v[name] = removed
			} else {
				v[name] = redact(inner)
			}
		}
	case []any:
		for i, inner := range v {
			v[i] = redact(inner)
		}
	case string:
		return secretText.ReplaceAllString(v, "${1}${3}"+removed+"${2}")
	}
	return v
}
