"""The package is built as the README's "The house" says: rooms import downwards only, and files are short."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rnn_tf"
README = (ROOT / "README.md").read_text("utf-8")
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 320


def rooms():
    """From the ground up, as the README names them."""
    named = re.search(r"Rooms import downwards only: (.*?)\.", README, flags=re.DOTALL)[1]
    return [room.strip() for room in reversed(re.split(r",\s*", named.replace("\n", " ")))]


def room_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0] if len(parts) > 1 or not parts[0].startswith("_") else "ground"


def imports_of(path):
    """Names of the modules of this package that a file imports, also inside of functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rnn_tf":
            for alias in node.names:
                inner = PACKAGE.joinpath(*node.module.split(".")[1:], alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield f"{node.module}.{alias.name}" if is_module else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "rnn_tf")


def test_every_room_is_in_the_readme_and_the_other_way_round():
    found = {room_of(path) for path in FILES} - {"ground", "cli"}
    assert set(rooms()) == found
    named = {name for row in re.findall(r"^\| (`rnn_tf.*?) \|", README, flags=re.MULTILINE) for name in row.split(", ")}
    assert {re.sub(r"`rnn_tf/|\.py|`", "", name) for name in named} == found


def test_rooms_import_downwards_only():
    order = {room: level for level, room in enumerate(["ground", *rooms(), "cli"])}
    for path in FILES:
        room = room_of(path)
        if path == PACKAGE / "__init__.py":  # which knows where every public name lives
            continue
        for module in imports_of(path):
            parts = module.split(".")
            other = "ground" if len(parts) == 1 or parts[1].startswith("_") else parts[1]
            if len(parts) == 1 and order[room] > order["models"]:  # `import rnn_tf`, as a user does
                continue
            assert order[other] <= order[room], f"{path}: {module}"


def test_no_module_imports_itself_through_others():
    names = {}
    for path in FILES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    uses = {
        name: {one for one in imports_of(path) if one in names and one not in ("rnn_tf", name)}
        for name, path in names.items()
        if path.name != "__init__.py"
    }
    while uses:  # take away who uses nobody that is left
        free = [name for name, used in uses.items() if not used & set(uses)]
        assert free, f"a circle: {sorted(uses)}"
        for name in free:
            del uses[name]


def test_files_are_short():
    for path in FILES:
        assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES, path
