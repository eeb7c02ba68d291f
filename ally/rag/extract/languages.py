"""The language of source code, by its name or its first line, and that of data."""

import re

from ally.permissions.paths import words

_SUFFIXES = {
    "ada": ".adb .ads",
    "assembly": ".s .asm",
    "awk": ".awk",
    "bash": ".sh .bash .zsh .ksh .fish",
    "batch": ".bat .cmd",
    "c": ".c .h",
    "c-sharp": ".cs .csx",
    "clojure": ".clj .cljs .cljc .edn",
    "cmake": ".cmake",
    "cpp": ".cc .cpp .cxx .c++ .hh .hpp .hxx .h++ .ipp .inl .cu .cuh",
    "css": ".css .scss .sass .less",
    "d": ".d",
    "dart": ".dart",
    "diff": ".diff .patch",
    "elixir": ".ex .exs",
    "elm": ".elm",
    "erlang": ".erl .hrl",
    "fortran": ".f .f90 .f95 .f03 .for",
    "fsharp": ".fs .fsi .fsx",
    "gleam": ".gleam",
    "go": ".go",
    "graphql": ".graphql .gql",
    "groovy": ".groovy .gradle",
    "haskell": ".hs .lhs",
    "hcl": ".tf .hcl",
    "java": ".java",
    "javascript": ".js .jsx .mjs .cjs",
    "julia": ".jl",
    "kotlin": ".kt .kts",
    "lisp": ".lisp .lsp .cl .el .scm .ss .rkt .fnl",
    "lua": ".lua",
    "make": ".mk .mak",
    "nim": ".nim",
    "nix": ".nix",
    "objective-c": ".m .mm",
    "ocaml": ".ml .mli",
    "pascal": ".pas .pp .dpr",
    "perl": ".pl .pm .t .pod",
    "php": ".php .phtml",
    "powershell": ".ps1 .psm1 .psd1",
    "prolog": ".prolog",
    "protobuf": ".proto",
    "python": ".py .pyi .pyw .pyx .pxd",
    "r": ".r",
    "ruby": ".rb .rake .gemspec",
    "rust": ".rs",
    "scala": ".scala .sc .sbt",
    "solidity": ".sol",
    "sql": ".sql",
    "svelte": ".svelte",
    "swift": ".swift",
    "tcl": ".tcl",
    "tsx": ".tsx",
    "typescript": ".ts .mts .cts",
    "vb": ".vb .vbs .bas",
    "verilog": ".v .sv .svh",
    "vhdl": ".vhd .vhdl",
    "vim": ".vim",
    "vue": ".vue",
    "zig": ".zig",
}
_DATA = {
    "bibtex": ".bib",
    "ini": ".ini .cfg .conf .properties .desktop .service .editorconfig",
    "json": ".json .json5 .jsonc .jsonld .geojson .har .webmanifest",
    "jsonl": ".jsonl .ndjson",
    "toml": ".toml",
    "xml": ".xml .xsd .xsl .xslt .rss .atom .opml .plist .resx .wsdl .xliff .csproj",
    "yaml": ".yaml .yml",
}
_NAMES = {
    "bash": "pkgbuild .bashrc .profile configure",
    "cmake": "cmakelists.txt",
    "docker": "dockerfile containerfile",
    "groovy": "jenkinsfile",
    "make": "makefile gnumakefile justfile",
    "python": "sconstruct wscript",
    "ruby": "gemfile rakefile vagrantfile brewfile",
}
_INTERPRETERS = {
    "awk": r"[gmn]?awk",
    "bash": r"(ba|z|k|da|a)?sh|fish",
    "javascript": r"node|deno|bun",
    "lua": r"lua(jit)?",
    "make": "make",
    "perl": "perl",
    "php": "php",
    "python": r"python|pypy|uv",
    "r": "rscript",
    "ruby": "ruby",
    "tcl": "tclsh|wish",
}

LANGUAGES = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in words(suffixes)}
"""The language for each suffix."""

DATA = {suffix: language for language, suffixes in _DATA.items() for suffix in words(suffixes)}
"""What data and settings are written in, for each suffix."""

NAMES = {name: language for language, names in _NAMES.items() for name in words(names)}
"""The language of files that are always called so, in lower case."""

_SHEBANG = re.compile(rb"#!\s*(?:\S*/)?([^/\s]+)(?:\s+(?:-\S+\s+)*([\w.+-]+))?")


def language_of(name: str, head: bytes = b"") -> str:
    """The language of a file called `name` that begins with `head`; "" if neither says one."""
    lowered = name.lower()
    _, dot, suffix = lowered.rpartition(".")
    if found := NAMES.get(lowered) or LANGUAGES.get(dot + suffix):
        return found
    shebang = _SHEBANG.match(head)
    if not shebang:
        return ""
    program = (shebang[2] if shebang[1] == b"env" and shebang[2] else shebang[1]).decode("latin-1").lower()
    bare = re.sub(r"[\d.]+$", "", program)
    return next((language for language, pattern in _INTERPRETERS.items() if re.fullmatch(pattern, bare)), "")
