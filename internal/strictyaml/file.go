package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Bounds of a file. A pack of 10,000 rules is about 5 MB.
const (
	MaxBytes = 16 << 20
	MaxDepth = 64
	// maxLine and maxFlow bound a line, and a file in braces: the YAML parser holds all
	// tokens of such at once.
	maxLine = 1 << 20
	maxFlow = 4 << 20
	// excerptWidth bounds the source line that a diagnostic shows.
	excerptWidth = 160
	// maxErrors are noted of a file; nobody reads more, and a file of 16 MB could
	// have millions.
	maxErrors = 1000
)

// File is one YAML file being read and what is wrong with it so far.
type File struct {
	name  string
	lines []string // without their ends
	said  Diagnostics
	// errors counts those that were noted and those that were not.
	errors int
	// The line that was looked at last, which may be all of the file. Places are also
	// asked for when rules run, by several goroutines.
	mu    sync.Mutex
	runes []rune
	at    int
}

// Open parses data. The root is the zero Node if the file cannot be parsed or
// is empty; the reason is then among the file's diagnostics already.
func Open(name string, data []byte) (*File, Node) {
	f := &File{name: name}
	if len(data) > MaxBytes {
		f.add(0, 0, Error, fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), MaxBytes))
		return f, Node{}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	f.lines = splitLines(string(data))
	if f.tooDense(data) {
		return f, Node{}
	}
	doc, ok := f.parse(data)
	if !ok {
		return f, Node{}
	}
	root := Node{f, doc.Content[0]}
	f.refuseSharing(root.y)
	return f, root
}

// tooDense refuses what the YAML parser would hold in memory token by token: a line
// as long as a file, and a large file in braces.
func (f *File) tooDense(data []byte) bool {
	if i := slices.IndexFunc(f.lines, func(l string) bool { return len(l) > maxLine }); i >= 0 {
		f.add(i+1, 1, Error, fmt.Sprintf("the line has %d bytes; at most %d are read of one", len(f.lines[i]), maxLine)).
			WithHint("write it as several lines")
		return true
	}
	if len(data) > maxFlow && (data[0] == '{' || data[0] == '[') {
		f.add(1, 1, Error, fmt.Sprintf("the file is in braces and has %d bytes; at most %d are read of such", len(data), maxFlow)).
			WithHint("write the outermost level without braces")
		return true
	}
	return false
}

// Name is the file's name as it was given.
func (f *File) Name() string { return f.name }

// Full reports whether the file has more errors than are told: whoever reads it may
// stop.
func (f *File) Full() bool { return f.errors > maxErrors }

// Diagnostics is everything said so far, sorted; the last tells if there are more
// errors than are told.
func (f *File) Diagnostics() Diagnostics {
	f.said.Sort()
	if !f.Full() {
		return f.said
	}
	rest := Diagnostic{File: f.name, Severity: Error, Message: fmt.Sprintf("there are more errors than these %d", maxErrors)}
	return append(slices.Clip(f.said), rest)
}

// Err is nil or the errors said so far, as Diagnostics.
func (f *File) Err() error { return f.Diagnostics().Err() }

// Line is the text of a line, counted from 1, "" outside the file.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	return f.lines[n-1]
}

// At notes something about a place of the file.
func (f *File) At(line, col int, s Severity, format string, args ...any) *Diagnostic {
	return f.add(line, col, s, fmt.Sprintf(format, args...))
}

// add notes a diagnostic and gives it back for a hint. The pointer is good
// until the next one is added.
func (f *File) add(line, col int, s Severity, message string) *Diagnostic {
	if s == Error {
		if f.errors++; f.errors > maxErrors {
			return &Diagnostic{}
		}
	}
	f.said = append(f.said, f.about(line, col, s, message))
	return &f.said[len(f.said)-1]
}

// about makes a diagnostic of a place.
func (f *File) about(line, col int, s Severity, message string) Diagnostic {
	d := Diagnostic{File: f.name, Line: line, Col: col, Severity: s, Message: message}
	if line > 0 && col > 0 {
		d.Excerpt, d.Caret = excerpt(f.lineRunes(line), col)
	}
	return d
}

// lineRunes are the characters of a line. A file may be one line, so the last is kept.
func (f *File) lineRunes(n int) []rune {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at != n {
		f.runes, f.at = []rune(f.Line(n)), n
	}
	return f.runes
}

// excerpt is the line around a column, and the column in it.
func excerpt(runes []rune, col int) (string, int) {
	if len(runes) <= excerptWidth {
		return string(runes), col
	}
	from := min(max(0, col-1-excerptWidth/2), len(runes)-excerptWidth)
	cut := string(runes[from : from+excerptWidth])
	if from == 0 {
		return cut + "…", col
	}
	return "…" + cut + "…", col - from + 1
}

// parse loads the only document.
func (f *File) parse(data []byte) (*yaml.Node, bool) {
	loader, err := yaml.NewLoader(bytes.NewReader(data),
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(MaxDepth))))
	if err != nil {
		f.syntax(err)
		return nil, false
	}
	var doc, second yaml.Node
	err = loader.Load(&doc)
	if errors.Is(err, io.EOF) || (err == nil && len(doc.Content) == 0) {
		f.add(1, 1, Error, "the file is empty")
		return nil, false
	}
	if err != nil {
		f.syntax(err)
		return nil, false
	}
	if err := loader.Load(&second); err == nil {
		f.add(second.Line, second.Column, Error, "a second YAML document begins here; only one is read")
	} else if !errors.Is(err, io.EOF) {
		f.syntax(err)
	}
	return &doc, true
}

// syntax notes an error of the YAML parser.
func (f *File) syntax(err error) {
	var many *yaml.LoadErrors
	if errors.As(err, &many) {
		for _, e := range many.Errors {
			f.syntaxOne(e)
		}
		return
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		f.syntaxOne(one)
		return
	}
	f.add(1, 1, Error, "YAML: "+err.Error())
}

func (f *File) syntaxOne(e *yaml.LoadError) {
	message := strings.TrimPrefix(e.Message, "yaml: ")
	if e.ContextMsg != "" {
		message = e.ContextMsg + ": " + message
	}
	f.add(max(e.Mark.Line, 1), max(e.Mark.Column, 1), Error, "YAML: "+message)
}

// refuseSharing notes every anchor and alias: what a file says stands where it
// is read, and no small file grows into a large one.
func (f *File) refuseSharing(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		f.add(n.Line, n.Column, Error, fmt.Sprintf("alias *%s: anchors and aliases are not allowed here", n.Value)).
			WithHint("write the value out")
		return
	}
	if n.Anchor != "" {
		f.add(n.Line, n.Column, Error, fmt.Sprintf("anchor &%s: anchors and aliases are not allowed here", n.Anchor))
	}
	for _, c := range n.Content {
		f.refuseSharing(c)
	}
}

// splitLines cuts text where YAML does.
func splitLines(text string) []string {
	text = lineEnds.Replace(text)
	return strings.Split(text, "\n")
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
