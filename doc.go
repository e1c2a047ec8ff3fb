// Package trimtab holds the words that every part of Trimtab shares: money,
// actions, the identity of a recommendation, the two axes of its life, and the
// codes of errors. It knows no engine, no database, no tracker and no file.
//
// The story the words tell: sources are gathered into facts, rules judge the
// facts and conclude recommendations; each recommendation is filed once as a
// ticket on the board of the resource's owner, followed both ways, and closed
// when the saving is verified in later cost data.
package trimtab
