import sys
import threading

from ally.tui.polite import Courtesy


def test_imports_go_on_even_if_keys_never_stop_and_nothing_is_found():
    courtesy = Courtesy()
    found: list[object] = []

    def load() -> None:
        for _ in range(20):
            courtesy.pressed()
            found.append(courtesy.find_spec("json"))

    with courtesy.kept():
        assert sys.meta_path[0] is courtesy
        thread = threading.Thread(target=load)
        thread.start()
        thread.join()
        courtesy.pressed()
        assert courtesy.find_spec("json") is None
    assert courtesy not in sys.meta_path
    assert found == [None] * 20
