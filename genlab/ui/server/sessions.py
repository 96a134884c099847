"""Sessions: what Gradio works out anew for each page that opens, worked out once."""

from typing import Any

from gradio.blocks import Block, BlocksConfig


class Known(BlocksConfig):
    """Gradio's record of a page's blocks, in which each is described once, and not anew for every session."""

    page: dict[int, Block]
    described: dict[int, dict[str, Any]]

    @classmethod
    def of(cls, config: BlocksConfig) -> "Known":
        known = cls(config.root_block)
        known.__dict__ |= config.__dict__ | {"page": dict(config.blocks), "described": {}}
        return known

    def __copy__(self) -> "Known":
        copied = super().__copy__()
        known = Known.of(copied)
        known.page, known.described = self.page, self.described
        return known

    def config_for_block(self, name: int, rendered: list[int], block: Any, renderable: Any = None) -> dict[str, Any]:
        if renderable or self.page.get(name) is not block:
            return super().config_for_block(name, rendered, block, renderable)
        if name not in self.described:
            self.described[name] = super().config_for_block(name, rendered, block)
        told = self.described[name]
        return {**told, "props": dict(told["props"])}  # a session notes its values there
