"""What is told from a name alone: files without text, and folders and files that programs made."""

import re
from functools import cache

from ally.permissions.paths import words

_WITHOUT_TEXT = {
    "a picture": (
        ".png .jpg .jpeg .gif .bmp .tif .tiff .webp .ico .icns .heic .heif .avif .jxl .psd .xcf .raw .cr2 .nef .arw "
        ".dng .svg .svgz .ai .eps .sketch .fig"
    ),
    "a sound": ".mp3 .wav .flac .ogg .oga .opus .m4a .aac .wma .aiff .mid .midi .amr",
    "a film": ".mp4 .m4v .mkv .webm .avi .mov .wmv .flv .mpg .mpeg .3gp .ogv",
    "an archive": (
        ".zip .tar .gz .tgz .bz2 .tbz2 .xz .txz .zst .lz4 .lzma .7z .rar .jar .war .ear .whl .egg .deb .rpm .apk .ipa "
        ".dmg .iso .img .cab .msi .crx .xpi .nupkg .gem .snap .appimage .vsix"
    ),
    "a program": (
        ".exe .dll .so .dylib .o .obj .a .lib .ko .elf .bin .class .pyc .pyo .pyd .wasm .beam .rlib .rmeta .pdb "
        ".sys .efi .node .hi .dex"
    ),
    "a font": ".ttf .otf .woff .woff2 .eot .pfb .pfm .ttc .pcf .bdf",
    "a database": ".db .sqlite .sqlite3 .db3 .mdb .accdb .ldb .sst .rdb .frm .ibd .myd .myi .db-wal .db-shm .wal",
    "data of a program": (
        ".npy .npz .pkl .pickle .joblib .h5 .hdf5 .parquet .arrow .feather .orc .avro .mat .rds .rdata .sav .dta "
        ".safetensors .gguf .ggml .pt .pth .ckpt .onnx .tflite .pb .mlmodel .tfrecord .mo .gmo .qm .pack .idx .inv "
        ".swp .swo .swn .blend .fbx .stl .glb .dwg .shp .dbf .torrent .crdownload"
    ),
}

_OTHERS_CODE = words(
    "node_modules bower_components jspm_packages site-packages dist-packages .venv venv virtualenv .virtualenv "
    "__pypackages__ .bundle .eggs pods deriveddata"
)
_MADE = words(
    "__pycache__ .git .hg .svn .bzr .jj cvs _darcs .tox .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache "
    ".gradle .terraform .next .nuxt .svelte-kit .parcel-cache .turbo .ipynb_checkpoints .import_linter_cache htmlcov "
    ".nyc_output .idea .vs .vscode .doctrees $recycle.bin .trash .trashes lost+found"
)
_BESIDE = {
    "build": words(
        "pyproject.toml setup.py setup.cfg package.json cmakelists.txt build.gradle build.gradle.kts pubspec.yaml "
        "gradlew meson.build makefile"
    ),
    "dist": words("pyproject.toml setup.py setup.cfg package.json"),
    "out": words("package.json build.gradle build.gradle.kts tsconfig.json"),
    "target": words("cargo.toml pom.xml build.sbt project.clj"),
    "vendor": words("go.mod composer.json gemfile cargo.toml"),
    "_build": words("conf.py mix.exs dune-project rebar.config"),
    "deps": words("mix.exs rebar.config"),
    "coverage": words("package.json"),
}
"""Names that may also be a user's own; beside one of these files a program made them."""

_MARKS = {"pyvenv.cfg": "holds the code of others", "cachedir.tag": "is a cache"}
_MADE_FILES = re.compile(
    r"(package-lock|npm-shrinkwrap)\.json|pnpm-lock\.yaml|(yarn|cargo|poetry|uv|pdm|pipfile|composer|gemfile|flake|bun)"
    r"\.lock|go\.sum|searchindex\.js|.+\.min\.(js|mjs|css|html)|.+\.(js|css|mjs|ts)\.map|thumbs\.db|desktop\.ini"
    r"|.+\.bundle\.js|.+_pb2(_grpc)?\.pyi?|.+\.pb\.go"
)


def without_text(name: str) -> str:
    """Why no text can be in a file of this name; "" if there may be."""
    _, dot, suffix = name.lower().rpartition(".")
    what = _by_suffix().get(dot + suffix, "")
    return f"is {what}" if what else ""


def made_folder(name: str, beside: set[str]) -> str:
    """Why a folder is somebody's or something's else; `beside` are the names in its own folder, in lower case."""
    lowered = name.lower()
    if lowered in _OTHERS_CODE:
        return "holds the code of others"
    if lowered in _MADE or lowered.endswith(".egg-info"):
        return "was made by a program"
    return "was made by a program" if beside.intersection(_BESIDE.get(lowered, ())) else ""


def marked_folder(inside: set[str]) -> str:
    """Why a folder with these names in it, in lower case, is not read; "" if nothing says so."""
    return next((reason for mark, reason in _MARKS.items() if mark in inside), "")


def made_file(name: str) -> str:
    """Why a file of this name is nobody's own words; "" if it may be."""
    return "was made by a program" if _MADE_FILES.fullmatch(name.lower()) else ""


@cache
def _by_suffix() -> dict[str, str]:
    return {suffix: what for what, suffixes in _WITHOUT_TEXT.items() for suffix in words(suffixes)}
