"""What the host's core has decided and not handed out yet."""

from mist_worker_host.core.instructions import Instruction, Publish


class Outbox:
    """Instructions in order. `changed`: workers or draining are not as the last HostState had them."""

    def __init__(self) -> None:
        self.changed = False
        self._instructions: list[Instruction] = []

    def add(self, instruction: Instruction) -> None:
        self._instructions.append(instruction)

    def take(self, *, publish: bool) -> list[Instruction]:
        """Everything so far; a change is published once, after all else, if `publish`."""
        if self.changed and publish:
            self.changed = False
            self._instructions.append(Publish())
        taken, self._instructions = self._instructions, []
        return taken
