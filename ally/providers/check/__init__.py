"""The contract suite that `ally providers check` runs against a live service.

    rows = await check_model(lambda: connect(...), lambda: connect(... with WRONG_KEY ...))

Every row says pass, fail or not supported, and why. A service or plug-in that breaks the contract fails; a model that
is too weak for the question, or a service that does not offer the feature, is `not supported`.
"""

from ally.providers.check.suite import NAMES, WRONG_KEY, CheckRow, ModelFactory, Verdict, check_model

__all__ = ["NAMES", "WRONG_KEY", "CheckRow", "ModelFactory", "Verdict", "check_model"]
