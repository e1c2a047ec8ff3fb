// Package strictyaml reads YAML files that people write and says everything
// that is wrong with them in one go.
//
// A file is opened once ([Open]) and walked through [Node] and [Fields]. What
// does not fit is noted on the file, with line, column and the nearest known
// name, and the walk goes on with a zero value, so a reader needs no error
// handling between its lines:
//
//	f, root := strictyaml.Open("trimtab.yaml", data)
//	top := root.Fields("state", "listen", "sync")
//	state := top.Need("state").Text()
//	interval := top.Get("sync").Fields("interval").Get("interval").Duration()
//	if err := f.Err(); err != nil { return err } // a Diagnostics: all of them
//
// Size, nesting and the meaning of a file are bounded: no anchors, no aliases,
// no merge keys, one document, no key twice.
package strictyaml
