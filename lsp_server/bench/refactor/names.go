// Reads a Go file from standard input; prints each token, with what its name means, and what the type checker does not like.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"os"
	"regexp"
)

type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) { return nil, fmt.Errorf("not read") }

func main() {
	source, _ := io.ReadAll(os.Stdin)
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "file.go", source, parser.SkipObjectResolution)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	columns := regexp.MustCompile(`:\d+:\d+`)
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: nothing{}, FakeImportC: true, Error: func(err error) {
		fmt.Println("error", columns.ReplaceAllString(err.Error(), ""))
	}}
	config.Check("file", files, []*ast.File{file}, info)
	meaning := map[token.Pos]token.Pos{}
	for _, found := range []map[*ast.Ident]types.Object{info.Defs, info.Uses} {
		for name, object := range found {
			if object == nil || object.Pos() == token.NoPos {
				continue
			}
			meaning[name.Pos()] = object.Pos()
		}
	}
	var tokens scanner.Scanner
	start := files.AddFile("tokens", files.Base(), len(source))
	tokens.Init(start, source, nil, 0)
	base := token.Pos(files.File(file.Pos()).Base())
	order, count := map[token.Pos]int{}, 0
	for {
		pos, kind, text := tokens.Scan()
		if kind == token.EOF {
			break
		}
		count++
		place := base + (pos - token.Pos(start.Base()))
		order[place] = count
		if declared, known := meaning[place]; known {
			fmt.Println(text, "means", declaredAt(order, declared, place))
		} else {
			fmt.Println(kind, text)
		}
	}
}

// The number of the token that declares a name; what is declared below has none yet, so its line stands for it.
func declaredAt(order map[token.Pos]int, declared, use token.Pos) string {
	if declared > use {
		return "below"
	}
	return fmt.Sprint(order[declared])
}
