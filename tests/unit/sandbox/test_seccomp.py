import errno
import struct

import pytest

from ally.sandbox.seccomp import Sockets, program

ALLOW, KILL = 0x7FFF0000, 0x80000000
X86, ARM, I386 = 0xC000003E, 0xC00000B7, 0x40000003
NUMBERS = {
    "x86_64": {"clone": 56, "socket": 41, "socketpair": 53, "ioctl": 16, "ptrace": 101, "mount": 165, "unshare": 272},
    "aarch64": {"clone": 220, "socket": 198, "socketpair": 199, "ioctl": 29, "ptrace": 117, "mount": 40, "unshare": 97},
}
AUDIT = {"x86_64": X86, "aarch64": ARM}


def run(code: bytes, number: int, *arguments: int, audit: int) -> int:
    """What the filter answers, as the kernel would compute it."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<iIQ6Q", number if number < 2**31 else number - 2**32, audit, 0, *padded)
    lines = list(struct.iter_unpack("<HBBI", code))
    position = accumulator = 0
    while True:
        operation, yes, no, value = lines[position]
        position += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x06:
                return value
            case 0x15 | 0x35 | 0x45:
                holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}
                position += yes if holds[operation] else no
            case _:
                raise AssertionError(operation)


def answer(machine: str, call: str | int, *arguments: int, sockets: Sockets = "unix") -> str:
    code = program(sockets, machine)
    assert code is not None
    number = call if isinstance(call, int) else NUMBERS[machine][call]
    verdict = run(code, number, *arguments, audit=AUDIT[machine])
    return "allowed" if verdict == ALLOW else errno.errorcode[verdict & 0xFFFF]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
class TestBothMachines:
    def test_reading_and_threads_are_allowed(self, machine: str):
        threads = 0x3D0F00  # what the C library asks for to make a thread
        assert answer(machine, 0 if machine == "x86_64" else 63) == "allowed"
        assert answer(machine, "clone", threads) == answer(machine, "clone", 17) == "allowed"
        assert answer(machine, "ioctl", 0, 0x5401) == "allowed"

    @pytest.mark.parametrize("flag", [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
    def test_no_namespace_can_be_made(self, machine: str, flag: int):
        assert answer(machine, "clone", flag | 17) == "EPERM"
        assert answer(machine, "unshare", flag) == "EPERM"

    def test_calls_that_reach_out_are_refused(self, machine: str):
        assert answer(machine, "ptrace") == answer(machine, "mount") == answer(machine, 438) == "EPERM"
        assert [answer(machine, number) for number in (425, 426, 427, 435)] == ["ENOSYS"] * 4

    @pytest.mark.parametrize("command", [0x5412, 0x541C, 0xFFFFFFFF00005412])
    def test_nothing_is_typed_into_a_terminal(self, machine: str, command: int):
        assert answer(machine, "ioctl", 0, command) == "EPERM"

    @pytest.mark.parametrize(("sockets", "allowed"), [("none", set()), ("unix", {1}), ("internet", {1, 2, 10, 16})])
    def test_only_wanted_families_of_sockets(self, machine: str, sockets: Sockets, allowed: set[int]):
        families = {number for number in range(50) if answer(machine, "socket", number, sockets=sockets) == "allowed"}
        assert families == allowed
        assert answer(machine, "socket", 0xFFFFFFFF00000028, sockets=sockets) == "EPERM"
        assert answer(machine, "socketpair", 1, sockets=sockets) == "allowed"
        assert answer(machine, "socketpair", 40, sockets=sockets) == "EPERM"

    def test_a_process_that_is_alone_has_threads_but_starts_and_signals_nobody(self, machine: str):
        code = program("none", machine, is_lone=True)
        assert code is not None
        calls = {"x86_64": (57, 59, 322, 62, 90, 268, 280), "aarch64": (221, 281, 129, 138, 52, 53, 88)}[machine]
        clone, threads = NUMBERS[machine]["clone"], 0x3D0F00
        verdicts = [run(code, number, audit=AUDIT[machine]) & 0xFFFF for number in calls]
        assert verdicts == [errno.EPERM] * len(calls)
        assert run(code, clone, 17, audit=AUDIT[machine]) & 0xFFFF == errno.EPERM
        assert run(code, clone, threads, audit=AUDIT[machine]) == ALLOW

    def test_programs_of_another_processor_are_ended(self, machine: str):
        code = program("unix", machine)
        assert code is not None
        assert {run(code, 1, audit=audit) for audit in (I386, 0x40000028)} == {KILL}


def test_the_other_call_numbers_of_x86_are_refused():
    assert answer("x86_64", 0x40000000 | 41, 2) == "ENOSYS"


def test_an_unknown_machine_has_no_filter():
    assert program("unix", "riscv64") is None
