// Prints what BuildKit's own parser makes of container files, one line of JSON for each: the image that the last stage
// starts from, or the error.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

func base(content []byte) (string, error) {
	file, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		return "", err
	}
	stages, arguments, err := instructions.Parse(file.AST, linter.New(&linter.Config{}))
	if err != nil {
		return "", err
	}
	if len(stages) == 0 {
		return "", errors.New("no stages")
	}
	lex := shell.NewLex(file.EscapeToken)
	// What the builder sets itself, for one platform.
	values := []string{
		"BUILDPLATFORM=linux/amd64", "BUILDOS=linux", "BUILDOSVERSION=", "BUILDARCH=amd64", "BUILDVARIANT=",
		"TARGETPLATFORM=linux/amd64", "TARGETOS=linux", "TARGETOSVERSION=", "TARGETARCH=amd64", "TARGETVARIANT=",
	}
	for _, argument := range arguments {
		for _, pair := range argument.Args {
			if pair.Value != nil {
				value, err := lex.ProcessWordWithMatches(*pair.Value, shell.EnvsFromSlice(values))
				if err != nil {
					return "", err
				}
				values = append(values, pair.Key+"="+value.Result)
			}
		}
	}
	bases := map[string]string{}
	last := ""
	for _, stage := range stages {
		name, err := lex.ProcessWordWithMatches(stage.BaseName, shell.EnvsFromSlice(values))
		if err != nil {
			return "", err
		}
		if name.Result == "" {
			return "", fmt.Errorf("the base name %q is blank", stage.BaseName)
		}
		last = name.Result
		if before, ok := bases[last]; ok {
			last = before
		}
		if stage.Name != "" {
			bases[strings.ToLower(stage.Name)] = last
		}
	}
	return last, nil
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[1:] {
		row := map[string]string{"file": path}
		content, err := os.ReadFile(path)
		if err == nil {
			row["image"], err = base(content)
		}
		if err != nil {
			delete(row, "image")
			row["error"] = err.Error()
		}
		if err := out.Encode(row); err != nil {
			os.Exit(1)
		}
	}
}
