package sandbox

import (
	"encoding/json"
	"html/template"
	"net/url"
	"strconv"
	"strings"
)

// shownText is rich text as a page shows it: a document as HTML, wiki text as it
// was written.
func shownText(kept json.RawMessage) template.HTML {
	var wiki string
	if json.Unmarshal(kept, &wiki) == nil {
		if wiki == "" {
			return ""
		}
		return template.HTML("<pre>" + template.HTMLEscapeString(wiki) + "</pre>")
	}
	var p part
	if json.Unmarshal(kept, &p) != nil {
		return ""
	}
	var b strings.Builder
	p.html(&b)
	return template.HTML(b.String())
}

// elements are the HTML elements of nodes that are no more than that.
var elements = map[string]string{
	"paragraph": "p", "bulletList": "ul", "orderedList": "ol", "listItem": "li", "blockquote": "blockquote", "table": "table", "tableRow": "tr",
	"tableCell": "td", "tableHeader": "th",
}

// html writes a node and what is inside. All text goes through escape; all else
// is from here.
func (p *part) html(b *strings.Builder) {
	switch p.Type {
	case "text":
		p.htmlText(b)
	case "hardBreak":
		b.WriteString("<br>")
	case "rule":
		b.WriteString("<hr>")
	case "heading":
		level, _ := p.Attrs["level"].(float64) // it was checked when it came
		p.inside(b, "h"+strconv.Itoa(int(max(level, 3))))
	case "codeBlock":
		b.WriteString("<pre>")
		p.children(b)
		b.WriteString("</pre>")
	case "panel":
		b.WriteString(`<div class="panel">`)
		p.children(b)
		b.WriteString("</div>")
	default:
		if element := elements[p.Type]; element != "" {
			p.inside(b, element)
			return
		}
		p.htmlInline(b)
		p.children(b)
	}
}

// children writes what is inside of a node.
func (p *part) children(b *strings.Builder) {
	for i := range p.Content {
		p.Content[i].html(b)
	}
}

// inside writes a node as an element.
func (p *part) inside(b *strings.Builder, element string) {
	b.WriteString("<" + element + ">")
	p.children(b)
	b.WriteString("</" + element + ">")
}

// htmlInline writes the word that an inline node stands for.
func (p *part) htmlInline(b *strings.Builder) {
	for _, name := range []string{"text", "shortName", "url", "timestamp"} {
		if word, ok := p.Attrs[name].(string); ok {
			b.WriteString(template.HTMLEscapeString(word))
			return
		}
	}
}

// marked are the elements of marks.
var marked = map[string]string{"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}

// htmlText writes a text with its marks around it. A link that could run something is no link.
func (p *part) htmlText(b *strings.Builder) {
	end := ""
	for _, m := range p.Marks {
		if element := marked[m.Type]; element != "" {
			b.WriteString("<" + element + ">")
			end = "</" + element + ">" + end
		}
		href, _ := m.Attrs["href"].(string)
		if m.Type == "link" && harmless(href) {
			b.WriteString(`<a rel="noreferrer" href="` + template.HTMLEscapeString(href) + `">`)
			end = "</a>" + end
		}
	}
	b.WriteString(template.HTMLEscapeString(*p.Text) + end)
}

// harmless reports whether an address is one to follow: no script, no data.
func harmless(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "mailto")
}
