"""Commands and files are completed while they are typed."""

from pathlib import Path

from tests.unit.tui.composer.host import Host


async def test_commands_with_their_help(tmp_path: Path) -> None:
    app = Host(tmp_path)
    async with app.run_test(size=(60, 12)) as pilot:
        await app.type(pilot, "/")
        assert app.offered == ["/help", "/model [NAME]", "/mode [NAME]"]
        await app.type(pilot, "m", "d")
        assert app.offered == ["/model [NAME]", "/mode [NAME]"]
        await app.type(pilot, "down", "up", "tab")
        assert app.composer.text == "/model "
        assert "/model [NAME]" in app.screen_text()
        assert not app.composer.is_popup_open
        await app.type(pilot, "x", "enter")
        assert app.sent == ["/model x"]
        await app.type(pilot, *"/he", "enter")
        assert app.composer.text == "/help "
        await app.type(pilot, "enter", *"/help", "enter")
        assert app.sent == ["/model x", "/help ", "/help"]
        await app.type(pilot, *"/mo", "escape")
        assert not app.composer.is_popup_open
        await app.type(pilot, "d")
        assert not app.composer.is_popup_open
        assert "escape" not in app.left
        app.composer.restore("a /he")
        await app.type(pilot, "l")
        assert app.offered == []
        app.composer.restore("/usr/bin/x")
        await app.type(pilot, "y")
        assert app.offered == []


async def test_files_as_gitignore_says_without_secrets(tmp_path: Path) -> None:
    for name in (
        "src/deep/main.py",
        "src/other.py",
        "my dir/a b.txt",
        "left.out",
        ".env",
        "evil\x1b[31m.py",
        "[b]x.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("*.out\n")
    app = Host(tmp_path)
    async with app.run_test(size=(60, 24)) as pilot:
        await app.type(pilot, *"see @")
        await app.until(pilot, lambda: app.offered == [".gitignore", "[b]x.py", "my dir/", "src/"])
        assert app.offered == [".gitignore", "[b]x.py", "my dir/", "src/"]
        await app.until(pilot, lambda: "[b]x.py" in app.screen_text())
        assert "[b]x.py" in app.screen_text()
        await app.type(pilot, *"main")
        await app.until(pilot, lambda: app.offered == ["src/deep/main.py"])
        assert app.offered == ["src/deep/main.py"]
        await app.type(pilot, "enter")
        assert app.composer.text == "see @src/deep/main.py "
        await app.type(pilot, *"@my")
        await app.until(pilot, lambda: app.offered[:1] == ["my dir/"])
        await app.type(pilot, "tab")
        await app.until(pilot, lambda: app.offered == ["my dir/a b.txt"])
        assert (app.composer.text, app.offered) == ('see @src/deep/main.py @"my dir/', ["my dir/a b.txt"])
        await app.type(pilot, "tab")
        assert app.composer.text == 'see @src/deep/main.py @"my dir/a b.txt" '
        await app.type(pilot, *"a@src")
        await pilot.pause(0.05)
        assert app.offered == []
        await app.type(pilot, "space", *f"@{tmp_path}/sr")
        await app.until(pilot, lambda: app.offered == [f"{tmp_path}/src/"])
        assert app.offered == [f"{tmp_path}/src/"]
        await app.type(pilot, "escape", *"c", "enter")
        assert app.sent == [f'see @src/deep/main.py @"my dir/a b.txt" a@src @{tmp_path}/src']


async def test_a_list_in_the_smallest_terminal(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"a very long name of a file {number}.py").touch()
    app = Host(tmp_path)
    async with app.run_test(size=(20, 5)) as pilot:
        await app.type(pilot, "@")
        await app.until(pilot, lambda: len(app.offered) == 30)
        await app.type(pilot, *["up"] * 3)
        lines = app.screen_text().splitlines()
        assert lines[3:] == ["> @", "status"]
        assert any(line.startswith("> a very long") for line in lines[:3])
        await pilot.resize_terminal(60, 20)
        assert len(app.offered) == 30


async def test_what_goes_with_a_command(tmp_path: Path) -> None:
    app = Host(tmp_path)
    values = {"/model ": ["/model big", '/model "my own"'], "/model b": ["/model big"]}
    asked: list[str] = []

    def complete(text: str) -> list[str]:
        asked.append(text)
        return values.get(text, []) if asked.count(text) > 1 else []  # the first time it has to be looked for

    async with app.run_test(size=(60, 12)) as pilot:
        app.composer.complete_with(complete)
        await app.type(pilot, *"/model", "space")
        await app.until(pilot, lambda: app.offered == ["big", '"my own"'])
        assert app.offered == ["big", '"my own"']
        assert "choose the model" in app.screen_text()
        await app.type(pilot, "enter")
        assert app.sent == ["/model "]
        await app.type(pilot, *"/model", "space")
        await app.until(pilot, lambda: len(app.offered) == 2)
        await app.type(pilot, "down", "enter")
        assert (app.composer.text, app.sent) == ('/model "my own"', ["/model "])
        app.composer.clear()
        await app.type(pilot, *"/model b")
        await app.until(pilot, lambda: app.offered == ["big"])
        await app.type(pilot, "tab")
        assert app.composer.text == "/model big"
        await app.type(pilot, "enter")
        assert app.sent == ["/model ", "/model big"]
        assert "tab" not in app.left
