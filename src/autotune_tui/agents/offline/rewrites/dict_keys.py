"""dict-keys-membership: `k in d.keys()`, `k in list(d)` and the like ask the dict itself."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.nodes import code
from autotune_tui.agents.offline.rewrites.analysis.uses import argument
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit


def sites(view: View) -> Iterator[Site]:
    for node in view.function.own(cst.Comparison):
        if len(node.comparisons) != 1:
            continue
        target = node.comparisons[0]
        if not isinstance(target.operator, (cst.In, cst.NotIn)):
            continue
        found = _holder(view, node.left, target.comparator)
        if found is not None:
            yield _site(view, node, target.comparator, *found)


REWRITE = Rewrite("dict-keys-membership", sites)


def _holder(view: View, left: cst.BaseExpression, right: cst.BaseExpression) -> tuple[cst.BaseExpression, bool] | None:
    """What to search instead, and whether a copy is saved by that."""
    copied = view.module.builtin_call(right, "list", "tuple", "set", "frozenset")
    inner = argument(copied) if copied is not None else right
    if inner is None:
        return None
    keys = isinstance(inner, cst.Call) and isinstance(inner.func, cst.Attribute) and inner.func.attr.value == "keys"
    owner = (
        inner.func.value if keys and isinstance(inner, cst.Call) and isinstance(inner.func, cst.Attribute) else inner
    )
    if (keys and isinstance(inner, cst.Call) and inner.args) or not isinstance(owner, (cst.Name, cst.Attribute)):
        return None
    if not (keys or copied is not None) or not view.kinds.of(owner).is_a("dict"):
        return None
    if copied is not None and not view.kinds.hashable(view.kinds.of(left)):
        return None
    return owner, copied is not None


def _site(view: View, node: cst.Comparison, right: cst.BaseExpression, owner: cst.BaseExpression, copied: bool) -> Site:
    edit = Edit()
    edit.replace(right, code(owner))
    return Site(
        function=view.function,
        node=node,
        identity=code(node),
        description=f"Ask {code(owner)} itself for a key in {view.label}",
        hypothesis=f"Asking the dict should improve {view.label} because {code(right)} makes "
        + ("a copy of all keys for every test" if copied else "a view object for every test"),
        premortem="A dict of a few keys is copied quickly. Checked: it is a dict, and the tested value can be hashed.",
        expected=-0.3 if copied else -0.03,
        edit=edit,
    )
