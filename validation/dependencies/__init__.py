"""What a module's results depend on: the definitions that it reaches, found by their names.

A definition is what binds a name at the top level of a module: a function or class, whole, or an
assignment with all statements that change it. Names are followed through scopes, imports (also
those inside functions), attributes of modules, packages that pass names on, and lazy packages,
which say under `if TYPE_CHECKING` where each name is. Beyond names,

    a module that is passed on as a value counts whole, and so does one that lacks the name
    a string that names a module of ours (for `python -m`) leads to what runs as that command
    a TOML file that is named beside its module leads to each "module:name" in it
    a statement of an imported module that does not just bind a name counts, and so does a
        definition whose decorator is ours, since that may register it

Not seen: attributes of other objects (their classes count, where they are made), and imports by a
computed name, which the architecture tests forbid outside of `tests`.

`sources` reads one module, `writing` writes a definition without its place and its looks,
`closure` follows the names.
"""

from validation.dependencies.closure import Code
from validation.dependencies.sources import OURS, ROOT, current_files

__all__ = ["OURS", "ROOT", "Code", "current_code"]


def current_code() -> Code:
    """The code of this clone as it is on disk now; parsed anew only where it has changed."""
    return Code.of(current_files())
