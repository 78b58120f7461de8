from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from onegov_auth.forms import BundleForm, GroupForm
from onegov_auth.web.fields import FormFields

PERMISSIONS = {"1": "invoices.read", "2": "invoices.write"}


def form(fields: dict[str, str] | None = None, **more: Any) -> GroupForm:
    """The form of a group."""
    posted = None if fields is None else FormFields(fields)
    return GroupForm(posted, choices={"permissions": PERMISSIONS, "bundles": {"b": "Books"}}, **more)


def test_what_was_checked() -> None:
    """What was checked is wanted, by its keys; what is no choice is nothing."""
    posted = form({"name": "Finance", "permissions.2": "2", "permissions.9": "9", "bundles.b": "b"})

    assert posted.validate()
    assert posted.wanted == {"name": "Finance", "bundles": ["b"], "permissions": ["2"]}


def test_nothing_checked() -> None:
    """Boxes that are not checked are not sent, and wanted no more, whatever was there before."""
    posted = form({"name": "Finance"}, obj=SimpleNamespace(name="Old", permissions=["1"], bundles=["b"]))

    assert posted.wanted == {"name": "Finance", "bundles": [], "permissions": []}


def test_boxes_of_what_is_there() -> None:
    """Each box has a name of its own and is checked if its thing is there."""
    shown = form(data={"name": "Finance", "permissions": ["1"]})

    html = "".join(str(box()) for box in shown.permissions)
    assert html.count("checked") == 1
    assert 'name="permissions.1"' in html
    assert 'name="permissions.2"' in html
    assert [str(box.label.text) for box in shown.permissions] == list(PERMISSIONS.values())


def test_nothing_to_choose() -> None:
    """Where there is nothing to choose from, nobody is asked."""
    bundle = BundleForm(FormFields({"name": "Books"}), choices={"permissions": {}})

    assert [field.name for field in bundle] == ["name"]
    assert bundle.wanted == {"name": "Books"}


def test_a_name_is_needed() -> None:
    """Nothing is without a name."""
    assert not form({"name": " "}).validate()
    assert not form({"name": "x" * 201}).validate()
