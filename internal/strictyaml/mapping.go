package strictyaml

import (
	"slices"
	"strings"
)

// Entry is one key of a mapping with its value.
type Entry struct{ Key, Value Node }

// Entries are the keys and values of a mapping whose keys are free, in the
// order of the file. A key that stands twice is an error; the first one counts.
func (n Node) Entries() []Entry {
	if n.IsZero() {
		return nil
	}
	if n.Kind() != Mapping {
		n.want("a mapping of keys to values")
		return nil
	}
	entries := make([]Entry, 0, len(n.y.Content)/2)
	first := make(map[string]Node, len(n.y.Content)/2)
	for i := 0; i+1 < len(n.y.Content); i += 2 {
		key, value := Node{n.f, n.y.Content[i]}, Node{n.f, n.y.Content[i+1]}
		name, ok := key.keyName()
		if !ok {
			continue
		}
		if before, twice := first[name]; twice {
			line, _ := before.Pos()
			key.Errorf("key %q stands twice; it was first given on line %d", shorten(name), line)
			continue
		}
		first[name] = key
		entries = append(entries, Entry{key, value})
	}
	return entries
}

// keyName is the text of a key.
func (n Node) keyName() (string, bool) {
	name, ok := n.scalar("a key")
	if ok && n.y.Tag == "!!merge" {
		n.Errorf("merge keys are not allowed here").WithHint("write the keys out")
		return "", false
	}
	return name, ok
}

// Fields is a mapping with known keys.
type Fields struct {
	Node
	keys   map[string]Node
	values map[string]Node
	order  []string
	// misspelt are known keys that an unknown one was taken for: they are not
	// reported as missing on top.
	misspelt []string
}

// Fields reads the node as a mapping that may have the known keys and no other.
// An absent node has no fields and is no error.
func (n Node) Fields(known ...string) Fields {
	fs := Fields{Node: n, keys: map[string]Node{}, values: map[string]Node{}}
	for _, e := range n.Entries() {
		name := e.Key.Text()
		if !slices.Contains(known, name) {
			fs.misspelt = append(fs.misspelt, e.Key.unknownKey(name, known))
			continue
		}
		fs.keys[name], fs.values[name] = e.Key, e.Value
		fs.order = append(fs.order, name)
	}
	return fs
}

// unknownKey notes a key that is not known and gives the nearest one that is.
func (n Node) unknownKey(name string, known []string) string {
	if n.f != nil && n.f.Full() {
		return ""
	}
	d := n.Errorf("unknown key %q", shorten(name)).Suggest(name, known)
	if d.Nearest == "" {
		d.WithHint("known here: %s", strings.Join(known, ", "))
	}
	return d.Nearest
}

// Get is the value of a key, the zero Node if it is not given.
func (fs Fields) Get(key string) Node { return fs.values[key] }

// Need is the value of a key that must be given and not be null.
func (fs Fields) Need(key string) Node {
	v, ok := fs.values[key]
	switch {
	case ok && v.Kind() == Null:
		v.Errorf("%q needs a value", key)
		return Node{}
	case !ok && fs.Kind() == Mapping && !slices.Contains(fs.misspelt, key):
		fs.Errorf("%q is missing", key)
	}
	return v
}

// Has reports whether the key is given.
func (fs Fields) Has(key string) bool {
	_, ok := fs.values[key]
	return ok
}

// Key is the node of the key itself, for saying something about it.
func (fs Fields) Key(key string) Node { return fs.keys[key] }

// Names are the keys that are given, in the order of the file.
func (fs Fields) Names() []string { return fs.order }
