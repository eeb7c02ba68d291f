"""Every picture: what is on the screen, by the name of its file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ally.chat.setup import TITLE
from ally.events import PermissionAsked, ToolFinished, ToolRequested
from ally.messages import ToolResult
from ally.tui.composer.area import Area
from ally.tui.picker import Picker
from ally.tui.settings_screen import SettingsScreen
from ally.tui.themes import COLORBLIND, CONTRAST, DARK, LIGHT, TERMINAL
from ally.tui.transcript.diff import DiffBlock
from tests.snapshots import samples
from tests.snapshots.samples import HERE
from tests.snapshots.stage import Draw, Stage


@dataclass(frozen=True)
class Drawn:
    """One picture."""

    draw: Draw
    columns: int
    rows: int
    theme: str


SCREENS: dict[str, Drawn] = {}


def drawn(columns: int = 80, rows: int = 24, theme: str = DARK) -> Callable[[Draw], Draw]:
    """Adds a picture of that size, named like the function."""

    def add(draw: Draw) -> Draw:
        SCREENS[draw.__name__] = Drawn(draw, columns, rows, theme)
        return draw

    return add


def say(stage: Stage, text: str = "The discount should be in per cent.") -> None:
    stage.screen.status.show(HERE)
    stage.screen.transcript.user_said(text)


async def talk(stage: Stage) -> None:
    """A bit of everything."""
    say(stage)
    stage.tell(
        *samples.CHAT,
        *samples.answered(samples.RIGHT),
    )
    stage.screen.transcript.append(DiffBlock(samples.DIFF, "unified"))


@drawn()
async def empty(stage: Stage) -> None:
    stage.screen.status.show(HERE)


@drawn(80, 34)
async def markdown(stage: Stage) -> None:
    say(stage, "How does the cache work?")
    stage.tell(samples.STARTED, *samples.answered(samples.MARKDOWN))


@drawn()
async def code_long(stage: Stage) -> None:
    say(stage, "Write the table.")
    stage.tell(samples.STARTED, *samples.answered(samples.CODE))


@drawn()
async def scrolled_up(stage: Stage) -> None:
    await code_long(stage)
    await stage.pilot.pause()
    await stage.press("pageup")


@drawn(80, 16)
async def thinking_folded(stage: Stage) -> None:
    say(stage)
    stage.tell(samples.STARTED, samples.THINKING, *samples.answered("The discount is in per cent now."))


@drawn(80, 16)
async def thinking_open(stage: Stage) -> None:
    stage.screen.transcript.thinking = "open"
    await thinking_folded(stage)


@drawn()
async def cards(stage: Stage) -> None:
    say(stage)
    stage.tell(*samples.CHAT, ToolRequested(samples.SHELL_QUESTION.call), PermissionAsked(samples.SHELL_QUESTION))
    stage.tell(ToolRequested(samples.SHELL), samples.DENIED, ToolFinished(ToolResult("c1", "no", "", is_error=True)))
    stage.tell(ToolRequested(samples.SHELL), samples.PROGRESS)
    stage.busy, stage.seconds = "shell: python -m pytest tests/test_prices.py -q", 12.3


@drawn(80, 30)
async def card_open_edit(stage: Stage) -> None:
    say(stage)
    stage.tell(*samples.CHAT[:5])
    stage.screen.transcript.toggle()


@drawn(80, 30)
async def card_open_failed(stage: Stage) -> None:
    say(stage)
    stage.tell(*samples.CHAT)
    stage.screen.transcript.toggle()


@drawn()
async def diff_unified(stage: Stage) -> None:
    say(stage)
    stage.screen.transcript.append(DiffBlock(samples.DIFF, "unified"))


@drawn(130, 20)
async def diff_side_by_side(stage: Stage) -> None:
    say(stage)
    stage.screen.transcript.append(DiffBlock(samples.DIFF, "side-by-side"))


@drawn()
async def question_shell(stage: Stage) -> None:
    say(stage)
    await stage.ask(samples.SHELL_QUESTION)


@drawn(80, 30)
async def question_diff(stage: Stage) -> None:
    say(stage)
    await stage.ask(samples.EDIT_QUESTION)


@drawn()
async def question_edit(stage: Stage) -> None:
    await question_shell(stage)
    await stage.press("e")


@drawn(80, 30)
async def question_why(stage: Stage) -> None:
    await question_shell(stage)
    await stage.press("w")


@drawn()
async def question_reason(stage: Stage) -> None:
    await question_shell(stage)
    await stage.press("tab")
    await stage.type("use httpx")


@drawn(40, 10)
async def question_narrow(stage: Stage) -> None:
    await question_shell(stage)


@drawn(20, 5)
async def question_smallest(stage: Stage) -> None:
    await question_shell(stage)


@drawn(80, 28)
async def picker_models(stage: Stage) -> None:
    await talk(stage)
    await stage.app.push_screen(Picker("Model", samples.MODELS, lambda value: samples.MODEL_ABOUT))


@drawn(120, 30)
async def picker_sessions(stage: Stage) -> None:
    await talk(stage)
    await stage.app.push_screen(Picker("Sessions", samples.SESSIONS, lambda value: samples.SESSION_ABOUT))
    await stage.type("t")


@drawn(40, 12)
async def picker_narrow(stage: Stage) -> None:
    await stage.app.push_screen(Picker("Model", samples.MODELS, lambda value: samples.MODEL_ABOUT))


@drawn(100, 30)
async def settings(stage: Stage) -> None:
    await talk(stage)
    await stage.app.push_screen(SettingsScreen(stage.screen.ally))
    await stage.type("tui")


@drawn(100, 26)
async def setup(stage: Stage) -> None:
    await stage.app.push_screen(Picker(TITLE, samples.SETUP))


@drawn(80, 16)
async def composer_files(stage: Stage) -> None:
    say(stage)
    stage.screen.composer.root = Path.cwd()
    await stage.type("Read @pri")
    await stage.until(lambda: stage.screen.composer.is_popup_open)


@drawn(80, 16)
async def composer_commands(stage: Stage) -> None:
    say(stage)
    stage.screen.composer.commands = samples.COMMANDS
    await stage.type("/")
    await stage.press("down")


@drawn(80, 16)
async def composer_search(stage: Stage) -> None:
    say(stage)
    composer = stage.screen.composer
    composer.remember(Path.cwd() / ".state", Path.cwd())
    for text in ("Run the tests", "Why does test_total fail?", "Write a changelog"):
        composer.restore(text)
        await stage.press("enter")
    await stage.press("ctrl+r")
    await stage.type("test")


@drawn(80, 16)
async def composer_paste_and_queue(stage: Stage) -> None:
    say(stage)
    stage.screen.composer.show_queue(["And run the tests.", "Then write the\nchangelog.", "Commit it."])
    await stage.type("What is wrong in ")
    await stage.paste("\n".join(f"Traceback line {number}" for number in range(213)))
    await stage.type(" please?")
    stage.busy, stage.seconds = "answering", 75.4


@drawn(80, 12)
async def composer_shell_lines(stage: Stage) -> None:
    say(stage)
    await stage.type("!git log")
    await stage.press("ctrl+j")
    await stage.type("second line")


@drawn(120, 12)
async def status_cloud(stage: Stage) -> None:
    say(stage)
    stage.screen.status.show(samples.FAR)


@drawn(50, 12)
async def status_narrow(stage: Stage) -> None:
    say(stage)
    stage.screen.status.show(samples.FAR)
    stage.busy, stage.seconds = "thinking", 3.4


@drawn(80, 12)
async def status_retry(stage: Stage) -> None:
    say(stage)
    stage.busy, stage.seconds, stage.again_in_s = "The service is overloaded. Trying again.", 1.2, 4.5


@drawn()
async def error(stage: Stage) -> None:
    say(stage)
    stage.screen.transcript.error(
        "The key of openai was refused (401): it may be revoked or belong to another organisation.",
        "check OPENAI_API_KEY in ~/shop/.env; /model chooses another model",
    )
    stage.screen.transcript.say("(Stopped.)")
    stage.screen.transcript.say("Settings that matter here:\n  provider  openai\n  model     gpt-5-mini")


@drawn(theme=LIGHT)
async def theme_light(stage: Stage) -> None:
    await talk(stage)


@drawn(theme=CONTRAST)
async def theme_contrast(stage: Stage) -> None:
    await talk(stage)


@drawn(theme=COLORBLIND)
async def theme_colorblind(stage: Stage) -> None:
    await talk(stage)


@drawn(theme=TERMINAL)
async def theme_terminal(stage: Stage) -> None:
    await talk(stage)


@drawn(20, 5)
async def smallest(stage: Stage) -> None:
    await talk(stage)
    await stage.type("How wide is it now?")


@drawn(40, 10)
async def small(stage: Stage) -> None:
    await talk(stage)


@drawn(120, 40)
async def large(stage: Stage) -> None:
    await markdown(stage)
    await talk(stage)


@drawn(80, 28)
async def wide_text(stage: Stage) -> None:
    say(stage, "Say hello in 日本語, العربية and עברית 👋")
    stage.tell(samples.STARTED, *samples.answered(samples.WIDE))
    stage.screen.composer.query_one(Area).insert("世界 مرحبا e\u0301 👩\u200d🚀")
