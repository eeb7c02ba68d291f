"""Asking before a call runs: the whole action, and the answers, in place of the composer."""

import asyncio
from collections.abc import Sequence
from typing import Literal, cast

from rich.text import Text
from textual import events
from textual.app import App
from textual.containers import Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from ally.chat.asking import Choice, arguments, choices, reason, title, why, wrapped
from ally.chat.editing import as_text, field_of, from_text
from ally.engine.gate import Answer
from ally.errors import UsageError
from ally.events import Question
from ally.terminal.table import cut, fitting
from ally.terminal.text import clean, one_line, visible
from ally.tui.look import Look
from ally.tui.question_parts import AnswerList, WholeAction, in_rows, line
from ally.tui.quiet import Quiet

_LIST_ROWS = 16  # of the screen, from which on the answers stand below each other, and the reason above them
_TITLE_ROWS = 7
_WHY_ROWS = 3


class Editor(TextArea):
    """The arguments as text. What is pasted loses what a terminal would obey; Enter ends a text of one line."""

    takes_line = False

    async def _on_key(self, event: events.Key) -> None:
        if self.takes_line and event.key == "enter":
            event.prevent_default()  # it goes on to the panel

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert(clean(event.text.replace("\r\n", "\n").replace("\r", "\n")))


class QuestionPanel(Vertical, can_focus=True):
    """Takes the place of the composer while something is asked; closed, it is not displayed.

    The composer keeps the keys until nothing was typed for a while, so that what is being typed answers nothing.
    """

    SCOPED_CSS = False  # it hides the composer beside it
    DEFAULT_CSS = """
    QuestionPanel { display: none; height: auto; }
    QuestionPanel Static { height: auto; }
    QuestionPanel Input, QuestionPanel Input:focus { display: none; border: none; padding: 0; height: 1; }
    QuestionPanel Editor, QuestionPanel Editor:focus { display: none; border: none; padding: 0; height: auto; }
    Screen.-asking Composer { display: none; }
    """

    class Asked(Message):
        """A question is shown: somebody who is away should know."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    class Answered(Message):
        """The question is not shown any more."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    def __init__(self) -> None:
        super().__init__()
        self.quiet = Quiet()
        self._look = Look()
        self._one_at_a_time = asyncio.Lock()
        self._count = 0
        self._question: Question | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._mode: Literal["quiet", "choose", "reason", "edit"] = "quiet"
        self._is_explained = False
        self._problem = ""
        self._draft: tuple[str, str] | None = None
        self._before: Widget | None = None
        self._since = 0.0
        self._title, self._said = Static(markup=False), Static(markup=False)
        self._action, self._answers = WholeAction(), AnswerList()
        self._reason = Input(placeholder="what to do instead")
        self._editor = Editor()

    @property
    def is_open(self) -> bool:
        """Whether something is asked now."""
        return self._question is not None

    @property
    def look(self) -> Look:
        """How it looks."""
        return self._look

    @look.setter
    def look(self, look: Look) -> None:
        self._look = self._answers.look = look
        self._draw()

    async def ask(self, question: Question) -> Answer:
        """The user's answer; several questions are asked one after the other. Cancelling it closes the question."""
        self._count += 1
        try:
            async with self._one_at_a_time:
                return await self._ask(question)
        finally:
            self._count -= 1

    async def _ask(self, question: Question) -> Answer:
        self._answer = asyncio.get_running_loop().create_future()
        try:
            await self._open(question)
            await self.quiet.wait(lambda: self._program.screen is not self.screen, self._tell)
            self._take_keys(question)
            return await self._answer
        finally:
            self._close()

    async def _open(self, question: Question) -> None:
        if not self._title.is_mounted:  # nothing of it is needed before the first question
            await self.mount(self._title, self._action, self._editor, self._said, self._answers, self._reason)
        self._question, self._mode, self._is_explained = question, "quiet", False
        self._problem = one_line(visible(question.problem))
        self._reason.value = ""
        self._answers.offer(choices(question))
        self.display = True
        self._draw(is_new=True)
        self.post_message(self.Asked(question))

    def _close(self) -> None:
        question, self._question, self._answer = self._question, None, None
        if not self.is_attached:
            return
        if question is not None:
            self.post_message(self.Answered(question))
        had_focus = self.has_focus_within
        self.display = False
        self.screen.remove_class("-asking")
        if had_focus and self._before is not None and self._before.is_attached:
            self.screen.set_focus(self._before)
        self._before = None

    def on_mount(self) -> None:
        """Listen to when keys are pressed anywhere."""
        self._program.message_signal.subscribe(self, self._hear, immediate=True)

    @property
    def _program(self) -> App[object]:
        return cast("App[object]", self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def _hear(self, message: Message) -> None:
        if isinstance(message, events.Key | events.Paste) and not self.has_focus_within:
            self.quiet.hear()

    def _take_keys(self, question: Question) -> None:
        self._before = self.screen.focused
        self.screen.add_class("-asking")
        self._mode, self._since = "choose", Message().time
        self.screen.set_focus(self)
        if question.problem and self._draft is not None and self._draft[0] == question.call.id:
            self._edit(self._draft[1])
        self._draw()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._draw()

    def on_key(self, event: events.Key) -> None:
        """Answer, look around, or go back from writing."""
        if self._question is None or self._mode == "quiet":
            return
        if event.time < self._since:  # pressed before the question had the keys
            self._give_back(event.character or "")
            is_used = True
        elif self._mode == "choose":
            is_used = self._choose(event.key, (event.character or "").lower(), self._question)
        elif event.is_printable and event.character:  # pressed before the field had the focus
            is_used = self._insert(event.character)
        else:
            is_used = self._while_writing(event.key)
        if is_used:
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """A text is no answer, but may say what to do instead."""
        if self._mode == "choose":
            event.stop()
            self._say_no(clean(event.text))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """No, and why."""
        event.stop()
        self._while_writing("enter")

    def _choose(self, key: str, character: str, question: Question) -> bool:
        match key:
            case "up" | "down" if self._answers.is_flat:
                self._action.scroll_relative(y=-1 if key == "up" else 1, animate=False)
            case "up" | "down":
                self._answers.step(-1 if key == "up" else 1)
            case "enter" if not self._answers.is_flat:
                self._take(self._answers.marked, question)
            case "escape":
                self._reply(Answer(False))
            case "tab" | "shift+tab":
                self._say_no("")
            case "pageup":
                self._action.scroll_page_up(animate=False)
            case "pagedown":
                self._action.scroll_page_down(animate=False)
            case "home" | "end":
                self._action.scroll_to(y=0 if key == "home" else self._action.max_scroll_y, animate=False)
            case _ if character == "v":
                self._action.scroll_page_down(animate=False)
            case _ if found := next((one for one in choices(question) if one.key == character), None):
                self._take(found, question)
            case _:
                return bool(character) and character.isprintable()
        self.call_after_refresh(self._tell)
        return True

    def _take(self, choice: Choice, question: Question) -> None:
        # Who changes the command alone agrees to the other arguments as they are.
        is_agreed = choice.scope is not None or (choice.key == "e" and bool(field_of(question.call)))
        if is_agreed and self._action.hidden:
            self._problem = "Not all of it was shown yet: v shows the rest."
            self._draw()
        elif choice.key == "e":
            self._edit(None)
        elif choice.key == "w":
            self._explain()
        else:
            self._reply(Answer(choice.scope is not None, choice.scope or "once"))

    def _reply(self, answer: Answer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _explain(self) -> None:
        self._is_explained = not self._is_explained
        self._draw()
        if self._is_explained:
            self.call_after_refresh(self._action.scroll_to, y=self._action.needed - self._action.hidden, animate=False)

    def _say_no(self, text: str) -> None:
        """Write what to do instead."""
        self._mode = "reason"
        self._draw()
        self.screen.set_focus(self._reason)
        self._insert(one_line(text))

    def _edit(self, text: str | None) -> None:
        """Change the arguments: `text` as it was left, or as they are."""
        if self._question is None:
            return
        self._mode = "edit"
        self._editor.takes_line = field_of(self._question.call) == "command"
        self._editor.text = as_text(self._question.call) if text is None else text
        self._editor.move_cursor(self._editor.document.end)
        self._draw()
        self.screen.set_focus(self._editor)

    def _while_writing(self, key: str) -> bool:
        if key == "escape" or (self._mode == "reason" and key in ("tab", "shift+tab")):
            self._mode, self._problem = "choose", ""
            self.screen.set_focus(self)
            self._draw()
            return True
        match self._mode, key:
            case "reason", "enter":
                self._reply(Answer(False, message=clean(self._reason.value).strip()))
            case "edit", "enter" if not self._editor.takes_line:
                self._insert("\n")
            case "edit", "ctrl+s" | "enter":
                self._run_edited()
            case "edit", "ctrl+j" | "tab":
                self._insert("\n" if key == "ctrl+j" else "\t")
            case _:
                return False
        return True

    def _run_edited(self) -> None:
        if self._question is None:
            return
        call, text = self._question.call, self._editor.text
        self._draft = call.id, text
        try:
            args = from_text(text, call)
        except UsageError as error:
            self._problem = " ".join(filter(None, (error.message, error.hint)))
            self._draw()
            return
        if args == call.args:
            self._problem = "Nothing was changed: Esc goes back to the answers."
            self._draw()
            return
        self._reply(Answer(True, edited=args))

    def _insert(self, text: str) -> bool:
        if self._mode == "edit":
            self._editor.insert(text)
        else:
            self._reason.insert_text_at_cursor(text)
        return True

    def _give_back(self, text: str) -> None:
        if isinstance(self._before, TextArea):
            self._before.insert(text)
        elif isinstance(self._before, Input):
            self._before.insert_text_at_cursor(text)

    def _draw(self, *, is_new: bool = False) -> None:
        """Lay everything out for the size of the screen."""
        question = self._question
        if question is None or not self._title.is_mounted:
            return
        rows, columns = self.screen.size.height, max(1, self.screen.size.width - 1)
        needed = self._strips(question, columns)
        lines = sum(map(len, needed))
        explained = ["", *why(question)] if self._is_explained else []
        further = [line(part, self._look.dim) for text in explained for part in wrapped(text, columns)]
        self._action.show(needed, further, is_new=is_new)
        said = self._remarks(question, columns, rows)
        self._said.update(Text("\n", no_wrap=True).join(said))
        self._show_parts(rows, has_said=bool(said))
        taken = int(self._title.display) + len(said) + (self._answers.rows if self._answers.display else 0)
        below = sum(one.size.height for one in self.screen.query("StatusLine")) or 1
        most = rows - 1 - below if rows < _LIST_ROWS else rows * 2 // 3
        room = max(1, most - taken - int(self._reason.display))
        self._action.styles.height = min(max(1, lines + len(further)), room)
        self._editor.styles.max_height = room
        self.call_after_refresh(self._tell)

    def _show_parts(self, rows: int, *, has_said: bool) -> None:
        is_writing = self._mode in ("reason", "edit")
        self._answers.is_flat = rows < _LIST_ROWS
        self._title.display = rows >= _TITLE_ROWS
        self._said.display = has_said
        self._answers.display = not is_writing
        self._answers.styles.height = self._answers.rows
        self._reason.display = self._mode == "reason"
        self._editor.display = self._mode == "edit"
        self._action.display = self._mode != "edit"

    def _strips(self, question: Question, columns: int) -> list[Sequence[Strip]]:
        words = [line(part, self._look.strong) for text in arguments(question) for part in wrapped(text, columns)]
        if not question.preview:
            return [words]
        from ally.tui.transcript.diff import diff_lines  # heavy

        change = diff_lines(question.preview.rstrip("\n"), columns, self._look, self._look.diff)
        if len(words) == 1 and words[0].text.strip() == change[0].text.strip():
            words = []  # the change names its file
        return [words, change]

    def _remarks(self, question: Question, columns: int, rows: int) -> list[Text]:
        """What is wrong, and why it is asked."""
        said = [Text(cut(self._problem, columns), self._look.error)] if self._problem else []
        told = reason(question)
        if told and rows >= _LIST_ROWS and self._mode != "edit" and not self._is_explained:
            said += [Text(text, self._look.dim) for text in in_rows(f"why: {told}", columns, _WHY_ROWS)]
        return said

    def _tell(self) -> None:
        """The title, and how much is not seen yet; after the layout, which decides it."""
        question = self._question
        if question is None:
            return
        hidden = self._action.hidden
        match self._mode:
            case "edit" if self._editor.takes_line:
                hint = "Enter runs it · Ctrl-J new line · Esc back"
            case "edit":
                hint = "Ctrl-S runs it · Esc back"
            case "reason":
                hint = "Enter says no and this · Esc back"
            case "quiet":
                hint = "asked as soon as you stop typing" if self.quiet.is_typing else ""
            case "choose" if hidden:
                hint = f"{hidden} lines not seen yet: v shows more"
            case "choose":
                hint = "PageUp, PageDown" if self._action.is_longer else "Tab says what to do instead"
        others = f"{self._count - 1} more to ask" if self._count > 1 else ""
        self._answers.hidden = hidden
        self._answers.refresh()
        columns = max(1, self.size.width)
        told = fitting([title(question), *hint.split(" · "), others], columns - 3)
        text = cut(f"── {told} {'─' * columns}", columns).removesuffix("…")
        self._title.update(Text(text, self._look.warning, no_wrap=True))
