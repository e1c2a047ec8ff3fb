package redmine

// TextileOf is Markdown in the markup of most Redmines, for tests that write as people do.
func TextileOf(md string) string { return textileOf(md) }
