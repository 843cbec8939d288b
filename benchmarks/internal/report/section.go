package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table is a table of text. The first column is the library.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Bar   *Bar // may be nil
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Plot is an SVG picture with its file name.
type Plot struct {
	File    string
	Caption string
	SVG     []byte
}

// Section is the report of one workload.
type Section struct {
	Title  string
	Text   string // description of the workload
	Tables []Table
	Plots  []Plot
}

// Markdown returns the section in Markdown. Its images are in the folder plots.
func (s *Section) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n", s.Title, s.Text)
	for _, t := range s.Tables {
		if t.Title != "" {
			fmt.Fprintf(&b, "\n### %s\n", t.Title)
		}
		fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(t.Head, " | "), strings.Repeat(" --- |", len(t.Head)))
		for _, row := range t.Rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
		if t.Bar != nil {
			fmt.Fprintf(&b, "\n%s\n", t.Bar)
		}
	}
	for _, p := range s.Plots {
		fmt.Fprintf(&b, "\n![%s](plots/%s)\n", p.Caption, p.File)
	}
	return b.String()
}

// Terminal returns the section as plain text.
func (s *Section) Terminal() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n%s\n", s.Title, strings.Repeat("=", utf8.RuneCountInString(s.Title)))
	for _, t := range s.Tables {
		if t.Title != "" {
			fmt.Fprintf(&b, "\n%s\n", t.Title)
		}
		b.WriteString("\n")
		widths := t.widths()
		for _, row := range append([][]string{t.Head}, t.Rows...) {
			for i, cell := range row {
				b.WriteString(cell)
				if i < len(row)-1 {
					b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
				}
			}
			b.WriteString("\n")
		}
		if t.Bar != nil {
			fmt.Fprintf(&b, "%s\n", strings.ReplaceAll(t.Bar.String(), "**", ""))
		}
	}
	return b.String()
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}
