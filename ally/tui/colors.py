"""How many colours the screen uses: what the user says, else what the terminal is known for."""

from collections.abc import MutableMapping

_FORCED = {"1": "standard", "2": "256", "3": "truecolor"}
_NO = ("0", "false", "no")
_WITHOUT = ("vt52", "vt100", "vt102", "vt220", "vt320", "cons25-m", "xterm-mono")
_TRUE_COLORS = ("-direct", "-ghostty", "alacritty", "foot", "wezterm")
WHERE_TEXTUAL_LOOKS = "TEXTUAL_COLOR_SYSTEM"


def settle(env: MutableMapping[str, str]) -> None:
    """Say in `env`, before Textual is imported, how many colours there are; `NO_COLOR` is set or not there after it.

    `NO_COLOR`, if it is not empty, wins; then `FORCE_COLOR` (0 to 3) and `CLICOLOR_FORCE`; then `CLICOLOR=0`; then
    what the terminal is known for.
    """
    if not env.get("NO_COLOR"):
        env.pop("NO_COLOR", None)  # the convention: empty means not set
    else:
        return
    forced, is_forced = env.get("FORCE_COLOR"), env.get("CLICOLOR_FORCE", "0") not in ("", *_NO)
    term = env.get("TERM", "").lower()
    if forced in _NO or (forced is None and not is_forced and _has_none(env, term)):
        env["NO_COLOR"] = "1"
    elif forced in ("2", "3"):
        env.setdefault(WHERE_TEXTUAL_LOOKS, _FORCED[forced])
    elif (forced is not None or is_forced) and _has_none(env, term):
        env.setdefault(WHERE_TEXTUAL_LOOKS, _FORCED["1"])
    elif "WT_SESSION" in env or any(name in term for name in _TRUE_COLORS):
        env.setdefault(WHERE_TEXTUAL_LOOKS, _FORCED["3"])


def _has_none(env: MutableMapping[str, str], term: str) -> bool:
    return env.get("CLICOLOR") == "0" or term in _WITHOUT or term.endswith("-m")
